"""The scikit-learn backend: kinds of model that are no networks, fitted at once."""
