"""The order to pay: payee, account, amount and number; and its end with a voucher, by whoever holds the step.

Enters: a granted item whose payment begins; what its holder writes of the payment. Leaves: the order, printed for the
one who pays, and paid by another than gave the first opinion or decided. One that is paid late names its cause and
counts in the month. The account is the one that the household named, or one typed with the payment; without any it is
paid by hand. Called by `outcome` and the pages.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, literal, or_
from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.cases import hands, lateness, steps
from marketplace.cases.models import OPEN, Case, CaseItem, CaseStep
from marketplace.cases.models_orders import PaymentOrder
from marketplace.cases.papers import readings_of
from marketplace.cases.rules import StepRule
from marketplace.clocks import service as clocks
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotAllowed, NotFound, WrongState
from marketplace.households import kin
from marketplace.households.models import Person
from marketplace.households.service import list_people
from marketplace.liveness.dead import is_told_dead
from marketplace.policy import may, require
from marketplace.readback.models import SecondCall, SignedBy
from marketplace.reference.account_number import account_text, is_account
from marketplace.sealed import Sealed, vault_of

COLUMN = "aid_order.account"
AGAIN = "again"
"""The end of a payment's step where the item is decided anew: its order is payable until the new decision."""


@dataclass(frozen=True, slots=True)
class Paid:
    """What the holder writes of a payment."""

    voucher: str
    paid_on: date
    account: str = field(default="", repr=False)
    late_cause: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """Payee and account in plain text, for one look that was written down."""

    name: str = field(repr=False)
    account: str = field(repr=False)


def to_pay(item: CaseItem, /) -> int:
    """What an order is about: the amount without what was paid of it before."""
    return max(0, item.amount_fen - item.paid_fen)


def count_as_paid(item: CaseItem, /) -> None:
    """All of it is paid, here or elsewhere; what was paid beyond a later amount stays counted."""
    item.paid_fen = max(item.paid_fen, item.amount_fen)


def begin(session: Session, item: CaseItem, step: CaseStep, /, *, now: datetime) -> PaymentOrder:
    """The order that goes with a payment step; what was paid of the item before is not ordered again, and an order
    that was not paid before the new decision gives way to this one."""
    old = payable(session, item)
    if old is not None:
        old[1].outcome = "replaced"
        session.add(old[1])
    person, account = _payee(session, session.get_one(Case, item.case_id))
    order = PaymentOrder(
        id=new_id(),
        number=f"ZF{secrets.randbelow(10**10):010d}",
        step_id=step.id,
        item_id=item.id,
        household_id=item.household_id,
        person_id=person.id,
        office=item.office,
        code=item.code,
        amount_fen=to_pay(item),
        account=_sealed(session, person.id, account) if account else None,
        ordered_at=now,
    )
    session.add(order)
    flush(session)
    return order


def _payee(session: Session, case: Case) -> tuple[Person, str]:
    """The person of the application, or another of the household that named an account; and that account."""
    people = sorted(list_people(session, case.household_id), key=lambda one: one.id != case.subject_id)
    for person in people:
        if person.payee_account is not None:
            text = vault_of(session).open_if_kept(
                session, person.id, column="person.payee_account", sealed=person.payee_account
            )
            if text:
                return person, text
    return session.get_one(Person, case.subject_id), ""


def _sealed(session: Session, person_id: str, account: str) -> Sealed:
    return vault_of(session).seal(session, person_id, column=COLUMN, text=account)


def find_order(session: Session, item_id: str, /) -> PaymentOrder | None:
    """The newest order of an item."""
    asked = select(PaymentOrder).where(PaymentOrder.item_id == item_id)
    return session.exec(asked.order_by(col(PaymentOrder.ordered_at).desc(), col(PaymentOrder.id)).limit(1)).first()


def payable(session: Session, item: CaseItem, /) -> tuple[PaymentOrder, CaseStep] | None:
    """The order of an item that waits to be paid, with its step; also while the item is decided anew."""
    asked = select(PaymentOrder, CaseStep).join(CaseStep, col(CaseStep.id) == col(PaymentOrder.step_id))
    asked = asked.where(PaymentOrder.item_id == item.id, col(PaymentOrder.paid_at).is_(None))
    found = session.exec(asked.where(col(CaseStep.ended_at).is_(None) | (CaseStep.outcome == AGAIN))).one_or_none()
    return (found[0], found[1]) if found is not None else None


def shown(session: Session, item: CaseItem, /, *, actor: Actor, now: datetime) -> dict[str, Any]:
    """For the item's page: the order that waits to be paid, whether this reader pays it, and whether it is late."""
    found = payable(session, item)
    if found is None:
        return {"order": None, "pays": False, "unpaid_late": False, "unheard": False}
    order, step = found
    ours = may(actor, steps.HOLDS[step.holder]).allow and not hands.was_in_it(session, item, step.code, actor=actor)
    return {"order": order, "pays": ours, "unpaid_late": now > step.due_at, "unheard": is_unheard(session, item)}


def is_unheard(session: Session, item: CaseItem, /) -> bool:
    """Whether a spoken application waits for its second call, or what any second call denied waits for a person."""
    return any(
        (row.signed is SignedBy.SPOKEN and row.second is SecondCall.DUE)
        or (row.second is SecondCall.DENIED and clocks.running_of(session, row.id))
        for row in readings_of(session, item.case_id)
    )


