"""What the ledger says before a case grants temporary aid: the rule "once for a cause and year", asked of all sources.

Enters: an item of `cases`. Leaves: the payments of the government's temporary aid that the rule counts against it, by
whatever door and under whatever kind they came in, of all records that count as this household. What this house granted
to the same person stands in `cases` and is judged there. Hung into `cases.elsewhere`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from marketplace.calendar import local_day
from marketplace.cases.elsewhere import ASKED, Aided
from marketplace.cases.models import CaseItem
from marketplace.households.apart import people_of
from marketplace.ledger import service as ledger
from marketplace.ledger.book import Book
from marketplace.ledger.granted_aid import EMERGENCY, SOURCE, person_of
from marketplace.ledger.models import LedgerEntry
from marketplace.ledger.overlap import given, homes_of
from marketplace.reference.events import known
from matching.overlap_judge import judge
from matching.overlap_rules import Asked

ONCE = "ONCE_PER_YEAR"


def aided_before(session: Session, item: CaseItem, now: datetime, /) -> list[Aided]:
    """The rows behind the rule's no; empty where it allows the aid. Illness aid stands under the kind of its illness:
    to this rule all temporary aid is of one kind."""
    on, kind, home = local_day(now), EMERGENCY, item.household_id
    homes = homes_of(session, home)
    whom, people = person_of(session, item), people_of(session, homes.ids)
    aid = ledger.live_aid(session, household_ids=sorted(homes.ids))
    rows = {row.id: row for row in aid if _counts(row, item, whom)}
    past = [replace(given(row, household_id=home, people=people), category=kind.category) for row in rows.values()]
    asked = Asked(
        household_id=home,
        category=kind.category,
        units=max(1, item.amount_fen),
        on=on,
        payer=kind.payer,
        programme=kind.programme,
        cause=known(item.cause.upper()),
        members=homes.members,
        statuses=homes.kinds,
        person=people.one(whom),
        others=people.others(whom),
    )
    rules = [one for one in Book(session, on=on).about(item.district_code, kind.category) if one.kind == ONCE]
    because = {row.ref for finding in judge(asked, past=past, rules=rules).findings for row in finding.because}
    return [_told(rows[ref]) for ref in sorted(because)]


def _counts(row: LedgerEntry, item: CaseItem, whom: str) -> bool:
    own = row.source == SOURCE and row.household_id == item.household_id and row.person_id in ("", whom)
    return row.payer == EMERGENCY.payer and not own


def _told(row: LedgerEntry) -> Aided:
    return Aided(giver=row.giver or row.source, fen=row.units, on=row.given_on)


ASKED["ledger"] = aided_before
