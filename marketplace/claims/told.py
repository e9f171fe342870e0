"""What becomes of a case is said of the documented costs that its insurer was to pay: nobody claims twice, none waits.

Enters: a case that was answered, or whose payout was put right; a bill recorded after its payout. Leaves: on each open
bill of the person insured the supplement's layer as the ledger has it now: paid with what was paid; waiting for a
person where the promised cover was refused or is none; waiting again where the payout was not so. Called by `service`,
`cases` and `corrections`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM
from marketplace.claims.models import CaseKind, CaseState, InsuranceCase
from marketplace.decisions.at_once import hold_matches
from marketplace.households.apart import People, people_of
from marketplace.ledger import bills, late_costs, overlap
from marketplace.ledger.models import CostBill, CostLayer, LayerState
from marketplace.needs.models import Need, NeedState
from marketplace.reference.events import known
from matching.overlap_bill import on_bill

PAYER = "COMMERCIAL_SUPPLEMENT"
DESK = replace(SYSTEM, id="insurer-case")
"""Who says it on the bill; a layer that waits with its name was promised, and then refused."""
OPEN = (LayerState.WAITING, LayerState.EXPECTED)
_NOTHING = (CaseState.REFUSED, CaseState.NO_COVER)


def hold(session: Session, /, *case_ids: str) -> None:
    """Lock what the answers of these cases may touch, before their first act: matches, needs, words, households and the
    open tasks of late reports."""
    cases = [case for case_id in case_ids if (case := session.get(InsuranceCase, case_id)) is not None]
    hold_matches(session, [case.match_id for case in cases], all_needs=True)
    homes = sorted({case.household_id for case in cases})
    held = (overlap.homes_of(session, home, lock=True).ids for home in homes)
    late_costs.hold(session, frozenset[str]().union(*held))


def follow(session: Session, case: InsuranceCase, /, *, now: datetime) -> int:
    """Bring the bills in line with the case; returns how many layers were answered."""
    if case.kind is not CaseKind.CLAIM:
        return 0
    homes = overlap.homes_of(session, case.household_id)
    people = people_of(session, homes.ids)
    wanted = select(CostBill, Need).join(Need, col(Need.id) == col(CostBill.need_id))
    wanted = wanted.where(col(CostBill.household_id).in_(sorted(homes.ids)), col(Need.state) == NeedState.VERIFIED)
    done = 0
    for bill, need in session.exec(wanted.order_by(col(CostBill.id))).all():
        if people.one(bill.person_id) == people.one(case.person_id):
            done += _answer(session, case, bill, need, (homes, people), now=now)
    return done


def _answer(
    session: Session,
    case: InsuranceCase,
    bill: CostBill,
    need: Need,
    known_as: tuple[overlap.Homes, People],
    *,
    now: datetime,
) -> bool:
    layers = {layer.payer: layer for layer in bills.layers_of(session, bill.id)}
    layer = layers[PAYER]
    room = bill.cost_fen - sum(one.fen for payer, one in layers.items() if payer != PAYER)
    state, fen = _now(case, layer, min(room, _held(session, need, *known_as)))
    if (state, fen) == (layer.state, layer.fen):
        return False
    back = layer.state is LayerState.PAID and state is LayerState.WAITING and case.state not in _NOTHING
    bills.answer(session, bill.id, PAYER, state=state, fen=fen, actor=SYSTEM if back else DESK, now=now)
    return True


def _on_record(session: Session, bill: CostBill, now: datetime) -> None:
    """Papers that come after the payout, or put the cost or the person right: what was paid is on the bill."""
    homes = overlap.homes_of(session, bill.household_id)
    people, need = people_of(session, homes.ids), session.get_one(Need, bill.need_id)
    paid = select(InsuranceCase).where(
        col(InsuranceCase.household_id).in_(sorted(homes.ids)),
        col(InsuranceCase.kind) == CaseKind.CLAIM,
        col(InsuranceCase.state) == CaseState.PAID,
    )
    for case in session.exec(paid.order_by(col(InsuranceCase.id))).all():
        if people.one(bill.person_id) == people.one(case.person_id):
            _answer(session, case, bill, need, (homes, people), now=now)


bills.WHEN_RECORDED.append(_on_record)


def _now(case: InsuranceCase, layer: CostLayer, held: int) -> tuple[LayerState, int]:
    ours = layer.told_by == DESK.id
    if held > 0 and (ours or layer.state in OPEN):
        return LayerState.PAID, held
    refused = layer.state is LayerState.EXPECTED and case.state in _NOTHING
    if refused or (ours and layer.state is LayerState.PAID):
        return LayerState.WAITING, 0
    return layer.state, layer.fen


def _held(session: Session, need: Need, homes: overlap.Homes, people: People) -> int:
    """What the ledger has of the supplement about this cost."""
    bill = overlap.bill_of(session, need, homes)
    if bill is None:
        return 0
    others = people.others(need.person_id)
    rows = overlap.aid_of(session, homes, household_id=need.household_id, people=people)
    about = on_bill(bill, rows, category=need.category, cause=known(need.cause))
    return sum(row.units for row in about if row.payer == PAYER and row.person not in others)
