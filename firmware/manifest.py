# What a frozen release build contains, for MicroPython's build system:
#     make -C ports/esp32 BOARD=ESP32_GENERIC FROZEN_MANIFEST=<this file>
# Frozen code needs no heap for its bytecode and no file system to start:
# a wake is a third of a second shorter.
# mypy: ignore-errors
include("$(PORT_DIR)/boards/manifest.py")
package("wire", base_path="lib", opt=2)
package("drivers", base_path="lib", opt=2)
package("node", base_path="lib", opt=2)
module("slots.py", base_path="lib", opt=2)
module("main.py", opt=2)
