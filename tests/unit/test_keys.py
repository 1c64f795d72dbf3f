"""A key changes with everything a model depends on, and with nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from mia_dual.interface import NetworkSpec, Optimizer, Records, TrainingJob
from mia_dual.store.keys import array_digest, model_key, records_digest

SPEC = NetworkSpec("fcnet", (4,), 2)
JOB = TrainingJob(
    "a", {"fc1.weight": np.ones((2, 4), np.float32)}, np.array([[0, 1]]), np.array([0.1])
)
RECORDS = Records(np.arange(8, dtype=np.uint8).reshape(2, 4), np.array([0, 1]))


def key(environment=None, spec=SPEC, optimizer=None, job=JOB, records=RECORDS):
    return model_key(
        environment or {"version": "1"},
        spec,
        optimizer or Optimizer("sgd"),
        job,
        records_digest(records),
    )


@pytest.mark.parametrize(
    "change",
    [
        {"environment": {"version": "2"}},
        {"spec": replace(SPEC, hidden=51)},
        {"optimizer": Optimizer("sgd", momentum=0.8)},
        {"job": replace(JOB, weights={"fc1.weight": np.zeros((2, 4), np.float32)})},
        {"job": replace(JOB, batches=np.array([[1, 0]]))},
        {"job": replace(JOB, learning_rates=np.array([0.2]))},
        {"records": replace(RECORDS, labels=np.array([1, 1]))},
        {"records": replace(RECORDS, features=RECORDS.features + 1)},
        {"records": replace(RECORDS, scale=2.0)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_dependency_moves_the_key(change):
    assert key(**change) != key()


def test_a_name_alone_does_not():
    assert key(job=replace(JOB, name="b")) == key()


def test_digest_tells_type_and_shape_apart_but_not_layout():
    array = np.arange(6, dtype=np.int32)
    assert array_digest(array) != array_digest(array.astype(np.int64))
    assert array_digest(array) != array_digest(array.reshape(2, 3))
    assert array_digest(array) == array_digest(array.astype(">i4"))
    assert array_digest(array.reshape(2, 3).T) == array_digest(array.reshape(2, 3).T.copy())
