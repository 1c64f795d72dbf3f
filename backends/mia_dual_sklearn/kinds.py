"""The kinds of model of :data:`mia_dual.networks.ESTIMATORS`, and what can be set of each.

Options have scikit-learn's names and, where nothing else is said, its defaults. What is fixed:

* ``gradient_boosting`` is HistGradientBoostingClassifier, four times as fast as
  GradientBoostingClassifier on 400 digits and more accurate; it never stops early, since the
  records it would stop by are members that it does not learn from.
* ``k_nearest_neighbours`` compares with every member, so that a model is its records.
* ``svm`` has no probabilities of its own; see :mod:`mia_dual_sklearn.margins`.
* ``k_means`` answers with the shares of the classes among the members of the nearest cluster, so
  that a cluster goes by the name of its majority. By default it has four clusters a class, or as
  many as there are members where those are fewer; fewer clusters than classes are refused.
* ``logistic_regression`` takes up to 1000 steps, not 100; ``mlp`` has one hidden layer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec
from mia_dual_sklearn.options import Setting, chosen

CLUSTERS_A_CLASS = 4


@dataclass(frozen=True)
class Kind:
    """A kind of model: its ``estimator``, what can be set of it and what is ``fixed``.

    ``seeded``: whether it draws at random. ``exact``: whether it needs float64. ``unneeded``:
    what a fitted one holds that is of no use but to train it further.
    """

    estimator: type
    settings: Mapping[str, Setting]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    seeded: bool = True
    exact: bool = False
    unneeded: tuple[str, ...] = ()


_TREE = {
    "criterion": Setting("gini", words=("gini", "entropy", "log_loss")),
    "max_depth": Setting(None, int, 1, words=(None,)),
    "max_features": Setting(None, words=(None, "sqrt", "log2")),
    "max_leaf_nodes": Setting(None, int, 2, words=(None,)),
    "min_samples_leaf": Setting(1, int, 1),
    "ccp_alpha": Setting(0.0, float),
}

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "decision_tree": Kind(DecisionTreeClassifier, _TREE),
        "random_forest": Kind(
            RandomForestClassifier,
            {
                "n_estimators": Setting(100, int, 1),
                **_TREE,
                "max_features": Setting("sqrt", words=(None, "sqrt", "log2")),
                "bootstrap": Setting(True),
            },
        ),
        "gradient_boosting": Kind(
            HistGradientBoostingClassifier,
            {
                "max_iter": Setting(100, int, 1),
                "learning_rate": Setting(0.1, float, 1e-6),
                "max_leaf_nodes": Setting(31, int, 2, words=(None,)),
                "max_depth": Setting(None, int, 1, words=(None,)),
                "min_samples_leaf": Setting(20, int, 1),
                "l2_regularization": Setting(0.0, float),
            },
            {"early_stopping": False},
        ),
        "k_nearest_neighbours": Kind(
            KNeighborsClassifier,
            {
                "n_neighbors": Setting(5, int, 1),
                "weights": Setting("uniform", words=("uniform", "distance")),
            },
            {"algorithm": "brute"},
            seeded=False,
        ),
        "logistic_regression": Kind(
            LogisticRegression,
            {"C": Setting(1.0, float, 1e-9), "max_iter": Setting(1000, int, 1)},
        ),
        "svm": Kind(
            SVC,
            {
                "C": Setting(1.0, float, 1e-9),
                "kernel": Setting("rbf", words=("linear", "poly", "rbf", "sigmoid")),
                "gamma": Setting("scale", float, 1e-9, words=("scale", "auto")),
                "degree": Setting(3, int, 1),
            },
        ),
        # Its variances are of pixels that hardly vary: too small for float32's sums.
        "naive_bayes": Kind(
            GaussianNB, {"var_smoothing": Setting(1e-9, float)}, seeded=False, exact=True
        ),
        "mlp": Kind(
            MLPClassifier,
            {
                "hidden_layer_sizes": Setting(100, int, 1),
                "alpha": Setting(0.0001, float),
                "learning_rate_init": Setting(0.001, float, 1e-9),
                "max_iter": Setting(200, int, 1),
            },
            unneeded=("_optimizer", "_random_state"),
        ),
        "k_means": Kind(
            KMeans,
            {
                "n_clusters": Setting(None, int, 1, words=(None,)),
                "n_init": Setting(1, int, 1),
                "max_iter": Setting(300, int, 1),
            },
        ),
    }
)


def kind_of(spec: NetworkSpec) -> Kind:
    """The kind that ``spec`` names; raises NetworkError where it does not do, options included."""
    if spec.name not in KINDS:
        raise NetworkError(
            f"backend 'sklearn' has no '{spec.name}': choose one of {', '.join(KINDS)}, or a "
            "backend that trains networks"
        )
    kind = KINDS[spec.name]
    clusters = chosen(spec, kind.settings).get("n_clusters")
    if clusters is not None and clusters < spec.classes:
        raise NetworkError(
            f"option 'n_clusters' of 'k_means' is {clusters}, fewer than the {spec.classes} "
            f"classes, so that some would have no cluster: write {spec.classes} at least"
        )
    return kind


def new_estimator(spec: NetworkSpec, model: str, records: int, stream: int) -> Any:
    """The estimator of ``spec`` for ``records`` members, drawing from ``stream``, not fitted yet.

    Raises NetworkError where ``model``, as it is called, has too few members for its options.
    """
    kind = kind_of(spec)
    values = chosen(spec, kind.settings)
    if spec.name == "k_means" and values["n_clusters"] is None:
        values["n_clusters"] = min(CLUSTERS_A_CLASS * spec.classes, records)
    for name in ("n_clusters", "n_neighbors"):
        if values.get(name, 0) > records:
            raise NetworkError(
                f"option '{name}' of '{spec.name}' is {values[name]}, and '{model}' has "
                f"{records} members: lower it, or give that model more"
            )
    if kind.seeded:
        values["random_state"] = stream
    return kind.estimator(**values, **kind.fixed)
