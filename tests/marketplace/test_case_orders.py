"""Who holds a step is who ends it, and an order to pay says to whom, to which account, how much, by which voucher."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.audit import AuditRow
from marketplace.calendar import local_day
from marketplace.cases import notice, orders, outcome, steps, supervision
from marketplace.cases.models import CaseItem, CaseStep, ItemState
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.households.models import Person
from marketplace.notices import Notice
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace.test_cases import APPROVER, CITY, PAYER, VERIFIER, WORKER, pay, send, walk
from tests.marketplace.test_cases_pages import app as app
from tests.marketplace.test_cases_pages import apply, staff
from tests.marketplace.test_cases_pages import home as home

HANDED_DOWN = "500116"
"""A district whose townships hold the confirmation."""


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: no statement here differs on the other."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def granted(session: Session, now: datetime, *, account: str = "") -> tuple[CaseItem, datetime]:
    """A family whose 低保 the county granted: its payment waits."""
    home = make.a_household(session)
    case, items = send(session, now, home)
    if account:
        person = session.get_one(Person, case.subject_id)
        sealed = vault_of(session).seal(session, person.id, column="person.payee_account", text=account)
        person.payee_account = sealed
    day = walk(session, items["DIBAO"], now)
    outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
    return items["DIBAO"], day


def test_only_the_holder_of_a_payment_ends_it_and_nobody_who_had_a_hand_in_the_grant(
    session: Session, now: datetime
) -> None:
    item, day = granted(session, now)
    with pytest.raises(WrongState, match="own_page"):
        steps.finish(session, item.id, actor=APPROVER, now=day)
    for who in (WORKER, VERIFIER):
        with pytest.raises(NotAllowed):
            pay(session, item, day, actor=who)
        with pytest.raises(NotAllowed):
            orders.get_order(session, item.id, actor=who)
    with pytest.raises(NotAllowed, match="second_person_needed"):
        pay(session, item, day, actor=APPROVER)
    stands_in = Actor(id="x", role=Role.APPROVER, districts=frozenset({CITY}), on_behalf_of=APPROVER.id)
    with pytest.raises(NotAllowed, match="second_person_needed"):
        pay(session, item, day, actor=stands_in)
    order = pay(session, item, day)
    assert (order.amount_fen, order.paid_by, order.voucher) == (50_000, PAYER.id, "记-2026-118")
    letters = session.exec(select(Notice.letter).where(Notice.household_id == item.household_id)).all()
    assert letters.count("case_paid") == 1, "an old telephone hears of the money"
    with pytest.raises(WrongState):
        pay(session, item, day)


def test_the_township_that_holds_the_confirmation_decides_it(session: Session, now: datetime) -> None:
    home = make.a_household(session)
    home.district_code = HANDED_DOWN
    area = frozenset({HANDED_DOWN})
    _case, items = send(session, now, home)
    item, worker = items["DIBAO"], Actor(id="w", role=Role.WORKER, districts=area)
    while (step := steps.running_step(session, item.id)).code != "confirm":
        if step.code in steps.NOTICES:
            now = step.due_at
            notice._go_on(session, item.id, now=now)
        else:
            steps.finish(session, item.id, opinion="for", amount_fen=5, actor=worker, now=now)
    told = {"granted": True, "amount_fen": 5, "now": now}
    with pytest.raises(NotAllowed):
        outcome.decide(session, item.id, actor=worker, **told)
    outcome.decide(session, item.id, actor=Actor(id="v", role=Role.VERIFIER, districts=area), **told)
    assert item.state is ItemState.GRANTED


def test_what_the_county_confirms_no_township_decides(session: Session, now: datetime) -> None:
    _case, items = send(session, now)
    day = walk(session, items["DIBAO"], now)
    with pytest.raises(NotAllowed):
        outcome.decide(session, items["DIBAO"].id, granted=True, amount_fen=5, actor=VERIFIER, now=day)


def test_an_order_carries_the_sealed_account_of_the_household_and_a_look_at_it_is_written_down(
    session: Session, now: datetime
) -> None:
    item, day = granted(session, now, account="6200000000000005")
    order = orders.get_order(session, item.id, actor=PAYER)
    assert order.account is not None
    assert b"6200000000000005" not in order.account.envelope
    opened = orders.show(session, order, actor=PAYER, now=day)
    assert (opened.name, opened.account) == ("王小明", "6200000000000005")
    assert "6200" not in repr(opened)
    looks = session.exec(select(AuditRow.object_ref).where(AuditRow.action == "case:order_look")).all()
    assert looks == [order.id]
    pay(session, item, day, account="6200 0000 0000 0013")
    assert orders.show(session, order, actor=PAYER, now=day).account == "6200000000000013"


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"voucher": " "}, "voucher"),
        ({"account": "12"}, "account"),
        ({"days": 1}, "paid_on"),
        ({"days": -1}, "paid_on"),
    ],
)
def test_a_payment_names_a_voucher_a_day_and_a_real_account(
    session: Session, now: datetime, over: dict[str, object], field: str
) -> None:
    item, day = granted(session, now)
    shift = timedelta(days=int(str(over.pop("days", 0))))
    with pytest.raises(BadInput) as error:
        pay(session, item, day, **{"paid_on": local_day(day + shift), **over})
    assert error.value.facts["field"] == field


def test_a_late_payment_names_its_cause_and_counts_in_its_month(session: Session, now: datetime) -> None:
    item, day = granted(session, now)
    late = day + timedelta(days=200)
    with pytest.raises(BadInput, match="late_cause_missing"):
        pay(session, item, late)
    order = pay(session, item, late, late_cause="backlog")
    (row,) = supervision.times_of(session, order.month)
    assert (row.code, row.ended, row.paid_late) == ("DIBAO", 0, 1)
    assert {row.paid_late for row in supervision.times_of(session, item.month)} == {0}
    step = session.exec(select(CaseStep).where(CaseStep.code == "payment")).one()
    assert step.ended_by == PAYER.id


def test_the_holder_prints_the_order_and_writes_the_payment_on_its_page(app: Flask, home: FlaskClient) -> None:
    apply(home)
    with app.extensions["database"].transaction() as session:
        item = session.exec(select(CaseItem).where(CaseItem.code == "DIBAO")).one()
        day = walk(session, item, datetime.now(UTC) - timedelta(days=12))
        outcome.decide(session, item.id, granted=True, amount_fen=50_000, actor=APPROVER, now=day)
        page = f"/cases/items/{item.id}"
    county, township = staff(app, "pays", Role.APPROVER), staff(app, "helps", Role.WORKER)
    assert f"{page}/pay" in county.get(page).text
    assert f"{page}/pay" not in township.get(page).text
    assert township.get(f"{page}/order").status_code == 403
    for turn in ("en", "zh_Hans"):
        shown = county.get(f"{page}/order?lang={turn}").text
        assert ("王*明" in shown, "王小明" in shown) == (True, False)
    assert "王小明" in county.post(f"{page}/order").text
    assert county.post(f"{page}/pay", data={"voucher": "1", "paid_on": "2020-01-01"}).status_code == 422
    paid = {"voucher": "记-118", "paid_on": f"{local_day(datetime.now(UTC))}", "account": "62000000"}
    paid["late_cause"] = "backlog"
    assert county.post(f"{page}/pay", data=paid).status_code == 303
    assert "记-118" in county.get(f"{page}/order").text
