"""mia-dual: one membership-privacy audit, run alike on MindSpore and PyTorch.

``audit`` and ``attack`` do what the commands of those names do (``run``, ``attack --outputs``) and
give ``Results``. They are imported when they are first asked for, so that this package is not.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mia_dual.api import attack, audit
    from mia_dual.report.results import Results

__all__ = ["Results", "__version__", "attack", "audit"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """What is imported when it is asked for (PEP 562)."""
    if name in ("attack", "audit"):
        from mia_dual import api

        return getattr(api, name)
    if name == "Results":
        from mia_dual.report.results import Results

        return Results
    raise AttributeError(f"module 'mia_dual' has no attribute '{name}'")
