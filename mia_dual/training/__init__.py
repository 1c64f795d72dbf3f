"""What a training job is made of, drawn in NumPy so that every backend gets the same."""
