"""What becomes of one row of a giver's table of resources, compared with what the house holds for its number.

Enters: checked rows with the offers they stand for, locked. Leaves: `Plan`: rows that are new, changed, confirmed or
the same, and what is wrong with them only in this light. A row that says nothing new changes nothing, but one whose
status says open is the giver's word that the resource still stands. Called by `imports`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from marketplace.calendar import last_before, local_day
from marketplace.intake import CheckedRow, Fault, Stage
from marketplace.offers.donors import DonorPaper
from marketplace.offers.models import Offer, OfferState
from marketplace.offers.pausing import LISTED
from marketplace.offers.table import CLOSED_FOR_NOW, OPEN
from marketplace.offers.terms import CONFIRMED_FOR, Terms, back_from_expiry, loosens

_TEXTS = ("title", "project", "donor_purpose", "standard", "steps", "rules")
FRESH = timedelta(days=30)
"""A word that is not older than this is not written down again: the same list twice in a month changes nothing."""


@dataclass(slots=True)
class Planned:
    """A row with the index of its number, the hash of its content, and the offer that the house holds for it."""

    row: CheckedRow
    index: str
    content: str
    known: Offer | None = None
    terms: Terms | None = None

    @property
    def paper(self) -> DonorPaper | None:
        """The donor's consent to a wider use, if the row names one."""
        document, signed_on = self.row.values.get("donor_document"), self.row.values.get("donor_signed_on")
        return DonorPaper(document, date.fromisoformat(signed_on)) if document and signed_on else None

    @property
    def step(self) -> str:
        """What the list says of the state: it pauses what is open, and opens again only what a list has paused."""
        said = self.row.values.get("status")
        if self.known is None or said is None:
            return ""
        if said == CLOSED_FOR_NOW:
            return "pause" if self.known.state is OfferState.OPEN else ""
        return "reopen" if self.stands == (OfferState.PAUSED, LISTED) else ""

    @property
    def stands(self) -> tuple[OfferState, str]:
        """State and reason of a known offer; an expired one counts as what it was."""
        assert self.known is not None
        if self.known.state is OfferState.EXPIRED:
            return back_from_expiry(self.known)
        return self.known.state, self.known.state_reason

    @property
    def leaves_the_end(self) -> bool:
        """Whether the row says nothing of a last day: then a confirmation moves it, too."""
        return not self.row.values.get("valid_to")

    def confirms(self, today: date, /) -> bool:
        """Whether a row that changes nothing is the giver's word that an open or expired resource still stands: its
        status says open, and the last word is old. What waits for civil affairs, or was paused by hand, is left."""
        known = self.known
        if known is None or self.row.values.get("status") != OPEN or self.stands[0] is not OfferState.OPEN:
            return False
        ends = (known.confirm_by, *([known.valid_to] if self.leaves_the_end else []))
        old = any(day is not None and day <= today + CONFIRMED_FOR - FRESH for day in ends)
        return known.state is OfferState.EXPIRED or old

    def confirmed(self, now: datetime, /) -> dict[str, Any]:
        """The columns of an offer that still stands."""
        assert self.known is not None
        later, end = local_day(now) + CONFIRMED_FOR, self.known.valid_to
        moved = later if end is None else max(end, later)
        return {
            "id": self.known.id,
            "valid_to": moved if self.leaves_the_end else end,
            "confirm_by": later,
            "reminded": False,
            "state": OfferState.OPEN,
            "state_reason": "",
            "updated_at": now,
        }


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    confirmed: list[Planned] = field(default_factory=list)
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        held = sum(bool(item.row.held) for item in (*self.new, *self.changed))
        told = {"new": len(self.new), "changed": len(self.changed), "same": self.same, "held": held}
        steps = [item.step for item in self.changed]
        told |= {"confirmed": len(self.confirmed)} if self.confirmed else {}
        return told | {name: steps.count(name) for name in ("pause", "reopen") if name in steps}


def is_same(item: Planned, before: Terms, after: Terms) -> bool:
    """Whether the row says nothing new: the row that came in last, or the terms as they stand."""
    known = item.known
    if item.leaves_the_end:
        after = replace(after, valid_to=before.valid_to)
    return (known is not None and known.content_hash == item.content) or plain(before) == plain(after)


def plain(terms: Terms) -> Terms:
    """Terms as a cell keeps them: texts on one line, and a least amount of at least one portion."""
    texts: dict[str, Any] = {name: " ".join(getattr(terms, name).split()) for name in _TEXTS}
    return replace(terms, **texts, min_per_need=max(terms.min_per_need, terms.lot))


def donor_fault(item: Planned, before: Terms, after: Terms, *, today: date) -> str:
    if not loosens(plain(before), plain(after)):
        return ""
    if item.paper is None:
        return "donor_paper_missing"
    return "donor_paper_future" if item.paper.signed_on > today else ""


def end_fault(item: Planned, /, *, today: date) -> Fault | None:
    """A row that is to be matched has its last day before it; one that says nothing new may have it behind."""
    end = item.terms.valid_to if item.terms is not None else None
    if end is None or end > today:
        return None
    return Fault(item.row.number, "valid_to", last_before(end).isoformat(), "end_past", {}, Stage.ROWS)
