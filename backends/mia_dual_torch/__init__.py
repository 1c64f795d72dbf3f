"""The PyTorch backend: CUDA and CPU."""
