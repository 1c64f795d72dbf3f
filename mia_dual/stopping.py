"""What stops a process in good order: Ctrl-C, and SIGTERM, which schedulers and containers send.

While a command is at work, both are raised in the main thread, so that what was begun is taken
away again. What is finished is kept: the same command goes on where it stopped.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Literal, Optional

INTERRUPTED = 130
TERMINATED = 143
"""Exit codes, as shells give them: 128 and the signal's number."""


SOON = 0.05
"""Seconds until it is tried again to raise what was put off."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came. Whoever is ready for an interrupt is ready for it too."""


class _Process:
    """The process that this is: what a signal does to it depends on how far it is."""

    def __init__(self) -> None:
        self._phase: Literal["before", "at work", "after"] = "before"
        self._put_off: Optional[KeyboardInterrupt] = None
        self._is_timed = False
        self._is_busy = False
        self._is_terminated = False

    @property
    def code(self) -> int:
        """The exit code of this process, which was stopped.

        By the last signal, since what Ray hands on of it is any interrupt.
        """
        return TERMINATED if self._is_terminated else INTERRUPTED

    @property
    def told(self) -> str:
        """The line that is said of it."""
        how = "terminated" if self._is_terminated else "interrupted"
        return f"mia-dual: {how}; the same command goes on where it stopped"

    def listen(self) -> None:
        """Take signals from now on, but an interrupt that a shell has this process ignore."""
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, self.stop)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self.stop)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """A command is at work in this process."""
        self._phase = "at work"
        try:
            yield
        finally:
            self._phase = "after"
            if self._is_timed:
                # What is put off came too late to stop anything; and once Python lets go of
                # signals, the timer's would end this process as if it had failed.
                signal.setitimer(signal.ITIMER_REAL, 0)

    @contextmanager
    def busy(self) -> Iterator[None]:
        """Something is done that would lose an exception: one that was to come comes then."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are handled elsewhere
            return
        self._is_busy = True
        try:
            yield
        finally:
            self._is_busy = False
        self._raise_again()

    def stop(self, number: int, frame: Optional[FrameType]) -> None:
        """Handle a signal: SIGTERM, or any other, which interrupts."""
        stop = Terminated() if number == signal.SIGTERM else KeyboardInterrupt()
        if self._phase == "after":
            return  # all that is left is to take away what was begun
        self._is_terminated = isinstance(stop, Terminated)
        if self._phase == "at work":
            self._raise(stop, frame)
            return
        # Nothing is begun, and an exception might be lost.
        os.write(2, f"{self.told}\n".encode())
        os._exit(self.code)

    def _raise(self, stop: KeyboardInterrupt, frame: Optional[FrameType]) -> None:
        # What is imported may take an exception for a package that is broken, or lose it.
        lost = self._is_busy or _imports(frame)
        if self._put_off is None and lost and hasattr(signal, "setitimer"):
            self._put_off, self._is_timed = stop, True
            signal.signal(signal.SIGALRM, self._raise_again)
            signal.setitimer(signal.ITIMER_REAL, SOON)
            return
        self._put_off = None
        raise stop

    def _raise_again(self, _number: int = 0, frame: Optional[FrameType] = None) -> None:
        # A second signal may have come meanwhile, which is not put off.
        if self._phase == "at work" and self._put_off is not None:
            stop, self._put_off = self._put_off, None
            self._raise(stop, frame)


def _imports(frame: Optional[FrameType]) -> bool:
    """Whether something is being imported where ``frame`` is."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


PROCESS = _Process()


@contextmanager
def signals_put_off() -> Iterator[None]:
    """Have signals wait for the end of what would lose them, and SIGTERM stay as it is handled.

    What is done meanwhile may set a handler of its own for SIGTERM: that does not count. A second
    signal does not wait.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # nobody can handle them here
        return
    set_handler = signal.signal

    def set_others(number: int, handler: Any) -> Any:
        if number == signal.SIGTERM:
            return signal.getsignal(number)
        return set_handler(number, handler)

    signal.signal = set_others  # type: ignore[assignment]
    try:
        with PROCESS.busy():
            yield
    finally:
        signal.signal = set_handler
