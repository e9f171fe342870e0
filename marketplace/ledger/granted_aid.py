"""Government money granted in a case stands in the ledger, so that every rule, waterfall and report sees it.

Enters: granted items of `cases` that pay money once. Leaves: one ledger row for each, approved while the order to pay
is open and delivered afterwards, held against the rules like a late report; returned where the grant was taken back
before it was paid. What was granted stands with its amount while it is decided anew.
What is paid month by month comes from the government's own feed. Called by the worker.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlmodel import Session, case, col, exists, select

from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.calendar import local_day
from marketplace.cases.known import facts_of
from marketplace.cases.models import Case, CaseItem, ItemState
from marketplace.cases.rules import FAST as FAST_PATH
from marketplace.db import Database, flush, new_id, one_by_one
from marketplace.ledger import repeats
from marketplace.ledger.imports import see
from marketplace.ledger.late import look_again
from marketplace.ledger.models import LIVE, AidSource, AidState, LedgerEntry
from marketplace.reference.events import known
from marketplace.reference.words import label

log = logging.getLogger("shanqiao.ledger")
SOURCE = "CASES"
"""The source of these rows: what this house itself granted."""
BATCH = 100
OF_PERSON = ("ILLNESS", "SCHOOLING")
"""Events that are one person's: whoever the application is about. An accident may be a disaster of the whole home."""
STANDS = (ItemState.GRANTED, ItemState.RUNNING, ItemState.STOPPED)
"""States in which an amount that was granted stands: also while it is decided anew."""
_INDEX = "case-"


@dataclass(frozen=True, slots=True)
class Kind:
    """How the ledger names the money of an item."""

    category: str
    payer: str
    programme: str


EMERGENCY = Kind("EMERGENCY.CASH", "TEMPORARY_AID", "TEMPORARY_AID")
ILLNESS = Kind("MEDICAL.MAJOR", "TEMPORARY_AID", "TEMPORARY_AID")
FAST = Kind("EMERGENCY.CASH", "TEMPORARY_AID", "FAST_SMALL_AID")
MEDICAL = Kind("MEDICAL.MAJOR", "MEDICAL_ASSISTANCE", "")
HOUSE = Kind("HOUSING.REPAIR", "HOUSING_FUND", "DANGEROUS_HOUSE")
ONCE = {"LINSHI": EMERGENCY, "YILIAO_JIUZHU": MEDICAL, "WEIFANG": HOUSE}
"""Items that pay money once."""
CLASSES = {
    "TEKUN": "MEDICAL_ASSISTANCE_TEKUN",
    "DIBAO": "MEDICAL_ASSISTANCE_DIBAO",
    "DIBIAN": "MEDICAL_ASSISTANCE_LOW_INCOME",
    "GANGXING": "MEDICAL_ASSISTANCE_RIGID",
}
"""A family's class ► under which programme its medical assistance is paid: of several classes the highest (D16)."""


def kind_of(item: CaseItem, /) -> Kind:
    """The words for one item; temporary aid is for an illness or for another event, and may be on the fast path."""
    if item.code == "LINSHI" and item.path == FAST_PATH:
        return FAST
    return ILLNESS if item.code == "LINSHI" and item.cause == "illness" else ONCE[item.code]


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """Book what was granted, follow what was paid or taken back; each item in its own transaction."""
    with database.reading() as session:
        found = due(session)
    return one_by_one(database, found, partial(follow, now=clock()), failed=_failed)


def _failed(_item_id: str, error: str) -> None:
    log.warning("a granted item is booked at the next sweep: %s", error)


def due(session: Session, /) -> list[str]:
    """Items whose grant, amount, payment or reversal the ledger does not show yet."""
    row = exists().where(col(LedgerEntry.source_index) == _INDEX + col(CaseItem.id))
    stands = row.where(col(LedgerEntry.state).in_((*LIVE, AidState.REPEAT)))
    promised = row.where(col(LedgerEntry.state) == AidState.APPROVED)
    paid, granted = col(CaseItem.paid_fen) > 0, col(CaseItem.state).in_(STANDS)
    worth = case((paid, col(CaseItem.paid_fen)), (granted, col(CaseItem.amount_fen)), else_=0)
    right = stands.where(col(LedgerEntry.units) == worth)
    wanted = select(CaseItem.id).where(col(CaseItem.code).in_(list(ONCE)))
    wanted = wanted.where(((worth > 0) & ~right) | (paid & promised) | ((worth == 0) & stands))
    return list(session.exec(wanted.order_by(col(CaseItem.id)).limit(BATCH)))


