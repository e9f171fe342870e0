"""Costs that nobody has written down, cover that nobody has claimed: tasks with a clock, and the papers for a claim.

Enters: verified needs whose rules reckon with a documented cost, and bills whose payers promised to pay. Leaves: a
clock for staff of the district until the cost is recorded or the claim is paid or refused; and for the household a list
of what it can claim with the papers for it. Called by the worker, by `bills` and by pages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, exists, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import Database
from marketplace.ledger.models import CostBill, CostLayer, LayerState
from marketplace.needs.models import Need, NeedState
from marketplace.reference.needs import NeedKind, list_need_kinds, need_kind

RECORD, HELP = "record_cost", "claim_help"
"""The clocks: a cost is to be written down; a household is to be helped to claim."""
URGENT = 3
MEDICAL = "MED_AID"
BATCH = 200
_MEDICAL = ("id_copy", "bank_card", "invoice", "expense_list", "discharge")
PAPERS = {
    "THIRD_PARTY_COMPENSATION": ("id_copy", "bank_card", "accident", "invoice"),
    "BASIC_INSURANCE": _MEDICAL,
    "SERIOUS_ILLNESS_INSURANCE": (*_MEDICAL, "settlement"),
    "COMMERCIAL_SUPPLEMENT": (*_MEDICAL, "settlement", "diagnosis"),
    "MEDICAL_ASSISTANCE": ("id_copy", "bank_card", "settlement", "relation"),
    "TEMPORARY_AID": ("id_copy", "bank_card", "invoice", "relation"),
}
"""Payer ► the papers that it usually asks for: a list of our own; the payer's own list counts."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Cover that was found for a need and not claimed yet; `due` is until when a worker helps."""

    need_id: str
    category: str
    payer: str
    fen: int
    papers: tuple[str, ...]
    due: date | None


def reckons_with_cost(kind: NeedKind, /) -> bool:
    """Whether the rules of a kind reckon with a documented cost: money, and the order of payers."""
    return kind.is_money and "D01" in kind.duplicate_rules


def shows_papers_first(category: str, /) -> bool:
    """Whether charity promises nothing for a kind before its cost is written down: help with an illness. Who is in
    sudden need gets help at once, up to the limit of its kind."""
    kind = need_kind(category)
    return reckons_with_cost(kind) and kind.purpose == MEDICAL


def help_with(session: Session, bill: CostBill, layers: Sequence[CostLayer], /, *, urgent: bool, now: datetime) -> None:
    """The clock runs while a payer has promised and not paid."""
    promised = any(layer.state is LayerState.EXPECTED for layer in layers)
    running = [clock for clock in clocks.running_of(session, bill.need_id) if clock.step == HELP]
    if promised and not running:
        holder = Holder(district_code=bill.district_code)
        clocks.start(session, HELP, bill.need_id, holder=holder, now=now, urgent=urgent)
    if running and not promised:
        clocks.end(session, bill.need_id, step=HELP, outcome="claimed", now=now)


def claims_of(session: Session, household_id: str, /) -> list[Claim]:
    """What a household can claim, the oldest bill first."""
    wanted = (
        select(CostLayer, CostBill, Need)
        .join(CostBill, col(CostBill.id) == col(CostLayer.bill_id))
        .join(Need, col(Need.id) == col(CostBill.need_id))
        .where(col(CostBill.household_id) == household_id, col(CostLayer.state) == LayerState.EXPECTED)
        .where(col(Need.state) == NeedState.VERIFIED)
        .order_by(col(CostBill.created_at), col(CostLayer.payer))
    )
    found = []
    for layer, bill, need in session.exec(wanted):
        running = [clock for clock in clocks.running_of(session, bill.need_id) if clock.step == HELP]
        due = clocks.last_day(running[0]) if running else None
        found.append(Claim(need.id, need.category, layer.payer, layer.fen, PAPERS[layer.payer], due))
    return found


def ask_for_costs(session: Session, /, *, now: datetime, most: int = BATCH) -> int:
    """Start the clock of needs whose cost nobody has written down, and end it where the need is closed or covered."""
    done = 0
    for need in session.exec(_uncosted().limit(most)):
        holder = Holder(district_code=need.district_code)
        clocks.start(session, RECORD, need.id, holder=holder, now=now, urgent=need.urgency >= URGENT)
        done += 1
    for need_id in session.exec(_over().limit(most)):
        done += clocks.end(session, need_id, step=RECORD, outcome="closed", now=now)
    return done


def sweep(database: Database, /, *, clock: Callable[[], datetime]) -> int:
    """The worker's sweep of `ask_for_costs`; asks before it opens a writing transaction."""
    with database.reading() as session:
        waits = session.exec(_uncosted().limit(1)).first() or session.exec(_over().limit(1)).first()
    if waits is None:
        return 0
    with database.transaction() as session:
        return ask_for_costs(session, now=clock())


def _open() -> tuple[ColumnElement[bool], ...]:
    return col(Need.state) == NeedState.VERIFIED, col(Need.gap_units) > col(Need.committed_units)


def _uncosted() -> SelectOfScalar[Need]:
    kinds = [kind.code for kind in list_need_kinds() if reckons_with_cost(kind)]
    billed = exists().where(col(CostBill.need_id) == col(Need.id))
    asked = exists().where(col(Clock.object_ref) == col(Need.id), col(Clock.step) == RECORD)
    wanted = select(Need).where(*_open(), col(Need.category).in_(kinds), ~billed, ~asked)
    return wanted.order_by(col(Need.created_at), col(Need.id))


def _over() -> SelectOfScalar[str]:
    running = select(Clock.object_ref).where(col(Clock.step) == RECORD, col(Clock.ended_at).is_(None))
    still = exists().where(col(Need.id) == col(Clock.object_ref), *_open())
    return running.where(~still).order_by(col(Clock.object_ref))
