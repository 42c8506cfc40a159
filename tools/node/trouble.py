"""What can go wrong for a technician: each with its text, its cause, its next step and an exit status."""

import errno

from tools.node.words import Words

FAILED, USAGE, CONFIGURATION, NO_DEVICE, UNVERIFIED, NETWORK = 1, 2, 3, 4, 5, 6

# The exit status of each text `trouble.<key>`.
STATUS = {
    "no_port": NO_DEVICE,
    "many_ports": USAGE,
    "port_gone": NO_DEVICE,
    "port_busy": NO_DEVICE,
    "port_denied": NO_DEVICE,
    "silent": NO_DEVICE,
    "blank": NO_DEVICE,
    "download_mode": NO_DEVICE,
    "noise": NO_DEVICE,
    "no_prompt": NO_DEVICE,
    "unplugged": NO_DEVICE,
    "no_chip": NO_DEVICE,
    "wrong_chip": UNVERIFIED,
    "no_node_left": UNVERIFIED,
    "flash_failed": UNVERIFIED,
    "no_image": CONFIGURATION,
    "bad_image": CONFIGURATION,
    "copy_failed": UNVERIFIED,
    "script_failed": FAILED,
    "selftest_failed": UNVERIFIED,
    "taken": UNVERIFIED,
    "has_other_board": UNVERIFIED,
    "other_node": UNVERIFIED,
    "is_bridge": UNVERIFIED,
    "not_a_bridge": UNVERIFIED,
    "no_bridge": CONFIGURATION,
    "unknown_node": CONFIGURATION,
    "not_provisioned": FAILED,
    "no_network_file": CONFIGURATION,
    "no_ca": CONFIGURATION,
    "registry": CONFIGURATION,
    "no_label_package": FAILED,
    "tool_missing": FAILED,
    "not_heard": FAILED,
    "no_archive": FAILED,
    "site_sheet": CONFIGURATION,
    "no_store": FAILED,
    "no_site": CONFIGURATION,
    "no_state": CONFIGURATION,
    "other_site": CONFIGURATION,
    "state_busy": FAILED,
    "not_a_port": NO_DEVICE,
    "no_terminal": USAGE,
    "not_this_node": UNVERIFIED,
    "disk_full": FAILED,
    "read_only": FAILED,
    "denied": FAILED,
    "no_file": FAILED,
    "file": FAILED,
}
_OF_DISK = {
    errno.ENOSPC: "disk_full",
    errno.EDQUOT: "disk_full",
    errno.EROFS: "read_only",
    errno.EACCES: "denied",
    errno.EPERM: "denied",
    errno.ENOENT: "no_file",
}


class Trouble(Exception):
    """`key` names the text, `values` fill it in; lists among them are keys of texts themselves.

    `detail` is what a program said, for who wants to know.
    """

    def __init__(self, key: str, detail: str = "", **values: object) -> None:
        super().__init__(key)
        self.key = key
        self.detail = detail
        self.values = values

    @property
    def status(self) -> int:
        """The command's exit status."""
        return STATUS[self.key]

    def told(self, words: Words) -> str:
        """Return what a technician reads."""
        lists = {name: value for name, value in self.values.items() if isinstance(value, list)}
        said = {name: ", ".join(words(key) for key in keys) for name, keys in lists.items()}
        return words(f"trouble.{self.key}", **{**self.values, **said})


def of_disk(error: OSError) -> Trouble:
    """Return what this machine's own files or disk refused."""
    key = _OF_DISK.get(error.errno or 0, "file")
    return Trouble(key, detail=str(error), path=error.filename or "?", why=error.strerror or str(error))
