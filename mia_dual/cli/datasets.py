"""``mia-dual datasets``: which sets there are, and which lie here already."""
