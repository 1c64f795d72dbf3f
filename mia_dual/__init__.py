"""mia-dual: one membership-privacy audit, run alike on MindSpore and PyTorch."""

__version__ = "0.1.0"
