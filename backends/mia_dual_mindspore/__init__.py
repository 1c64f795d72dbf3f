"""The MindSpore backend: Ascend and CPU."""
