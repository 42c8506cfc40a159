# Starts the board: shims first, from the host's file system; then the node's flash as the only file system;
# then boot.py and main.py, as the ESP32 port does.
import gc
import os
import sys

import _board_link as link
import _board_ops as ops
import cryptolib
import ds18x20
import esp32
import machine
import network
import onewire
import select
import socket
import time
import vfs
from _board_flash import Flash

FROZEN = ".frozen"
if "_programs" in sys.modules:  # a full image brings its own
    FROZEN = "/frozen"


def mount():
    hello = link.hello
    flash = Flash(link.image, hello.blocks, hello.cut_after, hello.torn)
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsLfs2(flash), "/")
        if FROZEN != ".frozen":
            sys.modules["_programs"].mount(FROZEN)
        return
    except OSError:
        pass
    start = bytearray(64)
    flash.readblocks(0, start)
    if start != b"\xff" * 64:
        print("The filesystem appears to be corrupted.")
        link.call(ops.STUCK, b"file system")
    print("Performing initial setup")
    vfs.VfsLfs2.mkfs(flash)
    vfs.mount(vfs.VfsLfs2(flash), "/")


def run(name, scope):
    try:
        os.stat(name)
    except OSError:
        return True
    try:
        execfile(name, scope)
        return True
    except SystemExit:
        link.call(ops.SOFT_RESET)
    except BaseException as error:
        sys.print_exception(error)
    return False


def start():
    mount()
    sys.path[:] = ["", FROZEN, "/lib"]
    sys.argv[:] = []
    gc.collect()
    scope = {"__name__": "__main__"}
    link.started = True
    because = b"program ended"
    if run("boot.py", scope) and not run("main.py", scope):
        because = b"uncaught exception"
    link.call(ops.STUCK, because)  # answered where there is a prompt, which then opens


start()
