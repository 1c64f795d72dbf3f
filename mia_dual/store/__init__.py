"""The run folder: what a run made, found again by what it was made from."""
