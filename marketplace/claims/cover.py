"""Unclaimed cover is found before charity money is proposed: insurers are asked who pays of a documented cost.

Enters: documented costs whose payers have not all answered, each of the one person who was treated, where that very
person (or a child's guardian) lets the insurers' door be asked (a consent of the kind QUERY to the one insurer that
runs it); one adult's yes never opens another's bill. Leaves: the insurers' answers on the bill, each once, and a
disclosure row for each question about a bill; a payer that says nothing stays open with the clock of the bill, for a
person. A yes that was asked under as often as it allows ends, and its household is told. What crosses is a mark of the
person made with a key that only both sides have; no name, number or illness. Called by the worker. Each person's yes is
looked at just before its question and once more before the answer is kept; the question itself is asked outside any
transaction.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from adapters.ports import CoverAnswer, CoverDoor, CoverQuestion, OutsideError
from marketplace import audit
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import local_day
from marketplace.claims import told
from marketplace.consent.ask import is_alive, lock_head, newest
from marketplace.consent.changes import run_out
from marketplace.consent.models import ConsentHead, ConsentState, Purpose
from marketplace.db import Database, one_by_one
from marketplace.households.models import Person
from marketplace.ledger import bills
from marketplace.ledger.models import CostBill, CostLayer, LayerState
from marketplace.ledger.overlap import homes_of
from marketplace.ledger.sentences import WATERFALL, standing
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.sealed import vault_of
from marketplace.sharing import queries

log = logging.getLogger("shanqiao.claims")
PAUSE = timedelta(minutes=30)
AGAIN = timedelta(days=7)
"""What the door said is still to come is asked about again after so long: whether it was paid, or refused."""
BATCH = 50
PURPOSE = Purpose.INSURE_CLAIM_QUERY.value
_WEIGHT = {"none": 0, "expected": 1, "paid": 2}


@dataclass(frozen=True, slots=True)
class _Open:
    """One bill with payers that have not answered."""

    bill_id: str
    cost_fen: int


@dataclass(slots=True)
class _Said:
    """What was answered about one bill: the consent behind each answer, and the answer; `failed`: somebody said nothing
    because the door failed, so that the others' answers would be written too early."""

    bill: _Open
    answers: list[tuple[str, CoverAnswer]] = field(default_factory=list)
    failed: bool = False


class Watch:
    """The sweep: asks now and then, and never twice within the pause."""

    def __init__(
        self, database: Database, door: CoverDoor, *, key: str, org: str, clock: Callable[[], datetime]
    ) -> None:
        self._database, self._door, self._key, self._org, self._clock = database, door, key, org, clock
        self._next: datetime | None = None

    def __call__(self) -> int:
        """Ask, unless somebody asked a moment ago; returns how many answers were written down."""
        now = self._clock()
        if self._next is not None and now < self._next:
            return 0
        self._next = now + PAUSE
        return ask(self._database, self._door, key=self._key, org=self._org, now=now)


def ask(database: Database, door: CoverDoor, /, *, key: str, org: str, now: datetime) -> int:
    """Ask about every open bill under the consents there are; a door that fails is asked again when they allow it.

    `org` is the credit code of the insurer that runs the door.
    """
    with database.reading() as session:
        insurer = find_insurer(session, org)
        chains = [] if insurer is None else _chains(session, insurer.id, now=now)
    if insurer is None or not chains:
        return 0
    actor = Actor(id="cover-door", role=Role.SERVICE, org_id=insurer.id)
    written = asked = 0
    for _household, of_home in groupby(chains, key=itemgetter(0)):
        said: dict[str, _Said] = {}
        for _home, chain_id in of_home:
            if asked < BATCH:
                asked += _ask_one(database, door, chain_id, said, key=key, actor=actor, now=now)
        kept = [one for one in said.values() if one.answers and not one.failed]
        written += one_by_one(database, kept, partial(_keep, now=now), failed=_failed)
    return written


def _failed(_one: _Said, error: str) -> None:
    log.warning("what the insurers answered about a bill was not kept: %s", error)


