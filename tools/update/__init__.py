"""New programs for nodes in the field: built, signed away from any network, offered in waves."""
