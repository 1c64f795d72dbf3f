"""Whether a model read from a file is one of its kind, whose numbers lead nowhere outside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.svm import SVC

from mia_dual.interface import NetworkSpec
from mia_dual_sklearn.fitting import Fitted
from mia_dual_sklearn.kinds import kind_of

BRANCHES = (("left_child", "right_child", "feature"), ("left", "right", "feature_idx"))
"""What a node's fields are called in a tree, and in one of gradient boosting."""


def complaint(spec: NetworkSpec, model: Fitted) -> str:
    """What is wrong with ``model`` as one of ``spec``; empty where nothing is."""
    estimator, extra = model.estimator, model.extra
    features = math.prod(spec.input_shape)
    if type(estimator) not in (kind_of(spec).estimator, DummyClassifier):
        return f"it holds a {type(estimator).__name__}"
    if getattr(estimator, "n_features_in_", features) != features:
        return f"it takes {estimator.n_features_in_} features, not {features}"
    if spec.name == "k_means":
        if extra is None or extra.shape != (estimator.n_clusters, spec.classes):
            return "its clusters have no shares of the classes"
    elif not np.isin(estimator.classes_, np.arange(spec.classes)).all():
        return f"its classes are not among {spec.classes}"
    if isinstance(estimator, SVC) and not _is_sound_machine(estimator, features):
        return "its support vectors are not as many as it says"
    if not all(_is_sound_tree(nodes, features) for nodes in _trees(estimator)):
        return "a tree's node leads out of the tree or its record"
    return ""


def _is_sound_machine(machine: Any, features: int) -> bool:
    vectors = machine.support_vectors_
    pairs = len(machine.classes_)
    return bool(
        vectors.shape == (len(machine.support_), features)
        and machine._dual_coef_.shape == (pairs - 1, len(vectors))
        and len(machine._n_support) == pairs
        and (machine._n_support >= 0).all()
        and machine._n_support.sum() == len(vectors)
        and machine._intercept_.shape == (pairs * (pairs - 1) // 2,)
    )


def _trees(estimator: Any) -> Iterator[np.ndarray]:
    """The nodes of every tree in ``estimator``."""
    for tree in [estimator, *getattr(estimator, "estimators_", ())]:
        if hasattr(tree, "tree_"):
            yield tree.tree_.__getstate__()["nodes"]
    for round_of_trees in getattr(estimator, "_predictors", ()):
        for tree in round_of_trees:
            yield tree.nodes


def _is_sound_tree(nodes: np.ndarray, features: int) -> bool:
    """Whether every branch goes to a later node, so that each way ends, by a feature there is."""
    left, right, feature = next(names for names in BRANCHES if names[0] in nodes.dtype.names)
    inner = nodes["is_leaf"] == 0 if left == "left" else nodes[left] != -1
    if left == "left" and nodes["is_categorical"].any():
        return False
    place = np.flatnonzero(inner)
    return (
        len(nodes) > 0
        and all(
            ((nodes[child][inner] > place) & (nodes[child][inner] < len(nodes))).all()
            for child in (left, right)
        )
        and bool(((nodes[feature][inner] >= 0) & (nodes[feature][inner] < features)).all())
    )
