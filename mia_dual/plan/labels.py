"""The labels a config asks for: classes merged, and some of the target's members mislabelled."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.errors import ConfigError
from mia_dual.plan.splits import draw_split
from mia_dual.seeds import generator


def configured(dataset: Dataset, config: Config) -> Dataset:
    """``dataset`` with the labels that ``config.data`` asks for; itself where they are its own.

    Classes are merged first: a label becomes its remainder by ``merge_classes``. Then
    :func:`mislabelled` members get a label drawn evenly among all others. Whoever trains on such
    a record, audits it or scores its class takes the wrong label for the right one, as someone
    who holds the records would; the target's non-members and all of the shadows' are as they
    were. Raises ConfigError where there are fewer classes than are to be made.
    """
    wanted = config.data
    labels, classes = dataset.labels, dataset.classes
    if wanted.merge_classes is not None:
        if wanted.merge_classes > classes:
            raise ConfigError(
                f"data.merge_classes: {wanted.merge_classes} classes cannot be made of the "
                f"{classes} of data '{dataset.name}': ask for fewer"
            )
        labels, classes = labels % wanted.merge_classes, wanted.merge_classes
    if wanted.mislabelled:
        members = draw_split(len(labels), config).target.members
        wrong = mislabelled(config, members)
        moves = generator(config.seed, "labels", "wrong").integers(1, classes, len(wrong))
        labels = np.array(labels)
        labels[wrong] = (labels[wrong] + moves) % classes
    if labels is dataset.labels:
        return dataset
    return replace(dataset, labels=labels, classes=classes)


def mislabelled(config: Config, members: np.ndarray) -> np.ndarray:
    """Those of the target's ``members`` whose labels are changed: record indices, one at least,
    none where ``config.data.mislabelled`` is 0.

    Those of a smaller share are among those of a larger one.
    """
    share = config.data.mislabelled
    count = max(round(share * len(members)), 1) if share else 0
    wrong: np.ndarray = generator(config.seed, "labels", "mislabelled").permutation(members)[:count]
    return wrong
