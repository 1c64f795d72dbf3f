"""How completely deleted records were forgotten, and what deleting them gives away."""
