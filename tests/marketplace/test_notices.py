"""The outbox: written with the change, sent once, tried again, and never lost to a killed process."""

from __future__ import annotations

import os
import random
import signal
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, func, select

from adapters.fakes import FakeMessenger
from adapters.ports import Message, Receipt, TryAgainLater, WillNeverWork
from marketplace import audit, notices
from marketplace.accounts import codes
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.addressing import compose
from marketplace.config import Settings
from marketplace.consent.service import Capture
from marketplace.db import Database
from marketplace.errors import NotAllowed
from marketplace.households.models import Household
from marketplace.notices import Notice, NoticeState
from marketplace.sealed import Vault
from tests import factories as make
from tests.marketplace import figures

pytestmark = pytest.mark.both_engines

KILLS = figures.count(100, torture=950)


def _words(_session: Session, notice: Notice) -> Message:
    return Message(
        channel="sms", idempotency_key=notice.id, template_code=notice.letter, address="10000000001", body="…"
    )


def _post(database: Database, now: datetime, count: int = 1) -> list[str]:
    with database.transaction() as session:
        household = make.a_household(session)
        posted = [
            notices.post(session, "offer_waiting", key=f"key-{i}", household_id=household.id, now=now)
            for i in range(count)
        ]
        return [notice.id for notice in posted]


def _states(database: Database) -> list[NoticeState]:
    with database.reading() as session:
        return list(session.exec(select(Notice.state).order_by(col(Notice.key))))


def test_a_letter_of_a_change_that_was_rolled_back_is_never_sent(database: Database, now: datetime) -> None:
    with database.session(writes=True) as session:
        notices.post(session, "offer_waiting", key="k", household_id=make.a_household(session).id, now=now)
        session.rollback()
    messenger = FakeMessenger()
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: now) == 0
    assert messenger.sent == []


def test_a_letter_is_sent_once_and_marked(database: Database, now: datetime) -> None:
    _post(database, now, 3)
    messenger = FakeMessenger()
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: now) == 3
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: now) == 0
    assert len(messenger.sent) == 3
    assert _states(database) == [NoticeState.SENT] * 3


def test_a_code_goes_before_every_other_letter_and_not_at_all_once_it_is_dead(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    database = sqlite_database
    _post(database, now - timedelta(hours=1), 60)
    with database.transaction() as session:
        home = session.exec(select(Notice.household_id)).first()
        for phone, at in (("old", now - timedelta(minutes=11)), ("new", now)):
            code = codes.new_code(session, phone, network="n", now=at)
            notices.post(session, "sign_in_code", key=phone, household_id=home, params={"code_id": code.id}, now=at)
    messenger = FakeMessenger()

    def write(session: Session, notice: Notice) -> Message:
        compose(settings, session, notice, clock=lambda: now)
        return _words(session, notice)

    notices.send_due(database, messenger, compose=write, clock=lambda: now)
    assert messenger.sent[0].template_code == "sign_in_code"
    assert [one.template_code for one in messenger.sent].count("sign_in_code") == 1
    with database.reading() as session:
        old = session.exec(select(Notice).where(Notice.key == "old")).one()
        assert (old.state, old.error_code) == (NoticeState.DEAD, "too_late")
        assert notices.dead_letters(session, actor=Actor(id="operator-1", role=Role.OPERATOR)) == []


def test_a_busy_gateway_is_tried_again_later_and_not_before(database: Database, now: datetime) -> None:
    _post(database, now)
    messenger = FakeMessenger()
    messenger.faults.play(TryAgainLater("Too many messages.", code="busy"))
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: now) == 0
    soon, later = now + timedelta(seconds=1), now + timedelta(minutes=5)
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: soon) == 0
    assert _states(database) == [NoticeState.QUEUED]
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: later) == 1


def test_two_letters_that_meet_on_the_way_to_one_visit_are_tried_again(database: Database, now: datetime) -> None:
    _post(database, now)

    def meets(session: Session, notice: Notice, _now: datetime) -> bool:
        session.add(Notice(**(notice.model_dump() | {"id": "another"})))
        session.flush()
        return True

    told: Any = {"compose": lambda _session, _notice: None, "clock": lambda: now}
    assert notices.send_due(database, FakeMessenger(), unreached=meets, **told) == 0
    assert _states(database) == [NoticeState.QUEUED]
    told["clock"] = lambda: now + timedelta(minutes=5)
    assert notices.send_due(database, FakeMessenger(), unreached=lambda *_asked: True, **told) == 1
    assert _states(database) == [NoticeState.BY_HAND]


