# What the ESP32 port's os offers, and nothing of the host's.
from collections import namedtuple

from uos import (
    VfsFat,
    VfsLfs2,
    chdir,
    getcwd,
    ilistdir,
    listdir,
    mkdir,
    mount,
    remove,
    rename,
    rmdir,
    sep,
    stat,
    statvfs,
    umount,
    unlink,
    urandom,
)

_uname = namedtuple("uname", ("sysname", "nodename", "release", "version", "machine"))


def uname():
    import sys

    from _board_link import hello

    release = ".".join(str(n) for n in sys.implementation[1][:3])
    chip = "ESP32S3" if hello.s3 else "ESP32"
    return _uname("esp32", "esp32", release, "v" + release, "virtual board with " + chip)


def sync():
    pass


def dupterm(stream=None, index=0):
    return None
