"""A gateway on a machine of its own: install, upgrade, uninstall, backup, restore, export."""
