"""Which program starts: the installed one (frozen, or in /lib), or an update in /a or /b. Read before `node`.

One line in one file, replaced as a whole: "use trial left number trying bad". `use` and `trial` are a slot's
letter or "-" (the installed program; none); `left`: starts the program on trial still has; `number`: of the
highest program ever confirmed; `trying`: of the one on trial; `bad`: of the last that did not prove itself.
A file that is missing or damaged means the installed program, which is never overwritten.
"""

import os
import sys

PATH = "/slot"
TRIES = 4

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
        if use not in "-ab" or trial not in "-ab":
            raise ValueError
        return Slots(use, trial, int(left), int(number), int(trying), int(bad))
    except (OSError, ValueError):
        return Slots()


def choose():
    """Put the chosen program first on the path. What is on trial spends one of its starts."""
    global running, trial, reverted
    found = load()
    running = found.use
    if found.trial != "-":
        if found.left > 0:
            found.left -= 1
            running, trial = found.trial, True
        else:
            found.trial, found.bad = "-", found.trying
            reverted = True
        found.save()
    if running != "-":
        sys.path.insert(0, "/" + running)


def confirm():
    """The program on trial has proved itself."""
    global trial
    found = load()
    if found.trial == running:
        for name in os.listdir("/"):  # a cut may have left its bundle
            if name.startswith("update."):
                os.remove("/" + name)
        found.use, found.number = found.trial, found.trying
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
