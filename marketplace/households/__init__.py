"""Households and their members: the people helped, their personal fields sealed from the first row."""