def is_due(session: Session, person_id: str, /) -> bool:
    """Whether this person has asked for something that is open, or is to be paid."""
    return bool(session.exec(select(due(literal(person_id)))).one())


def due(person_id: Any, /) -> ColumnElement[bool]:
    """The same as a condition on a person's id; what is to be paid is read once for all of them."""
    asked = select(CaseItem.id).join(Case, col(Case.id) == col(CaseItem.case_id))
    asked = asked.where(col(Case.subject_id) == person_id, col(CaseItem.state).in_(OPEN))
    unpaid = select(PaymentOrder.person_id).join(CaseStep, col(CaseStep.id) == col(PaymentOrder.step_id))
    unpaid = unpaid.where(CaseStep.code == steps.PAYMENT, col(CaseStep.ended_at).is_(None))
    return or_(asked.exists(), person_id.in_(unpaid.where(col(PaymentOrder.paid_at).is_(None))))


def wait_on(session: Session, item: CaseItem, order: PaymentOrder, step: CaseStep, /, *, now: datetime) -> None:
    """The order waits at a step of its own again, with the limit it had."""
    rule = StepRule(step.no, step.code, step.holder, step.limit_days, step.unit)
    begun = steps.start_step(session, item, rule, no=step.no, before=step, now=now)
    order.step_id, step.outcome = begun.id, "replaced"
    session.add_all([order, step])
    flush(session)


def get_order(session: Session, item_id: str, /, *, actor: Actor) -> PaymentOrder:
    """The same for whoever holds its step; NotFound where there is none, and to whom the case is foreign."""
    item, order = steps.get_item(session, item_id), find_order(session, item_id)
    if order is None:
        raise NotFound("paper")
    require(actor, "case:view", household_id=item.household_id, district=item.district_code)
    steps.require_holder(item, session.get_one(CaseStep, order.step_id), actor=actor)
    kin.refuse_close(session, item.household_id, actor=actor)
    return order


def show(session: Session, order: PaymentOrder, /, *, actor: Actor, now: datetime) -> Opened:
    """Payee and account for the one who prints the order; the look is written down first."""
    entry = audit.Entry(
        "case:order_look", object_ref=order.id, subject=order.household_id, fields=("name", "payee_account")
    )
    audit.record(session, entry, actor=actor, now=now)
    vault, person = vault_of(session), session.get_one(Person, order.person_id)
    name = vault.open_if_kept(session, person.id, column="person.name", sealed=person.name)
    return Opened(name, vault.open_if_kept(session, person.id, column=COLUMN, sealed=order.account))


def pay(session: Session, item_id: str, paid: Paid, /, *, actor: Actor, now: datetime) -> PaymentOrder:
    """The money is on its way, under a voucher. Who gave the first opinion or decided does not pay; nor does anybody
    while an application that was only spoken waits to be asked again, or was denied then; nor to who is said to be
    dead."""
    item = steps.get_item(session, item_id, lock=True)
    found = payable(session, item)
    if found is None:
        raise WrongState("nothing_to_pay")
    order, step = found
    steps.require_holder(item, step, actor=actor)
    kin.refuse_close(session, item.household_id, actor=actor)
    hands.refuse(session, item, step.code, actor=actor)
    if actor.people & steps.first_opinions(session, item.id):
        raise NotAllowed("second_person_needed")
    if is_told_dead(session, order.person_id):
        raise WrongState("told_dead")
    if is_unheard(session, item):
        raise WrongState("second_call_first")
    account = _checked(paid, order, late=now > step.due_at, now=now)
    if account:
        order.account = _sealed(session, order.person_id, account)
    order.voucher, order.paid_on, order.paid_by, order.paid_at = paid.voucher.strip(), paid.paid_on, actor.id, now
    order.month, order.late_cause = f"{local_day(now):%Y-%m}", paid.late_cause if now > step.due_at else ""
    count_as_paid(item)
    session.add(order)
    if step.ended_at is None:
        steps.end_step(session, item, step, outcome="paid", actor=actor, now=now)
    session.add(item)
    flush(session)
    steps.record(session, item, "case:pay", rule=order.number, decision=order.late_cause, actor=actor, now=now)
    notices.post(session, "case_paid", key=f"order:{order.id}", household_id=item.household_id, now=now)
    return order


def _checked(paid: Paid, order: PaymentOrder, *, late: bool, now: datetime) -> str:
    """The digits of a typed account; whatever else was typed is refused with the field that is wrong."""
    voucher = paid.voucher.strip()
    if not voucher or len(voucher) > 40 or not voucher.isprintable():
        raise BadInput("voucher_missing", field="voucher")
    if not local_day(order.ordered_at) <= paid.paid_on <= local_day(now):
        raise BadInput("bad_paid_day", field="paid_on")
    digits = account_text(paid.account)
    if digits and not is_account(digits):
        raise BadInput("bad_account", field="account")
    if late and paid.late_cause not in lateness.late_causes():
        raise BadInput("late_cause_missing", field="late_cause")
    return digits
