"""Which program starts: the installed one (frozen, or in /lib), or an update in /a or /b. Read before `node`.

One line in one file, replaced as a whole: "use trial left number trying bad". `use` and `trial` are a slot's
letter or "-" (the installed program; none); `left`: starts the program on trial still has; `number`: of the
highest program ever confirmed; `trying`: of the one on trial; `bad`: of the last that did not prove itself.
A file that is missing or damaged means the installed program, which is never overwritten.

A full image is on trial under the name of its partition, with the program frozen in it. Where it does not
prove itself it goes back, or the bootloader does, whose rollback finds it not called valid.
"""

import os
import sys

PATH = "/slot"
TRIES = 4
IMAGES = "ota_"  # how the names of partitions begin that hold full images

running = "-"  # the slot this start uses
trial = False  # it has not proved itself yet
reverted = False  # this start went back to an older program


class Slots:
    def __init__(self, use="-", trial="-", left=0, number=0, trying=0, bad=0):
        self.use = use
        self.trial = trial
        self.left = left
        self.number = number
        self.trying = trying
        self.bad = bad

    def save(self):
        line = "%s %s %d %d %d %d" % (self.use, self.trial, self.left, self.number, self.trying, self.bad)
        with open(PATH + ".new", "w") as f:
            f.write(line)
        os.rename(PATH + ".new", PATH)


def load():
    try:
        with open(PATH) as f:
            use, trial, left, number, trying, bad = f.read().split()
        if use not in "-ab" or not (trial in "-ab" or trial.startswith(IMAGES)):
            raise ValueError
        return Slots(use, trial, int(left), int(number), int(trying), int(bad))
    except (OSError, ValueError):
        return Slots()


def choose():
    """Put the chosen program first on the path. What is on trial spends one of its starts."""
    global running
    found = load()
    running = found.use
    if found.trial.startswith(IMAGES):
        _choose_image(found)
    else:
        if found.number or found.bad:
            _call_valid()
        if found.trial != "-":
            _choose_slot(found)
    if running != "-":
        sys.path.insert(0, "/" + running)


def _choose_slot(found):
    global running, trial, reverted
    if found.left > 0:
        found.left -= 1
        running, trial = found.trial, True
    else:
        found.trial, found.bad = "-", found.trying
        reverted = True
    found.save()


def _choose_image(found):
    """A full image is on trial: this start is one of its own, or it is over with it."""
    global running, trial, reverted
    from esp32 import Partition

    here = Partition(Partition.RUNNING)  # type: ignore[arg-type]  # the stubs know labels only
    if here.info()[4] != found.trial:
        _call_valid()
        if found.left > 0:
            return  # its start was cut off, or the bootloader took it back: the offer may start it again
        found.trial, found.bad = "-", found.trying
        reverted = True
        found.save()
        return
    running, trial = "-", True
    if found.left > 0:
        found.left -= 1
        found.save()
        return
    import machine

    try:
        here.get_next_update().set_boot()
    except OSError:
        return  # there is nothing to go back to
    machine.reset()


def _call_valid():
    """What runs is not on trial. To the bootloader an image that was gone back to is as new as any."""
    from esp32 import Partition

    try:
        Partition.mark_app_valid_cancel_rollback()
    except OSError:
        pass  # a bootloader without rollback: it starts what it was told to


def confirm():
    """The program on trial has proved itself."""
    global trial
    found = load()
    image = trial and found.trial.startswith(IMAGES)
    if image:
        _call_valid()
    if image or found.trial == running:
        for name in os.listdir("/"):  # a cut may have left its bundle
            if name.startswith("update."):
                os.remove("/" + name)
        found.use, found.number = running, found.trying
        found.trial, found.left = "-", 0
        found.save()
    trial = False


def spare():
    """Return the slot that no start may use."""
    return "b" if load().use == "a" else "a"


def try_out(slot, number):
    """From the next start on the program in `slot` is on trial."""
    found = load()
    found.trial, found.left, found.trying = slot, TRIES, number
    found.save()


def try_image(label, number):
    """The full image in this partition is on trial from the next reset on; False: it has had its starts."""
    found = load()
    if (found.trial, found.trying) != (label, number):
        found.left = TRIES + 1
    if found.left <= 0:
        return False
    found.trial, found.left, found.trying = label, found.left - 1, number
    found.save()
    return True