def _ask_one(
    database: Database,
    door: CoverDoor,
    chain_id: str,
    said: dict[str, _Said],
    *,
    key: str,
    actor: Actor,
    now: datetime,
) -> bool:
    """Of each open bill: look at the person's yes, write the question down, and ask it at once; whether any was."""
    asked = False
    with database.reading() as session:
        waiting, used_up = _open_bills(session, chain_id, now=now), queries.is_used_up(session, chain_id)
    if used_up:
        _end(database, chain_id, now=now)
        return False
    for bill in waiting:
        mark = _may_ask(database, chain_id, bill, key=key, actor=actor, now=now)
        if not mark:
            continue
        asked, one = True, said.setdefault(bill.bill_id, _Said(bill))
        try:
            one.answers += [(chain_id, answer) for answer in door.ask_cover(_question(bill, mark, now=now))]
        except OutsideError:
            one.failed = True
    return asked


def _end(database: Database, chain_id: str, *, now: datetime) -> None:
    """A yes that has been used up is over while a bill still waits: the household hears of it, and may say another."""
    with database.transaction() as session:
        head = lock_head(session, chain_id)
        if is_alive(head, now):
            run_out(session, head, reason="used_up", now=now)


def _may_ask(database: Database, chain_id: str, bill: _Open, *, key: str, actor: Actor, now: datetime) -> str:
    """The mark to ask about this bill with, the question written down; empty where it may not be asked any more."""
    with database.transaction() as session:
        mark = _mark(session, chain_id, key=key) if bill in _open_bills(session, chain_id, now=now) else ""
        about: dict[str, Any] = {"purpose": PURPOSE, "object_ref": bill.bill_id}
        may = bool(mark) and queries.allowed(session, chain_id, **about, actor=actor, now=now)
    return mark if may else ""


def _keep(session: Session, one: _Said, *, now: datetime) -> int:
    """Write down what was answered under yeses that still hold, of a bill that is still this person's and shows the
    cost that was asked about; one taken back meanwhile takes its answer along."""
    heads = [lock_head(session, chain_id) for chain_id, _answer in one.answers]
    bill = session.get_one(CostBill, one.bill.bill_id)
    homes_of(session, bill.household_id, lock=True)
    session.refresh(bill, with_for_update=True)
    ours = [head for head in heads if newest(session, head).person_id == bill.person_id]
    held = {head.chain_id for head in ours if is_alive(head, now)}
    said = [answer for chain_id, answer in one.answers if chain_id in held and bill.cost_fen == one.bill.cost_fen]
    return _write(session, one.bill, _largest(said), now=now) if said else 0


def find_insurer(session: Session, credit_code: str, /) -> Organisation | None:
    """The active insurer of this credit code."""
    asked = select(Organisation).where(
        col(Organisation.credit_code) == credit_code,
        col(Organisation.kind) == OrganisationKind.INSURER,
        col(Organisation.state) == OrganisationState.ACTIVE,
    )
    return session.exec(asked.order_by(col(Organisation.part))).first() if credit_code else None


def mark_of(number: str, /, *, key: str) -> str:
    """The mark of a person: the same on both sides, of no use without the key."""
    return hmac.new(key.encode(), number.upper().encode(), sha256).hexdigest()


def _question(one: _Open, mark: str, *, now: datetime) -> CoverQuestion:
    """The day is part of the key: what is asked on another day is another question, not a repeat of the first."""
    key = f"{one.bill_id}:{mark[:16]}:{local_day(now).isoformat()}"
    return CoverQuestion(idempotency_key=key, subject=mark, cost_fen=one.cost_fen)


def _chains(session: Session, org_id: str, *, now: datetime) -> list[tuple[str, str]]:
    """Household and chain of each living consent to be asked about, where a bill of the household waits."""
    waits = select(CostBill.household_id).join(CostLayer, col(CostLayer.bill_id) == col(CostBill.id))
    heads = select(ConsentHead.household_id, ConsentHead.chain_id).where(
        col(ConsentHead.purpose) == Purpose.INSURE_CLAIM_QUERY,
        col(ConsentHead.recipient_org_id) == org_id,
        col(ConsentHead.state) == ConsentState.ACTIVE,
        col(ConsentHead.valid_from) <= now,
        col(ConsentHead.valid_to) > now,
        col(ConsentHead.household_id).in_(waits.where(_is_asked(now))),
    )
    return list(session.exec(heads.order_by(col(ConsentHead.household_id), col(ConsentHead.chain_id))))


def _is_asked(now: datetime) -> ColumnElement[bool]:
    """A payer that has said nothing yet; after a while also one that refused, or that will pay as the door said."""
    waits, desk = col(CostLayer.state) == LayerState.WAITING, col(CostLayer.told_by) == told.DESK.id
    promised = (col(CostLayer.state) == LayerState.EXPECTED) & (col(CostLayer.told_by) == SYSTEM.id)
    return (waits & ~desk) | (((waits & desk) | promised) & (col(CostLayer.updated_at) <= now - AGAIN))


