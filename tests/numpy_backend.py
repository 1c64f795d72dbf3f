"""A backend in NumPy for FCNet alone: what tests of the pipeline train on in a moment.

It passes what of the conformance kit is about FCNet; ``calls`` counts what it was asked to do.
"""

import math

import numpy as np

from mia_dual.engine import Engine
from mia_dual.errors import BackendError, DivergedError, NetworkError
from mia_dual.execution import DEFAULT
from mia_dual.gradients import loss_errors
from mia_dual.interface import NO_RECORD, Capability, GradientNorms, KeptState, State
from mia_dual.networks import blank_weights, check_weights
from mia_dual.training.lockstep import job_shares
from mia_dual.training.masks import stack_masks
from mia_dual.training.targets import TargetTable


class Interrupted(BaseException):
    """Stands for a kill."""


class NumpyBackend:
    """``stop_after``: optimizer steps after which it is interrupted; None: never."""

    name = "numpy"
    capabilities = frozenset(Capability)
    networks = ("fcnet",)

    def __init__(self, device="cpu", execution=DEFAULT, version="1"):
        if device not in ("auto", "cpu"):
            raise BackendError(f"no device '{device}'")
        self.version = version
        self.trained = []
        self.steps = 0
        self.asked = []
        self.stop_after = None

    @staticmethod
    def devices():
        return ["cpu"]

    def environment(self):
        return {"framework": "numpy", "version": self.version, "device": "cpu", "together": "auto"}

    def fresh(self, spec, seed):
        if spec.name != "fcnet":
            raise NetworkError(f"no network '{spec.name}'")
        return blank_weights(spec)

    def train(self, spec, optimizer, jobs, records, report):
        for job in jobs:
            self.trained.append(job.name)
            table = TargetTable([job], records.labels, spec.classes)
            yield from self._train(spec, optimizer, job, records, table, report)

    def _train(self, spec, optimizer, job, records, table, report):
        weights = {name: array.astype(np.float32) for name, array in job.start.weights.items()}
        shapes = {name: array.shape for name, array in weights.items()}
        masks = stack_masks(spec, [job], shapes, 1)
        first, second = (
            {
                name: job.start.moments.get(f"{kind}/{name}", np.zeros_like(array)).copy()
                for name, array in weights.items()
            }
            for kind in ("first", "second")
        )
        steps = job.start.steps
        shares = job_shares(job)
        adam = optimizer.name == "adam"
        for step, (batch, rate) in enumerate(zip(job.batches, job.learning_rates), start=1):
            if self.stop_after is not None and self.steps >= self.stop_after:
                raise Interrupted
            self.steps += 1
            steps += 1
            rows = batch[batch != NO_RECORD]
            inputs = records.inputs(rows).reshape(len(rows), -1)
            hidden = np.maximum(inputs @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
            logits = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
            error = np.exp(logits - logits.max(axis=1, keepdims=True))
            error /= error.sum(axis=1, keepdims=True)
            error -= table.distributions[table.places(rows[None, None])[0, 0]]
            error *= shares[step - 1, : len(rows), None]
            back = (error @ weights["fc2.weight"]) * (hidden > 0)
            gradients = {
                "fc2.weight": error.T @ hidden,
                "fc2.bias": error.sum(0),
                "fc1.weight": back.T @ inputs,
                "fc1.bias": back.sum(0),
            }
            for name, gradient in gradients.items():
                gradient = gradient + np.float32(optimizer.weight_decay) * weights[name]
                if masks:
                    gradient = gradient * masks[name][0]
                if adam:
                    first[name] += np.float32(0.1) * (gradient - first[name])
                    second[name] += np.float32(0.001) * (gradient**2 - second[name])
                    size = np.sqrt(second[name] / np.float32(1 - 0.999**steps)) + np.float32(1e-8)
                    way = first[name] / np.float32(1 - 0.9**steps) / size
                else:
                    first[name] = np.float32(optimizer.momentum) * first[name] + gradient
                    way = first[name]
                weights[name] = weights[name] - np.float32(rate) * way
            report(1)
            if not np.isfinite(error).all():
                raise DivergedError(job.name, steps)
            if step in job.keep or step == len(job.batches):
                moments = {f"first/{name}": array.copy() for name, array in first.items()}
                if adam:
                    moments |= {f"second/{name}": array.copy() for name, array in second.items()}
                state = State(dict(weights), moments, steps)
                yield KeptState(job.name, step, state, seconds=1e-3 * step)

    def logits(self, spec, models, records, rows):
        answers = np.zeros((len(models), rows.shape[1], spec.classes), np.float32)
        expected = {name: array.shape for name, array in blank_weights(spec).items()}
        for weights, chosen, answer in zip(models, rows, answers):
            check_weights(spec, expected, weights)
            real = chosen != NO_RECORD
            self.asked.append(int(real.sum()))
            inputs = records.inputs(chosen[real]).reshape(int(real.sum()), -1)
            hidden = np.maximum(inputs @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
            answer[real] = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
        return answers

    def gradient_norms(self, spec, models, records, rows):
        names = tuple(sorted(blank_weights(spec)))
        norms = np.zeros((*rows.shape, len(names)))
        for weights, asked, found in zip(models, rows, norms):
            check_weights(
                spec, {name: array.shape for name, array in blank_weights(spec).items()}, weights
            )
            real = asked != NO_RECORD
            inputs = records.inputs(asked[real]).reshape(-1, math.prod(spec.input_shape))
            labels = records.labels[asked[real]]
            hidden = np.maximum(inputs @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
            logits = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
            places = np.arange(len(labels))
            others = logits.astype(np.float64)
            others[places, labels] = -np.inf
            error = np.exp(others - others.max(axis=1, keepdims=True))
            error /= error.sum(axis=1, keepdims=True)
            error[places, labels] = -1
            error *= loss_errors(logits, labels)[:, None]
            back = (error @ weights["fc2.weight"]) * (hidden > 0)
            sizes = {
                "fc2.bias": (error, np.ones((1, 1))),
                "fc2.weight": (error, hidden),
                "fc1.bias": (back, np.ones((1, 1))),
                "fc1.weight": (back, inputs),
            }
            found[real] = np.stack(
                [
                    np.linalg.norm(sizes[name][0], axis=1) * np.linalg.norm(sizes[name][1], axis=1)
                    for name in names
                ],
                axis=1,
            )
        return GradientNorms(names, norms)


class NumpyEngine(Engine):
    """An engine whose backend is there already, and counts what it does."""

    def __init__(self, backend=None):
        self.name, self.device, self.execution = "numpy", "auto", DEFAULT
        self.cluster, self.nodes = None, {}
        self._backend = backend or NumpyBackend()
        self._environment = None
        self._capabilities = None
