"""Calls and visits: who goes where today, what was found, kept without a network and without losing anybody's words."""
