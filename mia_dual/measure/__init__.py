"""What is measured of this machine and its backends: speed, counted arithmetic, what works."""
