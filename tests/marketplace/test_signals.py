"""Departments' facts come in once each, bad rows stay apart, and what a household said is compared with them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, func, select

from adapters.fakes import FakeDepartments
from adapters.ports import TryAgainLater, WillNeverWork
from marketplace import audit
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound
from marketplace.households.models import Person
from marketplace.sealed import number_index, vault_of
from marketplace.signals import answering, declaring, lateness, pulling, sweeping, taking, wrong
from marketplace.signals.declaring import Verdict
from marketplace.signals.models import Delivery, Fact, FeedState, HeldRow, HeldState
from tests.marketplace.signal_scene import CLERK, a_home, a_number, at_work, head, told

TODAY = date(2026, 11, 23)
HEAD = "记录编号,身份证号,事项,发生日期,金额\n"


def counts(delivery: Delivery) -> tuple[int, int, int, int, int]:
    """New, changed, the same, strangers, held."""
    return delivery.new, delivery.changed, delivery.same, delivery.strangers, delivery.held


def test_a_file_is_taken_in_row_by_row_and_bad_rows_stay_apart_sealed(session: Session, now: datetime) -> None:
    known, stranger = a_number(), a_number()
    a_home(session, numbers=(known,), now=now)
    rows = (
        f"A1,{known},三重保障后自付,2026-11-02,12345.67\n"
        f"A2,{stranger},OWN_COST,2026-11-03,100\n"
        f"A3,{known},OWN_COST,2027-01-01,100\n"
        f"A4,{known},PENSION,2026-11-03,100\n"
        f"A5,{known},单次住院自付,2026-11-03,\n"
    )
    data = (HEAD + rows).encode()
    delivery = taking.take_file(session, "MEDICAL_BILLS", data, as_of=TODAY, actor=CLERK, now=now)
    assert counts(delivery) == (1, 0, 0, 1, 3)
    fact = session.exec(select(Fact)).one()
    assert (fact.kind, fact.amount, fact.day) == ("OWN_COST", 1_234_567, date(2026, 11, 2).toordinal())
    held = session.exec(select(HeldRow).order_by(col(HeldRow.number))).all()
    assert [row.faults for row in held] == ["happened_on:date_in_future", "kind:unknown_fact_kind", "amount:empty"]
    assert all(known.encode() not in row.cells for row in held)
    assert known in vault_of(session).open_blob(taking.BLOB, held[0].cells).decode()
    again = taking.take_file(session, "MEDICAL_BILLS", data, as_of=TODAY, actor=CLERK, now=now)
    assert again.id == delivery.id
    assert audit.verify(session).bad_seq == 0


def test_a_file_without_its_columns_is_refused_whole(session: Session, now: datetime) -> None:
    with pytest.raises(BadInput):
        taking.take_file(session, "MEDICAL_BILLS", b"a,b\n1,2\n", as_of=TODAY, actor=CLERK, now=now)
    with pytest.raises(NotFound):
        taking.take_file(session, "NOBODY", HEAD.encode(), as_of=TODAY, actor=CLERK, now=now)
    with pytest.raises(BadInput):
        told(session, "MEDICAL_BILLS", as_of=TODAY + timedelta(days=1), now=now)


def test_a_correction_replaces_a_fact_keeps_the_former_and_mends_the_quarantine(
    session: Session, now: datetime
) -> None:
    number = a_number()
    a_home(session, numbers=(number,), now=now)
    first, day = date(2026, 10, 1), date(2026, 9, 1)
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", day, 100), as_of=first, now=now, ref="R1")
    same = told(session, "MEDICAL_BILLS", (number, "OWN_COST", day, 100), as_of=first, now=now, ref="R1")
    changed = told(session, "MEDICAL_BILLS", (number, "OWN_COST", day, 250), as_of=TODAY, now=now, ref="R1")
    assert (counts(same), counts(changed)) == ((0, 0, 1, 0, 0), (0, 1, 0, 0, 0))
    facts = session.exec(select(Fact).order_by(col(Fact.id))).all()
    assert [(fact.amount, fact.replaced_day) for fact in facts] == [(10_000, TODAY.toordinal()), (25_000, None)]
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", day, -4), as_of=TODAY, now=now, ref="R2")
    told(session, "MEDICAL_BILLS", (number, "OWN_COST", day, 4), as_of=TODAY, now=now, ref="R2")
    assert [row.state for row in session.exec(select(HeldRow))] == [HeldState.MENDED]


def test_a_dropped_row_loses_its_cells(session: Session, now: datetime) -> None:
    told(session, "MEDICAL_BILLS", ("nobody", "OWN_COST", TODAY, 4), as_of=TODAY, now=now)
    row = session.exec(select(HeldRow)).one()
    taking.drop_held(session, row.id, actor=CLERK, now=now)
    assert (row.state, row.cells) == (HeldState.DROPPED, b"")
    with pytest.raises(NotFound):
        taking.drop_held(session, row.id, actor=CLERK, now=now)


def test_a_feed_is_pulled_page_by_page_and_goes_on_where_it_was_left(sqlite_database: Database, now: datetime) -> None:
    number = a_number()
    with sqlite_database.transaction() as session:
        a_home(session, numbers=(number,), now=now)
    rows = [
        {"source_id": f"U{n}", "id_number": number, "kind": "USE", "happened_on": f"2026-11-{n:02d}"}
        for n in range(1, 6)
    ]
    door = FakeDepartments({"UTILITIES": rows[:4]}, as_of=date(2026, 11, 21), page_size=2)
    door.faults.play("lost reply")
    with pytest.raises(TryAgainLater):
        pulling.pull_feed(sqlite_database, door, "UTILITIES", actor=CLERK, clock=lambda: now)
    pages = pulling.pull_feed(sqlite_database, door, "UTILITIES", actor=CLERK, clock=lambda: now)
    assert [page.new for page in pages] == [2, 2]
    door.facts["UTILITIES"], door.as_of = rows, TODAY
    assert [p.new for p in pulling.pull_feed(sqlite_database, door, "UTILITIES", actor=CLERK, clock=lambda: now)] == [1]
    with sqlite_database.reading() as session:
        state = session.get_one(FeedState, "UTILITIES")
        assert (state.cursor, state.as_of_day) == ("5", TODAY.toordinal())


def test_a_feed_that_is_refused_keeps_no_other_from_its_turn(sqlite_database: Database, now: datetime) -> None:
    door = FakeDepartments({"UTILITIES": []}, as_of=TODAY, page_size=2)
    door.faults.play(WillNeverWork("Not of ours.", code="request_refused"))
    codes = ["DIAGNOSES", "UTILITIES"]
    found, refused = pulling.pull_all(sqlite_database, door, codes, actor=CLERK, clock=lambda: now)
    assert ([one.feed for one in found], [*refused]) == (["UTILITIES"], ["DIAGNOSES"])


def test_what_was_told_before_a_person_came_into_the_register_is_asked_for_once(
    sqlite_database: Database, now: datetime
) -> None:
    known, *others = (a_number() for _n in range(4))
    told_of = [
        {"source_id": f"M{n}", "id_number": number, "kind": "OWN_COST", "happened_on": "2026-11-02", "amount": 60_000}
        for n, number in enumerate((known, *others[:2]))
    ]
    door = FakeDepartments({"MEDICAL_BILLS": told_of}, as_of=TODAY)
    with sqlite_database.transaction() as session:
        a_home(session, numbers=(known,), now=now)
        at_work(session, "W05", now=now)
    given: Any = {"actor": CLERK, "clock": lambda: now + timedelta(minutes=1)}
    pulling.pull_feed(sqlite_database, door, "MEDICAL_BILLS", **given)
    assert pulling.ask_newcomers(sqlite_database, door, "MEDICAL_BILLS", **given) == []
    with sqlite_database.transaction() as session:
        for number in (others[0], others[2]):
            a_home(session, numbers=(number,), now=now + timedelta(hours=1))
    [answer] = pulling.ask_newcomers(sqlite_database, door, "MEDICAL_BILLS", **given)
    assert (answer.new, answer.same, answer.strangers) == (1, 0, 0)
    assert pulling.ask_newcomers(sqlite_database, door, "MEDICAL_BILLS", **given) == []
    with sqlite_database.transaction() as session:
        assert sweeping.sweep(session, actor=CLERK, now=now) == sweeping.Counted(2, 2)


def test_a_file_dropped_again_tells_of_those_who_came_into_the_register_since(session: Session, now: datetime) -> None:
    late = a_number()
    data = f"{HEAD}B1,{late},OWN_COST,2026-11-02,60000\nB2,nobody,OWN_COST,2026-11-02,1\n".encode()
    drop: Any = {"as_of": TODAY, "actor": CLERK, "now": now}
    assert counts(taking.take_file(session, "MEDICAL_BILLS", data, **drop)) == (0, 0, 0, 1, 1)
    a_home(session, numbers=(late,), now=now)
    again = taking.take_file(session, "MEDICAL_BILLS", data, **drop)
    assert counts(again) == (1, 0, 0, 0, 1)
    assert len(session.exec(select(HeldRow)).all()) == 1
    assert taking.take_file(session, "MEDICAL_BILLS", data, **drop).strangers == 0
    assert session.exec(select(func.count()).select_from(Delivery)).one() == 2


def test_a_feed_is_late_only_after_its_own_time(session: Session, now: datetime) -> None:
    told(session, "MEDICAL_BILLS", as_of=TODAY - timedelta(days=31), now=now)
    told(session, "UTILITIES", as_of=TODAY - timedelta(days=4), now=now)
    assert lateness.late_feeds(session, on=TODAY) == ["UTILITIES"]
    assert lateness.late_feeds(session, on=TODAY + timedelta(days=1)) == ["MEDICAL_BILLS", "UTILITIES"]
    told(session, "UTILITIES", as_of=TODAY, now=now)
    assert lateness.late_feeds(session, on=TODAY) == []


def test_of_half_a_delivery_nobody_seems_silent(sqlite_database: Database, now: datetime) -> None:
    numbers = [a_number(date(1940, 1, n + 1)) for n in range(4)]
    with sqlite_database.transaction() as session:
        for number in numbers:
            a_home(session, numbers=(number,), now=now)
        at_work(session, "W17", now=now)
        told(session, "POPULATION", *[(n, "LIVES_ALONE", TODAY, 1) for n in numbers], as_of=TODAY, now=now)
        day = TODAY - timedelta(days=4)
        told(session, "UTILITIES", *[(n, "USE", day, None) for n in numbers], as_of=day, now=now)
    rows = [
        {"source_id": f"U{n}", "id_number": number, "kind": "USE", "happened_on": TODAY.isoformat()}
        for n, number in enumerate(numbers)
    ]
    door = FakeDepartments({"UTILITIES": rows}, as_of=TODAY, page_size=2)
    pulling.pull_feed(sqlite_database, door, "UTILITIES", actor=CLERK, clock=lambda: now, most_pages=1)
    with sqlite_database.transaction() as session:
        assert sweeping.sweep(session, actor=CLERK, now=now) == sweeping.Counted(0, 0)
    pulling.pull_feed(sqlite_database, door, "UTILITIES", actor=CLERK, clock=lambda: now)
    with sqlite_database.reading() as session:
        assert session.get_one(FeedState, "UTILITIES").as_of_day == TODAY.toordinal()


def test_a_delivery_that_comes_late_changes_nothing_that_is_newer(session: Session, now: datetime) -> None:
    number = a_number()
    a_home(session, numbers=(number,), now=now)
    told(session, "ASSETS", (number, "MONEY", TODAY, 50_000), as_of=TODAY, now=now, ref="r1")
    old = TODAY - timedelta(days=50)
    found = told(session, "ASSETS", (number, "MONEY", old, 100), as_of=old, now=now, ref="r1")
    assert (found.changed, found.same, found.older) == (0, 0, 1)
    [fact] = session.exec(select(Fact)).all()
    assert (fact.amount, fact.replaced_day) == (5_000_000, None)


def test_a_file_corrected_back_is_taken_again_and_an_empty_one_says_that_nothing_happened(
    session: Session, now: datetime
) -> None:
    number = a_number()
    a_home(session, numbers=(number,), now=now)
    first, second = (f"{HEAD}r1,{number},金融资产,2026-11-01,{yuan}\n".encode() for yuan in (100, 200))
    days = [TODAY - timedelta(days=n) for n in (2, 1, 0)]
    for data, day in zip((first, second, first), days, strict=True):
        taking.take_file(session, "ASSETS", data, as_of=day, actor=CLERK, now=now)
    [fact] = session.exec(select(Fact).where(col(Fact.replaced_day).is_(None))).all()
    assert fact.amount == 10_000
    again = taking.take_file(session, "ASSETS", first, as_of=TODAY, actor=CLERK, now=now + timedelta(hours=1))
    assert again.received_at == now
    taking.take_file(session, "DISASTERS", HEAD.encode(), as_of=TODAY, actor=CLERK, now=now)
    assert session.get_one(FeedState, "DISASTERS").as_of_day == TODAY.toordinal()


def test_what_was_told_wrongly_is_taken_back_by_its_department_also_for_somebody_else(
    session: Session, now: datetime
) -> None:
    one, two, outsider = a_number(), a_number(), a_number()
    homes = [a_home(session, numbers=(number,), now=now) for number in (one, two)]
    kinds = ("OWN_COST",)

    def tell(number: str, amount: int | None, *, ref: str = "B1", as_of: date = TODAY, **more: object) -> Delivery:
        row = {"source_id": ref, "id_number": number, "kind": "OWN_COST", "happened_on": "2026-11-01", **more}
        row |= {"amount": str(amount)} if amount is not None else {}
        digest = f"{ref}-{number}-{amount}-{as_of}-{sorted(more)}"
        return taking.take_in(session, "MEDICAL_BILLS", [row], digest=digest, as_of=as_of, actor=CLERK, now=now)  # type: ignore[list-item]

    def costs() -> list[int]:
        return [declaring.told_of_kinds(session, home.id, kinds).get("OWN_COST", (0, None))[0] for home in homes]

    tell(one, 60_000, as_of=date(2026, 11, 20))
    assert costs() == [6_000_000, 0]
    tell(outsider, 60_000, as_of=date(2026, 11, 19))
    assert costs() == [6_000_000, 0], "what is older changes nothing"
    found = tell(outsider, 60_000)
    assert (found.strangers, found.changed, costs()) == (1, 1, [0, 0]), "the bill is somebody's outside the register"
    tell(two, 60_000)
    assert costs() == [0, 6_000_000]
    found = tell(two, None, withdrawn="是")
    assert (found.held, found.changed, costs()) == (0, 1, [0, 0])
    tell(two, 50_000)
    assert costs() == [0, 5_000_000]


def test_money_after_a_death_is_asked_of_the_person_for_whom_it_was_paid(session: Session, now: datetime) -> None:
    dead, living = a_number(), a_number()
    home = a_home(session, numbers=(dead, living), now=now)
    at_work(session, "W20", now=now)
    told(session, "CIVIL_RECORDS", (dead, "DEATH", TODAY - timedelta(days=9), None), as_of=TODAY, now=now)
    told(session, "AID_PAID", (living, "PAYMENT", TODAY, 800), as_of=TODAY, now=now)
    assert sweeping.sweep(session, actor=CLERK, now=now).raised == 0, "who lives is paid rightly"
    told(session, "POPULATION", (dead, "DEATH", TODAY, None), as_of=TODAY, now=now)  # the same death, cancelled today
    told(session, "AID_PAID", (dead, "PAYMENT", TODAY - timedelta(days=3), 800), as_of=TODAY, now=now)
    assert sweeping.sweep(session, actor=CLERK, now=now).raised == 1
    [alert] = answering.open_alerts(session, home.id)
    person = session.get_one(Person, str(alert.person_id))
    assert person.id_number_index == number_index(vault_of(session), dead)


def test_what_staff_find_wrong_counts_no_more_until_its_department_tells_it_otherwise_or_upholds_it(
    session: Session, now: datetime
) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    at_work(session, "W20", now=now)

    def look(days: int) -> int:
        moment, on = now + timedelta(days=days), TODAY + timedelta(days=days)
        told(session, "AID_PAID", (number, "PAYMENT", on, 800), as_of=on, now=moment)
        return sweeping.sweep(session, actor=CLERK, now=moment).raised

    def die(day: date, days: int) -> Delivery:
        on, moment = TODAY + timedelta(days=days), now + timedelta(days=days)
        return told(session, "CIVIL_RECORDS", (number, "DEATH", day, None), as_of=on, now=moment, ref="D1")

    die(date(2026, 10, 1), 0)
    assert look(0) == 1
    [alert] = answering.open_alerts(session, home.id)
    [death] = [fact for fact in wrong.evidence_of(session, alert) if fact.kind == "DEATH"]
    assert wrong.call_wrong(session, alert, {death.id}, actor=CLERK, now=now) == 1  # type: ignore[arg-type]
    answering.close(session, alert.id, outcome="wrong_data", actor=CLERK, now=now)
    assert (look(31), die(date(2026, 10, 1), 40).same, look(62)) == (0, 1, 0), "the same word again is no answer"
    assert [fact.id for fact in wrong.list_wrong(session, "CIVIL_RECORDS")] == [death.id]
    again = wrong.uphold(session, death.id, actor=CLERK, now=now + timedelta(days=63))  # type: ignore[arg-type]
    assert (look(64), wrong.list_wrong(session, "CIVIL_RECORDS")) == (1, [])
    with pytest.raises(NotFound):
        wrong.uphold(session, death.id, actor=CLERK, now=now)  # type: ignore[arg-type]
    [alert] = answering.open_alerts(session, home.id)
    wrong.call_wrong(session, alert, {again.id}, actor=CLERK, now=now)  # type: ignore[arg-type]
    assert die(date(2026, 10, 5), 95).new == 1, "another word of the department counts"
    assert wrong.list_wrong(session, "CIVIL_RECORDS") == []


def test_a_death_that_the_police_tell_counts_and_told_by_both_it_is_one(session: Session, now: datetime) -> None:
    pairs = [(a_number(), a_number()) for _n in range(4)]
    homes = [a_home(session, numbers=pair, now=now) for pair in pairs]
    (by_both, _), (long_dead, _), (told_late, _), (known_long, _) = pairs
    at_work(session, "W06", now=now)
    new, old = TODAY - timedelta(days=10), TODAY - timedelta(days=150)
    first = TODAY - timedelta(days=20)
    history = told(session, "POPULATION", (long_dead, "DEATH", old, None), as_of=first, now=now)
    told(session, "CIVIL_RECORDS", (known_long, "DEATH", old, None), as_of=TODAY - timedelta(days=140), now=now)
    days = {by_both: new, told_late: old, known_long: old}
    deaths = [(number, "DEATH", day, None) for number, day in days.items()]
    later = told(session, "POPULATION", *deaths, as_of=TODAY, now=now)
    told(session, "CIVIL_RECORDS", deaths[0], as_of=TODAY, now=now)
    assert (counts(history), counts(later)) == ((1, 0, 0, 0, 0), (3, 0, 0, 0, 0))
    sweeping.sweep(session, actor=CLERK, now=now)
    alerts = [len(answering.open_alerts(session, home.id)) for home in homes]
    assert alerts == [1, 0, 1, 0], "what a feed tells first is history, what it tells late is news, if no other had"


def test_a_feed_that_never_told_is_late_once_a_rule_has_waited_for_it(session: Session, now: datetime) -> None:
    assert lateness.late_feeds(session, on=TODAY) == []
    at_work(session, "W08", now=now)
    assert lateness.late_feeds(session, on=TODAY + timedelta(days=31)) == []
    assert lateness.late_feeds(session, on=TODAY + timedelta(days=32)) == ["DISASTERS"]


def test_what_a_household_said_agrees_differs_or_cannot_be_compared(session: Session, now: datetime) -> None:
    one, two = a_number(), a_number(date(1970, 1, 1))
    home = a_home(session, numbers=(one, two), now=now)
    for kind, amount in (("INCOME", 2_000_000), ("HOMES", 1), ("MONEY", 500_000)):
        declaring.declare(session, home.id, kind, amount=amount, on=TODAY, actor=CLERK, now=now)
    told(session, "SPENDING", (one, "INCOME", TODAY, 20_500), as_of=TODAY, now=now)
    told(session, "HOMES", (one, "HOMES", TODAY, 1), (two, "HOMES", TODAY, 1), as_of=TODAY, now=now)
    told(session, "VEHICLES", (two, "VEHICLE", TODAY, 1), as_of=TODAY, now=now)
    found = {line.kind.code: (line.verdict, line.declared, line.told) for line in declaring.compare(session, home.id)}
    assert found == {
        "INCOME": (Verdict.AGREEMENT, 2_000_000, 2_050_000),
        "HOMES": (Verdict.DIFFERENCE, 1, 2),
        "MONEY": (Verdict.UNKNOWN, 500_000, None),
        "VEHICLE": (Verdict.UNKNOWN, None, 1),
    }


def test_a_room_above_tells_a_fact_of_its_own_once(session: Session, now: datetime) -> None:
    home = a_home(session, numbers=(a_number(),), now=now)
    for _ in range(2):
        taking.record_fact(session, head(session, home), "VISIT", ref="visit-1", on=TODAY, actor=CLERK, now=now)
    assert [(fact.feed, fact.kind) for fact in session.exec(select(Fact))] == [("STREET", "VISIT")]
