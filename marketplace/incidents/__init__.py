"""Incidents with personal data: who is affected, who must be told by when."""
