"""Processes beside this one that do pieces of its work, for whichever backend."""
