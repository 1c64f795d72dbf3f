"""OpenI's c2net, for jobs that its platform runs: its environment says so, and nothing else does.

Without that variable its ``prepare`` raises, so it is not even imported.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from mia_dual.errors import DataError
from mia_dual.quoting import one_line
from mia_dual.xihe.lines import Say

VARIABLE = "DATA_DOWNLOAD_METHOD"


@dataclass(frozen=True)
class Prepared:
    """What c2net fetched, where results go, and how they leave."""

    data: Optional[str]
    output: Optional[str]
    module: Any

    def upload(self) -> None:
        """Send the results; raises DataError where c2net cannot."""
        try:
            self.module.upload_output()
        except Exception as error:  # whatever its platform's client raises
            raise DataError(
                f"c2net could not upload the results ({one_line(str(error), 200)}): they are kept "
                f"in '{self.output}'"
            ) from error


def prepare(environment: Mapping[str, str], say: Say) -> Optional[Prepared]:
    """What c2net prepares where ``environment`` is its own; None elsewhere, or without c2net.

    Raises DataError where it is there and fails.
    """
    if not environment.get(VARIABLE):
        return None
    try:
        module = importlib.import_module("c2net.context")
    except ImportError as error:
        say(f"{VARIABLE} is set, and c2net cannot be imported ({error}): going on without it")
        return None
    try:
        context = module.prepare()
    except Exception as error:  # whatever its platform's client raises
        raise DataError(f"c2net could not prepare the job: {one_line(str(error), 200)}") from error
    return Prepared(
        getattr(context, "dataset_path", None), getattr(context, "output_path", None), module
    )
