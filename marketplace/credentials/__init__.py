"""Credentials and receipts: what leaves the house signed, so that others can check it without asking the house."""
