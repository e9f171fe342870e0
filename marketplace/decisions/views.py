"""The pages of decisions: the household's, the giver's and the staff's side of a match, on one blueprint."""

from marketplace.decisions import (
    filed,
    views_after,
    views_answers,
    views_calls,
    views_consents,
    views_deadlines,
    views_find,
    views_giver,
    views_household,
    views_results,
    views_sheet,
    views_staff,
)
from marketplace.decisions.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "filed",
    "views_after",
    "views_answers",
    "views_calls",
    "views_consents",
    "views_deadlines",
    "views_find",
    "views_giver",
    "views_household",
    "views_results",
    "views_sheet",
    "views_staff",
]
