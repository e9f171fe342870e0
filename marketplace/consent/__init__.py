"""Consent: what a household lets whom see, for what and how long; immutable versions, always withdrawable."""
