"""The ledger: aid from every source, and the guard against giving twice."""
