"""What of the deliveries on their way a giver looks at: of one month, of one kind, or by a number or a name.

Enters: what was chosen on the list. Leaves: conditions that `decisions.queues` puts beside its own, and the months and
kinds there are to choose from. A number is the beginning of the match's number, or of the line reference on a slip or
in the table; a name is a part of what the giver calls its resource. Called by the list of deliveries to tick.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, or_
from sqlmodel import Session, col, select

from marketplace.calendar import HERE, local_day
from marketplace.decisions.models import Match, MatchState
from marketplace.households.categories import months_later
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.proofs import slips

EARLIEST, LATEST = 2000, 2100
LEAST_OF_CODE = 4
"""So much of a line reference has to be typed: every open delivery's is reckoned out to compare it."""


@dataclass(frozen=True, slots=True)
class Narrowed:
    """What was chosen; empty means all. `month` is the one in which the household said yes, such as 2026-11."""

    month: str = ""
    kind: str = ""
    text: str = ""

    @property
    def kept(self) -> dict[str, Any]:
        """What was chosen, as an address carries it on."""
        return {name: value for name, value in asdict(self).items() if value}

    def conditions(self, session: Session, org_id: str, /) -> list[ColumnElement[bool]]:
        """On matches of this giver that are on their way."""
        wanted: list[ColumnElement[bool]] = []
        if self.month:
            begins, ends = _bounds(self.month)
            wanted += [col(Match.household_answered_at) >= begins, col(Match.household_answered_at) < ends]
        if self.kind:
            wanted.append(col(Match.need_id).in_(select(Need.id).where(col(Need.category) == self.kind)))
        if self.text:
            named = select(Offer.id).where(
                col(Offer.org_id) == org_id, col(Offer.title).icontains(self.text, autoescape=True)
            )
            by_number = col(Match.id).startswith(self.text.lower(), autoescape=True)
            coded = col(Match.id).in_(_coded(session, org_id, self.text))
            wanted.append(or_(by_number, coded, col(Match.offer_id).in_(named)))
        return wanted


def _bounds(month: str) -> tuple[datetime, datetime]:
    """The first moment of a month here, and that of the next."""
    first = date.fromisoformat(f"{month}-01")
    begins, ends = (datetime.combine(one, time(), tzinfo=HERE) for one in (first, months_later(first, 1)))
    return begins, ends


def _coded(session: Session, org_id: str, text: str) -> list[str]:
    """Deliveries whose line reference begins so."""
    wanted = slips.typed(text)
    if len(wanted) < LEAST_OF_CODE or not wanted.isalnum():
        return []
    return [one.id for one in session.exec(_on_the_way(org_id)) if slips.code_of(session, one).startswith(wanted)]


def _on_the_way(org_id: str, what: Any = Match) -> Any:
    return select(what).where(col(Match.org_id) == org_id, col(Match.state) == MatchState.IN_DELIVERY)


def choices_of(session: Session, org_id: str, /) -> tuple[list[str], list[str]]:
    """The months and the kinds of need of what is on its way, the newest month first."""
    moments = session.exec(_on_the_way(org_id, Match.household_answered_at).distinct())
    kinds = _on_the_way(org_id, Need.category).where(col(Match.need_id) == col(Need.id)).distinct()
    return sorted({f"{local_day(one):%Y-%m}" for one in moments if one}, reverse=True), sorted(session.exec(kinds))


def asked(args: Mapping[str, str], /) -> Narrowed:
    """What an address asks for; a month that is none is left out.

    >>> asked({"month": "2026-13", "kind": "LIVING.GOODS", "text": " 3fa2 "})
    Narrowed(month='', kind='LIVING.GOODS', text='3fa2')
    """
    month = args.get("month", "")[:7]
    try:
        month = month if EARLIEST <= date.fromisoformat(f"{month}-01").year < LATEST else ""
    except ValueError:
        month = ""
    return Narrowed(month, args.get("kind", "")[:48], args.get("text", "").strip()[:60])