def test_what_can_never_be_sent_waits_for_a_person_who_may_send_it_again(database: Database, now: datetime) -> None:
    _post(database, now)
    messenger = FakeMessenger()
    messenger.faults.play(WillNeverWork("No such number.", code="refused"))
    notices.send_due(database, messenger, compose=_words, clock=lambda: now)
    operator = Actor(id="operator-1", role=Role.OPERATOR)
    with database.transaction() as session:
        dead = notices.dead_letters(session, actor=operator)
        assert len(dead) == 1
        with pytest.raises(NotAllowed):
            notices.retry(session, dead[0].id, actor=Actor(id="x", role=Role.AUDITOR), now=now)
        notices.retry(session, dead[0].id, actor=operator, now=now)
    assert notices.send_due(database, messenger, compose=_words, clock=lambda: now) == 1


def test_a_letter_that_cannot_be_written_waits_for_a_person_and_holds_up_nothing(
    database: Database, now: datetime
) -> None:
    ids = _post(database, now, 2)

    def broken(session: Session, notice: Notice) -> Message:
        if notice.id == min(ids):
            raise RuntimeError("an address that cannot be opened")
        return _words(session, notice)

    assert notices.send_due(database, FakeMessenger(), compose=broken, clock=lambda: now) == 1
    assert sorted(_states(database)) == [NoticeState.DEAD, NoticeState.SENT]


def test_a_recipient_without_an_address_reads_the_letter_on_the_page(database: Database, now: datetime) -> None:
    _post(database, now)
    notices.send_due(database, FakeMessenger(), compose=lambda _s, _n: None, clock=lambda: now)
    with database.reading() as session:
        assert session.exec(select(Notice.channel)).one() == notices.ON_PAGE


def test_a_lease_that_ran_out_is_taken_again_under_the_same_key(database: Database, now: datetime) -> None:
    ids = _post(database, now)
    assert [notices._lease(database, now=now) for _ in ids] == ids
    assert notices._lease(database, now=now) is None
    assert [notices._lease(database, now=now + timedelta(minutes=2)) for _ in ids] == ids


def test_the_letter_that_waited_longest_is_found_without_looking_at_the_others(
    sqlite_database: Database, now: datetime
) -> None:
    """However many wait: a city's notice to everybody must not take a look at everybody for each letter."""
    asked: list[str] = []
    event.listen(sqlite_database.engine, "before_cursor_execute", lambda _c, _u, said, *_: asked.append(said))
    _post(sqlite_database, now)
    notices._lease(sqlite_database, now=now)
    urgent, every = (said for said in asked if "ORDER BY" in said)
    with sqlite_database.engine.connect() as connection:
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {every}", (str(now), 1, 0)[: every.count("?")])
        steps = " | ".join(row[3] for row in found)
        some = (str(now), *notices.AT_ONCE, 1, 0)[: urgent.count("?")]
        first = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {urgent}", some)
        assert "USING INDEX ix_notice_letter_next_try_at" in " | ".join(row[3] for row in first)
    assert "USING INDEX ix_notice_next_try_at" in steps
    assert "TEMP B-TREE FOR ORDER BY" not in steps.replace("TEMP B-TREE FOR LAST TERM OF ORDER BY", "")


