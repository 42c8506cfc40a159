"""Backups can be encrypted for public keys of age (Debian's package `age`).

The gateway knows only public keys, so whoever takes it, or the disk with the backups, can not read old ones.
The private key stays with whoever is to restore: `age-keygen -o key.txt`, on another machine.
"""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, cast

from tools.installation.places import InstallError

MAGIC = b"age-encryption.org/v1\n"
SUFFIX = ".age"
KEY = r"^age1[02-9ac-hj-np-z]{58}$"  # Bech32
_LACKING = "backups are encrypted by age, which is not installed. First: apt-get install age"


@contextmanager
def encrypting(target: BinaryIO, recipients: Sequence[str]) -> Iterator[BinaryIO]:
    """Yield where to write: what is written reaches `target` encrypted, or as it is without recipients.

    Raises InstallError.
    """
    if not recipients:
        yield target
        return
    words = ["age", "--encrypt", *(f"--recipient={key}" for key in recipients)]
    with _age(words, stdin=subprocess.PIPE, stdout=target) as process:
        stdin = cast(BinaryIO, process.stdin)
        try:
            yield stdin
            stdin.close()
        except BrokenPipeError:
            pass  # it has ended, and says why


@contextmanager
def decrypting(file: Path, identity: Path | None) -> Iterator[BinaryIO]:
    """Yield the content of `file`, decrypted with the private key in `identity` where it is encrypted.

    What was read is genuine only once the block has ended without an error. Raises InstallError, OSError.
    """
    with file.open("rb") as head:
        encrypted = head.read(len(MAGIC)) == MAGIC
    with file.open("rb") as source:
        if not encrypted:
            yield source
            return
        if identity is None:
            raise InstallError(f"{file} is encrypted: say --identity FILE, with the private key it is for")
        words = ["age", "--decrypt", "--identity", str(identity)]
        with _age(words, stdin=source, stdout=subprocess.PIPE) as process:
            stdout = cast(BufferedReader, process.stdout)
            if stdout.peek(1):  # else it has refused, and says why
                yield cast(BinaryIO, stdout)
            while stdout.read(1 << 20):  # so that it comes to its end
                pass


@contextmanager
def _age(words: list[str], **pipes: object) -> Iterator["subprocess.Popen[bytes]"]:
    try:
        process = subprocess.Popen(words, stderr=subprocess.PIPE, **pipes)  # type: ignore[call-overload]
    except FileNotFoundError as error:
        raise InstallError(_LACKING) from error
    try:
        yield process
        said = process.stderr.read().decode(errors="replace")
        if process.wait():
            told = [line for line in said.splitlines() if "report unexpected" not in line]
            raise InstallError("; ".join(told))
    finally:
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()
        if process.poll() is None:
            process.kill()
        process.wait()
