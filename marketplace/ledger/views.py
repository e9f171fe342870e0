"""The pages of the ledger: aid given, rules against helping twice, documented costs, what was prevented."""

from marketplace.ledger import upload, views_aid, views_bills, views_duplicates, views_rules
from marketplace.ledger.doors import SENTENCES, bp

__all__ = ["SENTENCES", "bp", "upload", "views_aid", "views_bills", "views_duplicates", "views_rules"]
