"""A run from which records were deleted by request, as tests of its certificate share it."""

import numpy as np

from mia_dual.config import Config
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.delete import delete_records
from mia_dual.walks.run import run_audit
from mia_dual.walks.wanted import Wanted
from tests.numpy_backend import NumpyEngine

SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 4, "learning_rate": 0.05},
    "shadows": {"count": 3},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [], "groups": 4, "methods": ["full", "grouped"]},
}


def make_run(path, dataset):
    """A run from which one record was deleted by request, and then two."""
    config = Config.model_validate(SETTINGS)
    with RunFolder(path, config, Store(path.parent / f"store-{path.name}")) as folder:
        run_audit(config, NumpyEngine(), dataset, folder, Silent())
        one, *others = np.load(path / "plan.npz")["target_members"][:3].tolist()
        for records in ((one,), tuple(others)):
            delete_records(
                config, Wanted(records=records), NumpyEngine(), dataset, folder, Silent()
            )
