"""Asking models about altered records: how records are altered, and what models say of them."""
