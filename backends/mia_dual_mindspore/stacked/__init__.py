"""Many models of one network as one: parameters stacked along a first axis of models."""
