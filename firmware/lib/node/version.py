# Which program this is. NUMBER rises with every release: a node never goes back to a lower one.
FIRMWARE = "0.1.0"
NUMBER = 1
