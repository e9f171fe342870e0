"""Payments: whom a giver pays, its batches and files, what the bank answered, and the books that must agree."""
