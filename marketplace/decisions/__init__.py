"""Decisions: what people made of the proposals, and the matches that follow from a yes."""
