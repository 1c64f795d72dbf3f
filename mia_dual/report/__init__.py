"""What a run found: the documented results, and the tables made from them."""
