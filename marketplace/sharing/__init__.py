"""Sharing: what left the platform, to whom, under which consent."""
