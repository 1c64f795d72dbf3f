"""What a run has going on in the system: processes, and what they leave in shared memory."""

import os
from pathlib import Path

MARK = "MIA_DUAL_MARK"
"""A variable that all processes of a run inherit: one by which they are found, whoever's child
they have become.
"""

PROC = Path("/proc")

SHARED = "/dev/shm/"


def processes(mark, session):
    """Number -> command line of each process with the ``mark`` or of the ``session``."""
    found = {}
    for folder in PROC.iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            state = _state(folder.name)
            marked = f"{MARK}={mark}".encode() in (folder / "environ").read_bytes().split(b"\0")
            if state[0] != "Z" and (marked or int(state[3]) == session):
                words = (folder / "cmdline").read_bytes().split(b"\0")
                found[int(folder.name)] = " ".join(word.decode() for word in words).strip()
        except OSError:
            continue  # it ended meanwhile
    return found


def workers_of(mark, session):
    """The numbers of those that train for a run: a crew's, and Ray's once they have a name."""
    return sorted(
        number
        for number, command in processes(mark, session).items()
        if "mia_dual.processes.worker" in command
        or (command.startswith("ray::") and not command.endswith("Agent"))
    )


def takes(process, signal):
    """Whether ``process`` has set itself up for ``signal``; before, the system's way holds."""
    try:
        lines = (PROC / str(process) / "status").read_text().splitlines()
    except OSError:
        return False
    (caught,) = (line.split()[1] for line in lines if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signal - 1) & 1)


def abandoned_memory():
    """What lies in shared memory and no living process has mapped."""
    mapped = set()
    for maps in PROC.glob("[0-9]*/maps"):
        try:
            lines = maps.read_text(errors="replace").splitlines()
        except OSError:
            continue
        mapped |= {line[line.index(SHARED) :] for line in lines if SHARED in line}
    return {str(file) for file in Path(SHARED).iterdir()} - mapped


def resident_bytes():
    """Main memory that this process holds."""
    pages = int((PROC / "self" / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files():
    """What the descriptors of this process are open to."""
    found = []
    for descriptor in (PROC / "self" / "fd").iterdir():
        try:
            found.append(os.readlink(descriptor))
        except OSError:
            continue  # that of the folder itself
    return sorted(found)


def _state(number):
    """The fields of a process after its name: its state, parent, group, session."""
    return (PROC / number / "stat").read_text().rpartition(")")[2].split()
