"""PyTorch's backend, slowed down: a node can be lost while it trains."""

import time

from mia_dual_torch.adapter import TorchBackend


class SlowTorch(TorchBackend):
    """Takes its time before each call's models."""

    def train(self, spec, optimizer, jobs, records, report):
        time.sleep(1.0)
        yield from super().train(spec, optimizer, jobs, records, report)
