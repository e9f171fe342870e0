"""Documented costs and who pays before charity: the waterfall of one need.

Enters: the cost that papers show, and what each payer says: nothing, an amount to come, an amount paid. Leaves: these
written down, the steps in order, and what charity may still cover; what charity had given by then is held against them
(`late_costs`). While a payer has not answered the need waits, and its clock runs with the staff of its district. Called
by pages and the room of insurers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.service import list_people
from marketplace.ledger import claiming, late_costs
from marketplace.ledger.models import CostBill, CostLayer, LayerState, LedgerEntry
from marketplace.ledger.overlap import homes_of
from marketplace.needs.models import Need, NeedState
from marketplace.needs.whom import has_twin
from marketplace.policy import require
from marketplace.reference.events import known
from marketplace.reference.needs import need_kind
from matching.overlap_bill import on_bill, paid_by
from matching.overlap_rules import CHARITY, PAYERS, Bill, Given

STEP = "cover_answer"
"""The clock that runs while a payer before charity has not answered."""
BEFORE_CHARITY = PAYERS[:-1]
URGENT = claiming.URGENT
MOST_FEN = 100_000_000_00
WHEN_RECORDED: list[Callable[[Session, CostBill, datetime], None]] = []
"""Who knows of payers' answers that came before the bill was written down or put right."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the waterfall: what a payer pays, and what is left after it."""

    payer: str
    state: str
    fen: int
    left: int


def can_have_bill(need: Need, /) -> bool:
    """Whether the need's rules reckon with a documented cost: money, and the order of payers."""
    return claiming.reckons_with_cost(need_kind(need.category))


def record(
    session: Session,
    need_id: str,
    /,
    *,
    cost_fen: int,
    paper: str,
    person_id: str = "",
    actor: Actor,
    now: datetime,
) -> CostBill:
    """Write a documented cost down, or correct it; every payer before charity whose answer was about less, or that has
    yet to pay, is then to be asked. `person_id` is who was treated, which a household of one person need not say: the
    need and its aid are for that person from now on."""
    need = session.get(Need, need_id, with_for_update=True, populate_existing=True)
    if need is None:
        raise NotFound("need")
    require(actor, "bill:record", district=need.district_code)
    if not can_have_bill(need) or need.state is not NeedState.VERIFIED:
        raise WrongState("no_bill_here")
    if not 0 < cost_fen <= MOST_FEN:
        raise BadInput("cost_outside", field="cost")
    if not paper.strip():
        raise BadInput("paper_missing", field="paper")
    treated = _treated(session, need, person_id)
    late_costs.hold(session, homes_of(session, need.household_id, lock=True).ids)
    bill = find(session, need_id, lock=True) or _new(session, need, treated, now=now)
    _ask_anew(session, bill, treated, cost_fen=cost_fen, now=now)
    bill.cost_fen, bill.paper, bill.recorded_by, bill.updated_at = cost_fen, paper.strip()[:200], actor.id, now
    session.add(bill)
    flush(session)
    _name(session, need, treated, actor=actor, now=now)
    _record(session, bill, "bill:record", fen=cost_fen, actor=actor, now=now)
    clocks.end(session, need_id, step=claiming.RECORD, outcome="recorded", now=now)
    for follow in WHEN_RECORDED:
        follow(session, bill, now)
    _wait(session, bill, urgent=need.urgency >= URGENT, now=now)
    late_costs.look(session, bill, actor=actor, now=now)
    return bill


def _treated(session: Session, need: Need, person_id: str) -> str:
    people = [person.id for person in list_people(session, need.household_id)]
    if not person_id and len(people) == 1:
        return people[0]
    another = need.person_id not in ("", person_id)
    if person_id not in people or (another and has_twin(session, need, person_id=person_id)):
        raise BadInput("whose_bill", field="person")
    return person_id


def _name(session: Session, need: Need, person_id: str, *, actor: Actor, now: datetime) -> None:
    """Papers say whom a need is for, unless another open need says the same of that person already. Its aid follows,
    but for what names somebody by itself, as a payout names whoever is insured."""
    if need.person_id == person_id or has_twin(session, need, person_id=person_id):
        return
    before, need.person_id = need.person_id, person_id
    session.add(need)
    rows = select(LedgerEntry).where(col(LedgerEntry.need_id) == need.id)
    rows = rows.where(col(LedgerEntry.person_id).in_(("", before)))
    for row in session.exec(rows.order_by(col(LedgerEntry.id)).with_for_update()).all():
        row.person_id, row.updated_at = person_id, now
        session.add(row)
        body = {"units": row.units}
        act = audit.Entry("aid:update", object_ref=row.id, subject=row.household_id, rule_id="bill:record", body=body)
        audit.record(session, act, actor=actor, now=now)
    flush(session)


def _ask_anew(session: Session, bill: CostBill, person_id: str, *, cost_fen: int, now: datetime) -> None:
    """Another cost is another question to who promised to pay of it, a larger one to who said "nothing", too; what was
    paid is never more than the cost. Another person's bill is another question to all: what payers answered was about
    somebody else."""
    layers, another = layers_of(session, bill.id), bill.person_id != person_id
    if not another and cost_fen < sum(layer.fen for layer in layers if layer.state is LayerState.PAID):
        raise BadInput("cost_below_paid", field="cost")
    asked = {LayerState.EXPECTED, LayerState.WAITING} if cost_fen != bill.cost_fen else set()
    asked |= {LayerState.NONE} if cost_fen > bill.cost_fen else set()
    bill.person_id = person_id
    for layer in layers:
        if another or layer.state in asked:
            layer.state, layer.fen, layer.told_by, layer.updated_at = LayerState.WAITING, 0, "", now
            session.add(layer)
    flush(session)


