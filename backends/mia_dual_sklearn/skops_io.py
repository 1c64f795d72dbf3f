"""skops' reader and writer, without PyTorch.

skops imports every module of scikit-learn to learn its estimators' names, and one of those modules
imports PyTorch where it is installed: half of the seconds that this backend takes to start.
"""

from __future__ import annotations

import sys

WRAPPER = "sklearn.externals.array_api_compat.torch"

_absent = WRAPPER not in sys.modules
if _absent:
    # What Python takes for a module that cannot be imported, which the search passes over.
    sys.modules[WRAPPER] = None  # type: ignore[assignment]
try:
    from skops.io import dumps, loads
finally:
    if _absent:
        del sys.modules[WRAPPER]

__all__ = ["dumps", "loads"]
