"""The nightly eraser under a frozen clock: nothing open is touched, what is due is gone, the chain stays whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select

from marketplace import audit, notices
from marketplace.appeals.models import Appeal, AppealKind
from marketplace.calendar import local_day
from marketplace.cases import service as cases
from marketplace.cases.models import Case
from marketplace.clocks.models import Clock
from marketplace.clocks.steps import Side
from marketplace.consent.models import Consent
from marketplace.db import Database
from marketplace.households.models import Household, Person
from marketplace.households.service import find_person_by_phone, masked_name
from marketplace.liveness.models import SurvivalDuty
from marketplace.needs.models import Need, NeedState
from marketplace.payments.models import AccountKind, Payee, PayeeState
from marketplace.rights import erasing
from marketplace.rights import service as rights
from marketplace.rights.held import ROOMS, silent
from marketplace.rights.models import Erasure, RightKind
from marketplace.sealed import PersonKey, Unreadable, vault_of
from marketplace.signals.models import TaskKind, WatchTask
from marketplace.visits.models import HomeVisit
from tests import factories as make

DAYS = 1_095
CANARY, PHONE = "金丝雀甲", "10000000777"


def a_closed_household(session: Session) -> Person:
    home = make.a_household(session, name=CANARY, phone=PHONE)
    make.a_need(session, home, state=NeedState.CLOSED)
    return session.exec(select(Person).where(Person.household_id == home.id)).one()


def test_a_person_of_whom_nothing_is_open_gets_a_day_and_everybody_else_none(session, now):
    closed = a_closed_household(session)
    open_home = make.a_household(session)
    make.a_need(session, open_home)
    consented = make.a_household(session)
    make.auto_match(session, consented)
    assert erasing.schedule(session, keep_days=DAYS, now=now) == (1, "")
    [row] = session.exec(select(Erasure)).all()
    assert (row.person_id, row.erase_at) == (closed.id, now + timedelta(days=DAYS))
    assert erasing.schedule(session, keep_days=DAYS, now=now) == (0, "")


def test_nothing_is_erased_a_second_early_and_all_of_it_on_time(session, now):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=DAYS, now=now)
    due = now + timedelta(days=DAYS)
    assert erasing.erase_due(session, keep_days=DAYS, now=due - timedelta(seconds=1)) == 0
    assert masked_name(session, person) != "—"
    assert erasing.erase_due(session, keep_days=DAYS, now=due) == 1
    assert erasing.erase_due(session, keep_days=DAYS, now=due) == 0


def test_a_household_that_has_come_back_keeps_its_data(session, now):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=DAYS, now=now)
    make.a_need(session, session.get(type(make.a_household(session)), person.household_id))
    assert erasing.erase_due(session, keep_days=DAYS, now=now + timedelta(days=DAYS)) == 0
    assert session.exec(select(Erasure)).all() == []
    assert session.get(PersonKey, person.id) is not None


def case(session: Session, person: Person, now: datetime) -> Any:
    """An application, of which nothing is decided."""
    draft = cases.start(session, person.household_id, actor=make.as_household_of(person.household_id), now=now)
    return session.get_one(Case, draft.id)


def complaint(session: Session, person: Person, now: datetime) -> Any:
    return Appeal(
        id="a1",
        kind=AppealKind.COMPLAINT,
        household_id=person.household_id,
        raised_by=person.id,
        raised_at=now,
        due_at=now,
    )


def right(session: Session, person: Person, now: datetime) -> Any:
    return rights.ask(
        session, person, RightKind.COMPLAIN, words="…", actor=make.as_household_of(person.household_id), now=now
    )


def check(session: Session, person: Person, now: datetime) -> Any:
    """A benefit runs, and whether the person lives is asked."""
    return SurvivalDuty(
        id="d1",
        person_id=person.id,
        household_id=person.household_id,
        district_code="500103",
        kind="dibao",
        next_on=local_day(now),
        begun_by="worker-1",
        begun_at=now,
    )


def task(session: Session, person: Person, now: datetime) -> Any:
    """An alert is being worked: somebody has to call."""
    return WatchTask(id="t1", household_id=person.household_id, kind=TaskKind.CALL, asked_by="worker-1", asked_at=now)


def visit(session: Session, person: Person, now: datetime) -> Any:
    return HomeVisit(
        id="v1",
        household_id=person.household_id,
        district_code="500103",
        kind=TaskKind.VISIT,
        cause="worker",
        due_on=local_day(now),
        asked_by="worker-1",
        asked_at=now,
    )


def account(session: Session, person: Person, now: datetime) -> Any:
    """Where money is to go, which somebody has to look at."""
    return Payee(
        id="p1",
        household_id=person.household_id,
        person_id=person.id,
        kind=AccountKind.CARD,
        account_index="x",
        holder_index="y",
        last_four="0000",
        state=PayeeState.TO_CHECK,
        typed_by="giver-1",
        created_at=now,
    )


def letter(session: Session, person: Person, now: datetime) -> Any:
    return notices.post(session, "urgent_asked", key="k1", household_id=person.household_id, now=now)


def step(session: Session, person: Person, now: datetime) -> Any:
    return Clock(
        id="c1",
        step="s",
        object_ref="o:1",
        side=Side.HOUSEHOLD,
        household_id=person.household_id,
        started_at=now,
        due_at=now,
    )


@pytest.mark.parametrize("begin", [case, complaint, right, check, task, visit, account, letter, step])
def test_whatever_is_open_in_whatever_room_keeps_the_person(session, now, begin):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=DAYS, now=now)
    due = now + timedelta(days=DAYS)
    begun = begin(session, person, now)
    session.add_all([begun] if begun is not None else [])
    session.flush()
    assert erasing.erase_due(session, keep_days=DAYS, now=due) == 0
    assert session.get(Erasure, person.id) is None, "its day is taken back"
    assert erasing.schedule(session, keep_days=DAYS, now=due) == (0, "")
    assert masked_name(session, session.get_one(Person, person.id)) != "—"


def test_the_days_are_counted_from_the_last_act_not_from_the_night_that_set_the_day(session, now):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=DAYS, now=now)
    home, due = session.get_one(Household, person.household_id), now + timedelta(days=DAYS)
    yesterday = due - timedelta(days=1)
    make.a_need(session, home, state=NeedState.CLOSED, updated_at=yesterday)
    assert erasing.erase_due(session, keep_days=DAYS, now=due) == 0
    assert session.get_one(Erasure, person.id).erase_at == yesterday + timedelta(days=DAYS)
    assert erasing.erase_due(session, keep_days=DAYS, now=yesterday + timedelta(days=DAYS)) == 1


def test_every_table_of_a_household_is_answered_for_by_a_room():
    assert silent() == set()
    of_cases = {"aid_case", "aid_item", "aid_step"}
    assert silent(tuple(one for one in ROOMS if one.table.__tablename__ not in of_cases)) == of_cases


def test_nobody_is_erased_while_one_room_has_not_said_what_is_open(sqlite_database: Database, now, monkeypatch, caplog):
    with sqlite_database.transaction() as session:
        person = a_closed_household(session)
        erasing.schedule(session, keep_days=DAYS, now=now)
    later = now + timedelta(days=DAYS)
    monkeypatch.setattr(erasing, "silent", lambda: {"new_table"})
    assert erasing.night(sqlite_database, clock=lambda: later) == (0, 0)
    assert "new_table" in caplog.text
    with sqlite_database.transaction() as session, pytest.raises(RuntimeError, match="new_table"):
        erasing.erase_due(session, keep_days=DAYS, now=later)
    monkeypatch.undo()
    assert erasing.night(sqlite_database, clock=lambda: later) == (0, 1)
    with sqlite_database.reading() as session:
        assert masked_name(session, session.get_one(Person, person.id)) == "—"


@pytest.mark.threat("T42")
def test_after_the_erasure_no_canary_is_readable_and_chain_and_receipts_still_hold(
    sqlite_database: Database, tmp_path: Path, now
):
    with sqlite_database.transaction() as session:
        person = a_closed_household(session)
        home = session.get_one(type(make.a_household(session)), person.household_id)
        given = make.auto_match(session, home, days=1)
        receipt = (given.chain_id, given.version, given.notice_sha256)
        kept = person.name
    later = now + timedelta(days=DAYS + 2)
    assert erasing.night(sqlite_database, clock=lambda: now + timedelta(days=2)) == (2, 0)
    assert erasing.night(sqlite_database, clock=lambda: later) == (0, 2)
    with sqlite_database.reading() as session:
        person = session.get_one(Person, person.id)
        assert find_person_by_phone(session, PHONE) is None
        assert (person.name, person.phone, person.address, person.id_number_index) == (None, None, None, None)
        with pytest.raises(Unreadable):
            vault_of(session).open(session, person.id, column="person.name", sealed=kept)
        assert audit.verify(session).bad_seq == 0
        refs = session.exec(select(audit.AuditRow.object_ref)).all()
        assert not {person.id, person.household_id} & set(refs), "no act leads to the erased person by its own number"
        same = session.get_one(Consent, receipt[:2])
        assert same.notice_sha256 == receipt[2]
    sqlite_database.close()
    for path in tmp_path.glob("house.db*"):
        content = path.read_bytes()
        assert CANARY.encode() not in content
        assert PHONE.encode() not in content


def test_the_worker_erases_at_night_once_and_never_by_day(sqlite_database: Database, now):
    with sqlite_database.transaction() as session:
        a_closed_household(session)
    clock = iter(
        datetime(2029, 12, day, hour, tzinfo=UTC) for day, hour in ((1, 3), (1, 18), (1, 18), (1, 18), (1, 20), (2, 9))
    )
    moments: list[datetime] = []

    def tick() -> datetime:
        moments.append(next(clock, datetime(2029, 12, 2, 9, tzinfo=UTC)))
        return moments[-1]

    sweep = erasing.Nightly(sqlite_database, clock=tick)
    assert sweep() == 0
    assert sweep() == 1
    assert sweep() == 0


def test_erasing_leaves_the_pseudonym_and_the_sums(session, now):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=0, now=now)
    erasing.erase_due(session, keep_days=0, now=now)
    assert session.exec(select(Need).where(Need.household_id == person.household_id)).one().gap_units == 10
