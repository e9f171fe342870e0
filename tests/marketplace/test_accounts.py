"""Signing in: passwords, codes, sessions, and what a wrong try teaches a stranger (nothing)."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from marketplace.accounts import codes, limits
from marketplace.accounts import service as accounts
from marketplace.accounts.models import AccountSession, RateCount
from marketplace.actors import PUBLIC, Role
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed
from tests import factories as make


def _account(session: Session, now: datetime, **over: object) -> accounts.Account:
    values = {"display_name": "周", "role": Role.VERIFIER, "password": "a long enough one", "now": now, **over}
    return accounts.create_account(session, "zhou", **values)


def test_a_right_password_opens_a_session_whose_token_is_not_stored(session: Session, now: datetime) -> None:
    account = _account(session, now)
    token = accounts.sign_in(session, "zhou", "a long enough one", network="n", now=now)
    assert accounts.actor_of(session, token, now=now).id == account.id
    assert session.get(AccountSession, token) is None
    assert len(token) == 43, "256 random bits"


@pytest.mark.parametrize(("login", "password"), [("zhou", "wrong"), ("nobody", "a long enough one")])
def test_a_wrong_name_and_a_wrong_password_look_the_same(
    session: Session, now: datetime, login: str, password: str
) -> None:
    _account(session, now)
    with pytest.raises(NotAllowed) as refused:
        accounts.sign_in(session, login, password, network="n", now=now)
    assert refused.value.code == "sign_in_failed"


def test_ten_wrong_tries_lock_the_login_for_a_while(session: Session, now: datetime) -> None:
    _account(session, now)
    for _ in range(10):
        with pytest.raises(NotAllowed, match="sign_in_failed"):
            accounts.sign_in(session, "zhou", "wrong", network="n", now=now)
    with pytest.raises(NotAllowed, match="too_many_tries"):
        accounts.sign_in(session, "zhou", "a long enough one", network="n", now=now)
    later = now + timedelta(minutes=16)
    assert accounts.sign_in(session, "zhou", "a long enough one", network="n", now=later)


def test_a_session_ends_when_idle_when_old_when_signed_out_and_when_the_account_closes(
    session: Session, now: datetime
) -> None:
    account = _account(session, now)
    token = accounts.open_for_account(session, account, now=now)
    assert accounts.actor_of(session, token, now=now + timedelta(minutes=31)) == PUBLIC
    assert accounts.actor_of(session, token, now=now + timedelta(hours=9)) == PUBLIC
    account.active = False
    session.add(account)
    session.flush()
    assert accounts.actor_of(session, token, now=now) == PUBLIC
    account.active = True
    accounts.sign_out(session, token)
    assert accounts.actor_of(session, token, now=now) == PUBLIC


def test_an_account_without_a_password_cannot_be_entered_by_one(session: Session, now: datetime) -> None:
    _account(session, now, password="")
    with pytest.raises(NotAllowed, match="sign_in_failed"):
        accounts.sign_in(session, "zhou", "", network="n", now=now)


def test_a_short_password_is_refused(session: Session, now: datetime) -> None:
    with pytest.raises(BadInput, match="password_short"):
        _account(session, now, password="short")


def test_a_code_works_once_and_only_for_its_phone(session: Session, now: datetime) -> None:
    code = codes.new_code(session, "index-of-a-phone", network="n", now=now)
    text = codes.code_text(session, code.id)
    assert not codes.code_fits(session, "index-of-another", text, now=now)
    assert codes.code_fits(session, "index-of-a-phone", text, now=now)
    assert not codes.code_fits(session, "index-of-a-phone", text, now=now)


def test_five_wrong_digits_spoil_a_code_and_so_does_time(session: Session, now: datetime) -> None:
    code = codes.new_code(session, "phone", network="n", now=now)
    text = codes.code_text(session, code.id)
    wrong = f"{(int(text) + 1) % 10**6:06d}"
    for _ in range(5):
        assert not codes.code_fits(session, "phone", wrong, now=now)
    assert not codes.code_fits(session, "phone", text, now=now)
    again = codes.new_code(session, "phone", network="n", now=now)
    late = now + timedelta(minutes=10)
    assert not codes.code_fits(session, "phone", codes.code_text(session, again.id), now=late)


def test_a_household_s_session_speaks_for_that_household_only(session: Session, now: datetime) -> None:
    household = make.a_household(session)
    person = make.a_person(session, household, phone="10000000009")
    token = accounts.open_for_person(session, person.id, household.id, now=now)
    actor = accounts.actor_of(session, token, now=now)
    assert (actor.role, actor.household_id) == (Role.HOUSEHOLD, household.id)


@pytest.mark.threat("T15")
def test_a_code_fits_only_in_the_browser_that_asked_for_it(session: Session, now: datetime) -> None:
    code = codes.new_code(session, "phone", network="n", now=now)
    text = codes.code_text(session, code.id)
    assert not codes.code_fits(session, "phone", text, code_id="of another browser", now=now)
    assert codes.code_fits(session, "phone", text, code_id=code.id, now=now)


@pytest.mark.threat("T15")
def test_locks_long_ago_count_no_more_and_nothing_old_is_kept(database: Database, now: datetime) -> None:
    month, locks = timedelta(days=30), []
    for turn in range(3):
        with database.session(writes=True) as session:
            for _try in range(6):
                with suppress(NotAllowed):
                    codes.new_code(session, "phone", network="203.0.113.7", now=now + turn * month)
            row = session.get_one(RateCount, "code:phone")
            assert row.locked_until is not None
            locks.append(row.locked_until - (now + turn * month))
            assert not session.exec(select(RateCount).where(col(RateCount.key).contains("203.0"))).all()
            session.commit()
    assert locks == [timedelta(minutes=15)] * 3
    end = now + 2 * month
    assert limits.forget(database, now=end + timedelta(days=1)) == 1, "the code alone"
    with database.reading() as session:
        assert session.get(RateCount, "code:phone") is not None
    assert limits.forget(database, now=end + timedelta(days=3)) == 2
    assert limits.forget(database, now=end + timedelta(days=3)) == 0


@pytest.mark.threat("T15")
def test_a_lock_counts_across_workers_and_grows(database: Database, now: datetime) -> None:
    """Two workers are two databases on one file or server; their tries add up."""
    other = Database(str(database.engine.url.render_as_string(hide_password=False)), info=database.info)
    waits, moment = [], now
    for _ in range(3):
        for number in range(10):
            with (database, other)[number % 2].transaction() as writing:
                limits.count(writing, "login:zhou", now=moment)
        locked = 0
        for worker in (database, other):
            with worker.session(writes=True) as writing:
                try:
                    limits.count(writing, "login:zhou", now=moment)
                except NotAllowed:
                    locked += 1
                writing.commit()
        assert locked == 2
        began = moment
        while True:
            moment += timedelta(minutes=5)
            with other.session(writes=True) as asking:
                row = asking.get_one(RateCount, "login:zhou")
                if row.locked_until is not None and moment >= row.locked_until:
                    break
        waits.append(int((moment - began).total_seconds() // 60))
    other.close()
    assert waits == [15, 30, 60]
