"""Every error a user can cause or meet; the CLI prints one as a single line and exits with 2.

A message names the offending value and says what would mend it.
"""

from __future__ import annotations


class MiaDualError(Exception):
    """Base of all errors that are the user's to read: one line, no traceback."""


class ConfigError(MiaDualError):
    """A setting is unknown, of the wrong type, or out of its range."""


class DataError(MiaDualError):
    """A data set is missing, unreadable, malformed, or too small for the audit asked of it."""


class DownloadError(DataError):
    """A data set's file could not be fetched, or what came is not what was published."""


class BackendError(MiaDualError):
    """A backend or device was asked for and cannot be used here."""


class NetworkError(MiaDualError):
    """A network is unknown, or does not fit the records or weights given to it."""


class DivergedError(MiaDualError):
    """A model's loss or weights stopped being finite numbers."""

    def __init__(self, model: str, step: int) -> None:
        super().__init__(
            f"the loss of model '{model}' is no finite number by step {step}: "
            "lower the learning rate, or check the records for extreme values"
        )
        self.model = model
        self.step = step

    def __reduce__(self) -> tuple[type[DivergedError], tuple[str, int]]:
        return type(self), (self.model, self.step)


class MissingPackageError(MiaDualError):
    """A package that is only needed for what was asked just now is not installed."""


class RankError(MiaDualError):
    """A process of a job is missing, or was started otherwise than the others."""


class StoreError(MiaDualError):
    """A run folder is in use, belongs to another config, or holds a damaged file."""


class UnwritableError(StoreError):
    """A store or a run folder has no room, or can only be read."""
