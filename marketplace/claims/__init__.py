"""Insurers' cases: enrol, find cover, help with the claim, answer; payouts go into the ledger before charity."""
