"""Portraits: what is known of a household by indicator, and what was pushed to departments for it."""
