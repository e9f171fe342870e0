"""Boards of street, district and city, and the paper that says what a decision would cost."""
