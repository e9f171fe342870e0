"""The pages of the ledger: aid given, rules against helping twice, documented costs, what was prevented."""

from marketplace.ledger import (
    aided_before,
    filed,
    upload,
    views_aid,
    views_bills,
    views_duplicates,
    views_events,
    views_exceptions,
    views_given,
    views_rules,
)
from marketplace.ledger.doors import SENTENCES, bp
from marketplace.ledger.given_desk import given

bp.register_blueprint(given)

__all__ = [
    "SENTENCES",
    "aided_before",
    "bp",
    "filed",
    "upload",
    "views_aid",
    "views_bills",
    "views_duplicates",
    "views_events",
    "views_exceptions",
    "views_given",
    "views_rules",
]
