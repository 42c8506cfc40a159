# Which program this is. NUMBER rises with every release: a node never goes back to a lower one.
FIRMWARE = "0.1.0"
NUMBER = 1
# Both again, for who looks into a built image: see version_in in tools/update/bundle.py.
STAMP = "sensornett program 0.1.0 number 1"
