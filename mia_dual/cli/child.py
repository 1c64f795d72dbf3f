"""``python -m mia_dual.cli.child`` is ``mia-dual``, for as long as the process that began it lives.

Its standard input is a pipe whose other end only that process holds, so that the pipe ends with it,
whatever ended it.
"""

from __future__ import annotations

import os
import signal
import threading

from mia_dual.__main__ import main
from mia_dual.stopping import PROCESS


def end_with_caller() -> None:
    """Be interrupted once standard input ends, as by Ctrl-C: what was begun can go on later."""
    if not hasattr(signal, "pthread_kill"):
        return  # Windows: this process goes on to its end
    # A shell has jobs in the background ignore SIGINT. A signal, since it wakes who waits.
    signal.signal(signal.SIGUSR1, PROCESS.stop)
    waiting = threading.main_thread().ident
    assert waiting is not None

    def watch() -> None:
        # Unbuffered: a lock on the buffer would be in the way of an orderly end.
        while os.read(0, 4096):
            pass
        signal.pthread_kill(waiting, signal.SIGUSR1)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    end_with_caller()
    main()
