"""The wire format that nodes and gateways share; SPEC.md has it in words. No I/O, no clock.

Runs on MicroPython and CPython alike, so: integers only, few allocations, no third-party imports
except the AES primitive (cryptolib on the node, cryptography at the gateway).
"""
