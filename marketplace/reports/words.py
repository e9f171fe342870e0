"""Reports in words: figures, and the reasons that their rows carry. Called by the pages and files of this room."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.reference.tables import UnknownCode
from marketplace.reference.words import label
from marketplace.reports.models import Figure
from marketplace.web.display import language

FIGURES: dict[Figure, Any] = {
    Figure.RECEIVED: _l("Donations received (receipts kept here)"),
    Figure.GIVEN: _l("Given through Shanqiao"),
    Figure.REPORTED: _l("Given outside and reported"),
    Figure.UNMET: _l("Needs not fully covered"),
    Figure.DECLINED: _l("Declined"),
    Figure.ENDED: _l("Ended before delivery"),
    Figure.RETURNED: _l("Returned or taken back"),
    Figure.RESULT: _l("Results of givers"),
    Figure.FOLLOWED: _l("Follow-up talks"),
}
CELLS = _l("Households not fully covered where we serve (rounded to five, under ten left out)")
"""What is unmet in a giver's report."""
OWN: dict[str, Any] = {
    "missing": _l("not reported in time"),
    "nothing_yet": _l("nothing is covered yet"),
    "partly": _l("partly covered"),
    "households_about": _l("number of households, rounded to five"),
    "consent_withdrawn": _l("the household withdrew its consent"),
    "consent_over": _l("the consent of the household ran out"),
    "not_received": _l("it did not arrive"),
    "no_answer": _l("no answer came in time"),
    "not_reached": _l("the household could not be reached"),
    "held_too_long": _l("held for longer than five working days"),
    "consent_void": _l("the household's consent was found void"),
    "correction": _l("a fact of the household was corrected"),
    "death": _l("a death in the household"),
}
TABLES: dict[Figure, tuple[str, ...]] = {
    Figure.REPORTED: ("aid_source",),
    Figure.DECLINED: ("decline", "giver_decline", "rejection", "match_state"),
    Figure.ENDED: ("rejection", "giver_decline", "match_state"),
    Figure.RETURNED: ("give_back", "enrol_refusal", "claim_refusal", "reclaim", "match_state"),
    Figure.RESULT: ("giver_result",),
    Figure.FOLLOWED: ("remains",),
}
"""Where the other reasons of a figure stand in `words.csv`, the first that knows the code; an end without a reason
carries the state of its match."""


def reason(code: str, figure: Figure) -> str:
    """The words for a row's reason; the name that a source gave itself stays as it is."""
    for table in TABLES.get(figure, ()):
        with suppress(UnknownCode):
            return label(table, code, lang=language())
    return str(OWN.get(code, code))
