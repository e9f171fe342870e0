"""Unclaimed cover is found before charity money is proposed: insurers are asked who pays of a documented cost.

Enters: documented costs whose payers have not all answered, of households that want to be matched. Leaves: the
insurers' answers on the bill, each once; a payer that says nothing stays open with the clock of the bill, for a
person. What crosses is a mark of each member made with a key that only both sides have; no name, number or illness.
Called by the worker; the question is asked outside any transaction.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlmodel import Session, col, select

from adapters.ports import CoverAnswer, CoverDoor, CoverQuestion, OutsideError
from marketplace import audit
from marketplace.actors import SYSTEM
from marketplace.consent.ask import all_auto_match
from marketplace.db import Database
from marketplace.households.service import list_people
from marketplace.ledger import bills
from marketplace.ledger.models import CostBill, CostLayer, LayerState
from marketplace.sealed import vault_of

PAUSE = timedelta(minutes=30)
BATCH = 50
_WEIGHT = {"none": 0, "expected": 1, "paid": 2}


@dataclass(frozen=True, slots=True)
class _Open:
    """One bill with payers that have not answered, and the marks of the household's members."""

    bill_id: str
    cost_fen: int
    marks: tuple[str, ...]
    payers: frozenset[str]


class Watch:
    """The sweep: asks now and then, and never twice within the pause."""

    def __init__(self, database: Database, door: CoverDoor, *, key: str, clock: Callable[[], datetime]) -> None:
        self._database, self._door, self._key, self._clock = database, door, key, clock
        self._next: datetime | None = None

    def __call__(self) -> int:
        """Ask, unless somebody asked a moment ago; returns how many answers were written down."""
        now = self._clock()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + PAUSE
        return ask(self._database, self._door, key=self._key, now=now)


def ask(database: Database, door: CoverDoor, /, *, key: str, now: datetime) -> int:
    """Ask about every open bill; a door that fails is asked again later."""
    with database.reading() as session:
        waiting = _waiting(session, key=key, now=now)
    written = 0
    for one in waiting:
        try:
            said = [answer for mark in one.marks for answer in door.ask_cover(_question(one, mark))]
        except OutsideError:
            continue
        with database.transaction() as session:
            written += _write(session, one, _largest(said), now=now)
    return written


def mark_of(number: str, /, *, key: str) -> str:
    """The mark of a person: the same on both sides, of no use without the key."""
    return hmac.new(key.encode(), number.upper().encode(), sha256).hexdigest()


def _question(one: _Open, mark: str) -> CoverQuestion:
    return CoverQuestion(idempotency_key=f"{one.bill_id}:{mark[:16]}", subject=mark, cost_fen=one.cost_fen)


def _waiting(session: Session, *, key: str, now: datetime) -> list[_Open]:
    consents = all_auto_match(session, now=now)
    wanted = (
        select(CostBill)
        .join(CostLayer, col(CostLayer.bill_id) == col(CostBill.id))
        .where(col(CostLayer.state) == LayerState.WAITING)
        .distinct()
        .order_by(col(CostBill.created_at), col(CostBill.id))
    )
    found: list[_Open] = []
    for bill in session.exec(wanted):
        if bill.household_id in consents and len(found) < BATCH:
            layers = bills.layers_of(session, bill.id)
            open_payers = frozenset(layer.payer for layer in layers if layer.state is LayerState.WAITING)
            found.append(_Open(bill.id, bill.cost_fen, _marks(session, bill.household_id, key=key), open_payers))
    return [one for one in found if one.marks]


def _marks(session: Session, household_id: str, *, key: str) -> tuple[str, ...]:
    vault = vault_of(session)
    people = [person for person in list_people(session, household_id) if person.id_number is not None]
    numbers = (vault.open(session, p.id, column="person.id_number", sealed=p.id_number) for p in people if p.id_number)
    return tuple(mark_of(number, key=key) for number in numbers)


def _largest(said: Sequence[CoverAnswer]) -> dict[str, CoverAnswer]:
    """One answer for each payer: who has paid or will pay outweighs who does not."""
    best: dict[str, CoverAnswer] = {}
    for answer in said:
        known = best.get(answer.payer)
        if known is None or (_WEIGHT[answer.state], answer.fen) > (_WEIGHT[known.state], known.fen):
            best[answer.payer] = answer
    return best


def _write(session: Session, one: _Open, answers: dict[str, CoverAnswer], *, now: datetime) -> int:
    """The answers of payers that are still open, in their order; what would exceed the cost is cut to it."""
    left = one.cost_fen - sum(layer.fen for layer in bills.layers_of(session, one.bill_id))
    done = 0
    for layer in bills.layers_of(session, one.bill_id):
        answer = answers.get(layer.payer)
        if answer is None or layer.state is not LayerState.WAITING:
            continue
        fen = min(left, answer.fen) if answer.state != "none" else 0
        state = LayerState(answer.state) if fen else LayerState.NONE
        bills.answer(session, one.bill_id, layer.payer, state=state, fen=fen, actor=SYSTEM, now=now)
        left, done = left - fen, done + 1
    bill = session.get_one(CostBill, one.bill_id)
    entry = audit.Entry("cover:ask", object_ref=bill.id, subject=bill.household_id, body={"answers": done})
    audit.record(session, entry, actor=SYSTEM, now=now)
    return done
