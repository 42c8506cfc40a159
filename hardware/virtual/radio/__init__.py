"""The air between virtual radios, and a virtual concentrator with its packet forwarder."""
