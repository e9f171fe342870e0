"""The nightly eraser under a frozen clock: nothing open is touched, what is due is gone, the chain stays whole."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from marketplace import audit
from marketplace.consent.models import Consent
from marketplace.db import Database
from marketplace.households.models import Person
from marketplace.households.service import find_person_by_phone, masked_name
from marketplace.needs.models import Need, NeedState
from marketplace.rights import erasing
from marketplace.rights.models import Erasure
from marketplace.sealed import PersonKey, Unreadable, vault_of
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
    assert erasing.schedule(session, keep_days=DAYS, now=now) == 1
    [row] = session.exec(select(Erasure)).all()
    assert (row.person_id, row.erase_at) == (closed.id, now + timedelta(days=DAYS))
    assert erasing.schedule(session, keep_days=DAYS, now=now) == 0


def test_nothing_is_erased_a_second_early_and_all_of_it_on_time(session, now):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=DAYS, now=now)
    due = now + timedelta(days=DAYS)
    assert erasing.erase_due(session, now=due - timedelta(seconds=1)) == 0
    assert masked_name(session, person) != "—"
    assert erasing.erase_due(session, now=due) == 1
    assert erasing.erase_due(session, now=due) == 0


def test_a_household_that_has_come_back_keeps_its_data(session, now):
    person = a_closed_household(session)
    erasing.schedule(session, keep_days=DAYS, now=now)
    make.a_need(session, session.get(type(make.a_household(session)), person.household_id))
    assert erasing.erase_due(session, now=now + timedelta(days=DAYS)) == 0
    assert session.exec(select(Erasure)).all() == []
    assert session.get(PersonKey, person.id) is not None


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
    erasing.erase_due(session, now=now)
    assert session.exec(select(Need).where(Need.household_id == person.household_id)).one().gap_units == 10