def worth_of(item: CaseItem, /) -> int:
    """What was paid, whatever became of the decision; before that what is promised."""
    return item.paid_fen or (item.amount_fen if item.state in STANDS else 0)


def follow(session: Session, item_id: str, /, *, now: datetime) -> bool:
    """Bring the ledger's row of one item to where the item stands; True if that changed anything."""
    item = session.get_one(CaseItem, item_id, with_for_update=True, populate_existing=True)
    row = session.exec(select(LedgerEntry).where(LedgerEntry.source_index == _INDEX + item.id)).one_or_none()
    if not worth_of(item) and (row is None or row.state is AidState.RETURNED):
        return False
    row = row or _new(session, item, now=now)
    before = row.units, row.state, row.repeats_id
    _bring(session, row, item, now=now)
    if (row.units, row.state, row.repeats_id) == before and row.updated_at < now:
        return False
    row.updated_at = now
    session.add(row)
    flush(session)
    body = {"units": row.units}
    act = audit.Entry(f"aid:{row.state.value}", object_ref=row.id, subject=row.household_id, rule_id=SOURCE, body=body)
    audit.record(session, act, actor=SYSTEM, now=now)
    if session.get(AidSource, SOURCE) is None:
        see(session, SOURCE, seen_from=row.given_on, actor=SYSTEM, now=now)
    look_again(session, [row.id], actor=SYSTEM, now=now)
    repeats.raise_tasks(session, [row.id], actor=SYSTEM, now=now)
    return True


def _bring(session: Session, row: LedgerEntry, item: CaseItem, *, now: datetime) -> None:
    """Taken back, told by a feed before (then it counts once, there), or promised and paid."""
    worth = worth_of(item)
    row.units = worth or row.units
    told = _told(row, held=(row,) if row in session else ())
    first = repeats.find(session, {row.id: told}).get(row.id) if worth else None
    first = None if first and _known_before(session, first, row, item) else first
    if not worth or first:
        row.state, row.repeats_id = (AidState.REPEAT if first else AidState.RETURNED), first
        return
    state = AidState.DELIVERED if item.paid_fen else AidState.APPROVED
    if row.state is AidState.APPROVED and state is AidState.DELIVERED:
        row.given_on = local_day(now)
    row.state, row.repeats_id = state, None


def _known_before(session: Session, first: str, row: LedgerEntry, item: CaseItem) -> bool:
    """The ledger held that payment already when a person granted this one, and said so: no telling of the same gift."""
    told = session.get_one(LedgerEntry, first)
    return row.repeats_id != first and item.decided_at is not None and told.created_at < item.decided_at


def _told(row: LedgerEntry, *, held: tuple[LedgerEntry, ...]) -> repeats.Told:
    return repeats.Told(
        source=SOURCE,
        household_id=row.household_id,
        giver=row.giver,
        category=row.category,
        programme=row.programme,
        cause=row.cause,
        units=row.units,
        given_on=row.given_on,
        payer=row.payer,
        held=held,
        person=row.person_id,
    )


def person_of(session: Session, item: CaseItem, /) -> str:
    """Whom the money is for, where it is for one person: medical assistance, and aid for an event of one person."""
    own = ONCE[item.code] is MEDICAL or (ONCE[item.code] is EMERGENCY and known(item.cause.upper()) in OF_PERSON)
    return session.get_one(Case, item.case_id).subject_id if own else ""


def programme_of(session: Session, item: CaseItem, /, *, on: date) -> str:
    """The programme of an item's money; medical assistance is paid by the class that the family has on that day."""
    kind = kind_of(item)
    if kind is not MEDICAL:
        return kind.programme
    return CLASSES.get(facts_of(session, session.get_one(Case, item.case_id), on=on).label, "")


def _new(session: Session, item: CaseItem, *, now: datetime) -> LedgerEntry:
    """A case knows the kind of event only: it may be any event of that kind, until a person says otherwise."""
    kind, day = kind_of(item), local_day(item.decided_at or now)
    return LedgerEntry(
        id=new_id(),
        source=SOURCE,
        source_index=_INDEX + item.id,
        household_id=item.household_id,
        person_id=person_of(session, item),
        giver=label("department", item.department, lang="zh_Hans"),
        category=kind.category,
        payer=kind.payer,
        programme=programme_of(session, item, on=day),
        cause=known(item.cause.upper()),
        units=worth_of(item),
        given_on=day,
        state=AidState.APPROVED,
        created_at=now,
        updated_at=now,
    )
