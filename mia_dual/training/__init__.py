"""From a plan's models to trained ones: their jobs drawn in NumPy, their states kept."""
