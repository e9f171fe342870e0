"""Proof that aid was handed over, and the papers a giver keeps of it."""
