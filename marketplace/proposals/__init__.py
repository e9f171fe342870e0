"""Proposals: runs of the allocator and the lines they propose."""
