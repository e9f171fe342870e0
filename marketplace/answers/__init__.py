"""Answers of households that use no page of ours: by a call, a text message, or a slip that comes back by post."""
