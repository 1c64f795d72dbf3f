"""Deleting records from a model: requests, full and grouped retraining, and what came of it."""