def test_the_real_words_reach_the_household_s_phone_and_say_nothing_of_the_aid(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    ids = _post(sqlite_database, now)
    with sqlite_database.reading() as session:
        message = compose(settings, session, session.get_one(Notice, ids[0]))
    assert message is not None
    assert (message.channel, message.address) == ("sms", "10000000001")
    assert "善桥" in message.body
    assert "王小明" not in message.body
    assert "食品" not in message.body


def test_a_slow_gateway_lets_no_other_worker_send_a_letter_twice(database: Database, now: datetime) -> None:
    ids = _post(database, now, 6)
    moments = [now]
    other = FakeMessenger()

    class Slow(FakeMessenger):
        """Needs 45 seconds a letter; another worker looks at the outbox after the third."""

        def send(self, message: Message, /) -> Receipt:
            moments.append(moments[-1] + timedelta(seconds=45))
            if len(self.sent) == 2:
                notices.send_due(database, other, compose=_words, clock=lambda: moments[-1])
            return super().send(message)

    slow = Slow()
    notices.send_due(database, slow, compose=_words, clock=lambda: moments[-1])
    assert sorted(m.idempotency_key for m in [*slow.sent, *other.sent]) == sorted(ids)
    assert _states(database) == [NoticeState.SENT] * 6


def test_a_household_that_consented_in_english_is_written_to_in_english(
    sqlite_database: Database, settings: Settings, now: datetime
) -> None:
    ids = _post(sqlite_database, now)
    with sqlite_database.transaction() as session:
        household = session.exec(select(Household)).one()
        make.auto_match(session, household, capture=Capture(lang="en"))
    with sqlite_database.reading() as session:
        message = compose(settings, session, session.get_one(Notice, ids[0]))
    assert message is not None
    assert message.body.startswith("[Shanqiao]")


class FileGateway:
    """A gateway in a folder: one file for each key it has delivered; a known key is acknowledged, not repeated."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, message: Message, /) -> Receipt:
        calls = os.open(self._folder / "calls", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(calls, f"{message.idempotency_key}\n".encode())
        os.close(calls)
        (self._folder / message.idempotency_key).touch()
        return Receipt(channel=message.channel, reference=message.idempotency_key)


def _busy_child(url: str, folder: Path, settings: Settings, number: int) -> None:
    """What the killed process does: a business change with its letter in one transaction, then the sending."""
    database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    gateway = FileGateway(folder)
    base = make.NOW + timedelta(minutes=10 * number)
    for i in range(10_000):
        now = base + timedelta(milliseconds=i)
        with database.transaction() as session:
            key = f"{number}-{i}"
            entry = audit.Entry("need:verify", object_ref=key)
            audit.record(session, entry, actor=SYSTEM, now=now)
            notices.post(session, "need_verified", key=key, household_id="household-k", now=now)
        notices.send_due(database, gateway, compose=_words, clock=lambda now=now: now)  # type: ignore[misc]


def _wait_for_calls(calls: Path, *, more: int) -> None:
    """Until the child has made a few more calls, so that every kill meets work on its way."""
    start = calls.stat().st_size if calls.exists() else 0
    while (calls.stat().st_size if calls.exists() else 0) < start + more * 20:
        time.sleep(0.001)


@pytest.mark.threat("T34")
def test_a_hundred_kills_lose_and_double_nothing(sqlite_database: Database, settings: Settings, tmp_path: Path) -> None:
    with sqlite_database.transaction() as session:
        make.a_household(session, id="household-k")
    url = str(sqlite_database.engine.url)
    sqlite_database.close()
    folder = tmp_path / "gateway"
    folder.mkdir()
    rng = random.Random(7 + figures.seed())
    for number in range(KILLS):
        child = os.fork()
        if child == 0:
            try:
                _busy_child(url, folder, settings, number)
            finally:
                os._exit(1)
        _wait_for_calls(folder / "calls", more=rng.randint(1, 3))
        time.sleep(rng.uniform(0, 0.01))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    end = make.NOW + timedelta(days=2)
    gateway = FileGateway(folder)
    while notices.send_due(sqlite_database, gateway, compose=_words, clock=lambda: end):
        pass
    with sqlite_database.reading() as session:
        rows = session.exec(select(Notice.id, Notice.key, Notice.state)).all()
        changes = set(session.exec(select(audit.AuditRow.object_ref).where(audit.AuditRow.action == "need:verify")))
        sent = session.exec(
            select(func.count()).select_from(audit.AuditRow).where(col(audit.AuditRow.action) == "notice:sent")
        ).one()
        assert audit.verify(session).bad_seq == 0
    assert len(rows) > KILLS
    assert {key for _, key, _ in rows} == changes
    assert {state for _, _, state in rows} == {NoticeState.SENT}
    assert {path.name for path in folder.iterdir()} - {"calls"} == {row_id for row_id, _, _ in rows}
    assert sent == len(rows)
    figures.keep(KILLS, letters=len(rows))