def _new(session: Session, need: Need, person_id: str, *, now: datetime) -> CostBill:
    bill = CostBill(
        id=new_id(),
        need_id=need.id,
        household_id=need.household_id,
        person_id=person_id,
        district_code=need.district_code,
        cost_fen=1,
        paper="-",
        recorded_by="-",
        created_at=now,
        updated_at=now,
    )
    session.add(bill)
    flush(session)
    for payer in BEFORE_CHARITY:
        session.add(CostLayer(id=new_id(), bill_id=bill.id, payer=payer, state=LayerState.WAITING, updated_at=now))
    flush(session)
    return bill


def answer(
    session: Session, bill_id: str, payer: str, /, *, state: LayerState, fen: int = 0, actor: Actor, now: datetime
) -> CostBill:
    """What one payer said. The last answer ends the clock; all payers together never pay more than the cost."""
    told = session.get(CostBill, bill_id)
    if told is None:
        raise NotFound("cost_bill")
    late_costs.hold(session, homes_of(session, told.household_id, lock=True).ids)
    bill = session.get_one(CostBill, bill_id, with_for_update=True, populate_existing=True)
    require(actor, "bill:record", district=bill.district_code)
    layers = {layer.payer: layer for layer in layers_of(session, bill.id)}
    if payer not in layers:
        raise NotFound("cost_layer")
    pays = state in (LayerState.EXPECTED, LayerState.PAID)
    others = sum(layer.fen for name, layer in layers.items() if name != payer)
    if (fen > 0) is not pays or (pays and others + fen > bill.cost_fen):
        raise BadInput("layer_outside", field="amount")
    layer = layers[payer]
    layer.state, layer.fen, layer.told_by, layer.updated_at = state, fen, actor.id, now
    bill.updated_at = now
    session.add_all([layer, bill])
    flush(session)
    _record(session, bill, "bill:answer", fen=fen, rule=payer, actor=actor, now=now)
    urgent = session.get_one(Need, bill.need_id).urgency >= URGENT
    _wait(session, bill, urgent=urgent, now=now)
    late_costs.look(session, bill, actor=actor, now=now)
    return bill


def _wait(session: Session, bill: CostBill, *, urgent: bool, now: datetime) -> None:
    layers = layers_of(session, bill.id)
    waits = any(layer.state is LayerState.WAITING for layer in layers)
    claiming.help_with(session, bill, layers, urgent=urgent, now=now)
    running = [clock for clock in clocks.running_of(session, bill.need_id) if clock.step == STEP]
    if waits and not running:
        clocks.start(
            session, STEP, bill.need_id, holder=Holder(district_code=bill.district_code), now=now, urgent=urgent
        )
    if not waits and running:
        clocks.end(session, bill.need_id, step=STEP, outcome="answered", now=now)


def find(session: Session, need_id: str, /, *, lock: bool = False) -> CostBill | None:
    """The bill of a need, if papers were recorded."""
    wanted = select(CostBill).where(col(CostBill.need_id) == need_id)
    wanted = wanted.with_for_update() if lock else wanted
    return session.exec(wanted.execution_options(populate_existing=lock)).first()


def layers_of(session: Session, bill_id: str, /) -> list[CostLayer]:
    """The payers of a bill, in the order of the city's table; a district may have them pay in another (`standing`)."""
    rows = session.exec(select(CostLayer).where(col(CostLayer.bill_id) == bill_id)).all()
    return sorted(rows, key=lambda row: PAYERS.index(row.payer))


def steps(
    bill: Bill,
    rows: Sequence[Given],
    /,
    *,
    need: Need,
    others: frozenset[str] = frozenset(),
    order: Sequence[str] = PAYERS,
) -> list[Step]:
    """The waterfall in the `order` of the rule: after each payer what is left; the last line is charity. What went to
    `others` of the household is no payment of this bill."""
    rows = [row for row in rows if row.person not in others]
    rows = on_bill(bill, rows, category=need.category, cause=known(need.cause))
    left, found = bill.cost, []
    for payer in order:
        fen = paid_by(bill, rows, payer)
        left -= fen
        found.append(Step(payer, _state(bill, payer, fen), fen, max(0, left)))
    return found


def _state(bill: Bill, payer: str, fen: int) -> str:
    if payer in bill.waiting and not fen:
        return LayerState.WAITING.value
    if payer in bill.expected:
        return LayerState.EXPECTED.value
    return LayerState.PAID.value if fen or payer == CHARITY else LayerState.NONE.value


def _record(
    session: Session, bill: CostBill, action: str, *, fen: int, rule: str = "", actor: Actor, now: datetime
) -> None:
    entry = audit.Entry(action, object_ref=bill.id, subject=bill.household_id, rule_id=rule, body={"fen": fen})
    audit.record(session, entry, actor=actor, now=now)