def _open_bills(session: Session, chain_id: str, *, now: datetime) -> list[_Open]:
    """The open bills of the person who said this yes, and of nobody else."""
    said = newest(session, session.get_one(ConsentHead, chain_id))
    asked = select(CostLayer.bill_id).where(_is_asked(now))
    wanted = select(CostBill).where(
        col(CostBill.household_id) == said.household_id,
        col(CostBill.person_id) == said.person_id,
        col(CostBill.id).in_(asked),
    )
    found = session.exec(wanted.order_by(col(CostBill.created_at), col(CostBill.id)))
    return [_Open(bill.id, bill.cost_fen) for bill in found]


def _mark(session: Session, chain_id: str, *, key: str) -> str:
    """The mark of the person who said this yes; empty without an ID number, and then nothing is asked or written."""
    head = session.get_one(ConsentHead, chain_id)
    person = session.get(Person, newest(session, head).person_id or "")
    if person is None or person.id_number is None:
        return ""
    number = vault_of(session).open(session, person.id, column="person.id_number", sealed=person.id_number)
    return mark_of(number, key=key)


def _largest(said: Sequence[CoverAnswer]) -> dict[str, CoverAnswer]:
    """One answer for each payer: who has paid or will pay outweighs who does not."""
    best: dict[str, CoverAnswer] = {}
    for answer in said:
        known = best.get(answer.payer)
        if known is None or (_WEIGHT[answer.state], answer.fen) > (_WEIGHT[known.state], known.fen):
            best[answer.payer] = answer
    return best


def _write(session: Session, one: _Open, answers: dict[str, CoverAnswer], *, now: datetime) -> int:
    """The answers of payers that are still open, in the order that holds today where the need is; what would exceed the
    cost is cut to it, and what becomes less is written first. What was to come is paid, is nothing, or is to come
    still; what an insurer refused, the door does not promise again: a person looks."""
    bill = session.get_one(CostBill, one.bill_id)
    layers = {layer.payer: layer for layer in bills.layers_of(session, one.bill_id)}
    news: list[tuple[int, str, LayerState, int]] = []
    open_ones = [layer for layer in layers.values() if _may_write(layer, answers.get(layer.payer))]
    left = one.cost_fen - sum(layer.fen for layer in layers.values() if layer not in open_ones)
    for layer in (layers[payer] for payer in _order(session, bill, now=now) if payer in layers):
        if layer not in open_ones:
            _rests(session, layer, now=now)
            continue
        answer = answers[layer.payer]
        fen = min(max(0, left), answer.fen) if answer.state != "none" else 0
        state = LayerState(answer.state) if fen else LayerState.NONE
        left -= fen
        if (state, fen) == (layer.state, layer.fen):
            _rests(session, layer, now=now)
        else:
            news.append((fen - layer.fen, layer.payer, state, fen))
    for _more, payer, state, fen in sorted(news, key=itemgetter(0)):
        bills.answer(session, one.bill_id, payer, state=state, fen=fen, actor=SYSTEM, now=now)
    entry = audit.Entry("cover:ask", object_ref=bill.id, subject=bill.household_id, body={"answers": len(news)})
    audit.record(session, entry, actor=SYSTEM, now=now)
    return len(news)


def _rests(session: Session, layer: CostLayer, *, now: datetime) -> None:
    """No news of what was refused or is to come: it is not asked about again for a while."""
    if layer.state in told.OPEN and layer.told_by in (told.DESK.id, SYSTEM.id):
        layer.updated_at = now
        session.add(layer)


def _may_write(layer: CostLayer, answer: CoverAnswer | None) -> bool:
    if answer is None:
        return False
    if layer.state is LayerState.EXPECTED:
        return layer.told_by == SYSTEM.id
    refused = layer.told_by == told.DESK.id and answer.state == LayerState.EXPECTED.value
    return layer.state is LayerState.WAITING and not refused


def _order(session: Session, bill: CostBill, *, now: datetime) -> tuple[str, ...]:
    """The payers as the rule has them today in the district of the need."""
    need = session.get_one(Need, bill.need_id)
    return standing(session, WATERFALL, on=local_day(now), district=need.district_code).order
