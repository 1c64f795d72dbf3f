"""Records on the device, taken by index."""

from __future__ import annotations

import threading
import warnings
from typing import Union

import numpy as np
import torch
from torch import Tensor

from mia_dual.interface import Records


class DeviceRecords:
    """Records on the device, stored as they came, turned to network inputs a batch at a time."""

    def __init__(self, records: Records, device: torch.device) -> None:
        self.device = device
        self.features = _tensor(np.ascontiguousarray(records.features)).to(device)
        self.labels = _tensor(np.ascontiguousarray(records.labels, np.int64)).to(device)
        self._scale, self._shift = records.scale, records.shift

    def inputs(self, rows: Union[Tensor, slice]) -> Tensor:
        """Network inputs (rows, *input_shape) float32; equal to ``Records.inputs``."""
        return self.scaled_(self.features[rows].to(torch.float32))

    def scaled_(self, features: Tensor) -> Tensor:
        """Turn stored features into inputs, in place."""
        if self._scale != 1.0 or self._shift != 0.0:
            features.mul_(self._scale).add_(self._shift)
        return features


class EachDevicesRecords:
    """Records on every device that works with them, put there when it first does."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._there: dict[torch.device, DeviceRecords] = {}
        self._lock = threading.Lock()

    def on(self, device: torch.device) -> DeviceRecords:
        """Those on ``device``."""
        with self._lock:
            if device not in self._there:
                self._there[device] = DeviceRecords(self._records, device)
            return self._there[device]


def _tensor(array: np.ndarray) -> Tensor:
    with warnings.catch_warnings():
        # The array may be a file's memory, which must not be written to; nothing here does.
        warnings.filterwarnings("ignore", message=".*not writable", category=UserWarning)
        return torch.from_numpy(array)
