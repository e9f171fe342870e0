"""Verified needs: how they come in, are checked, held, verified and kept."""
