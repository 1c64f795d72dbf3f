"""What runs made, found again by what it was made from: shared objects, and a folder a run."""
