"""Notices by transactional outbox: a letter is a row written with the business change, sent afterwards.

Enters: `post` from a service, in its transaction. Leaves: rows that the sender (`deliver_due`) leases, sends through
the messenger port and marks; a lost process loses nothing, because the lease runs out and the same key is tried again.
The row holds a template and pseudonyms; the address is resolved at the moment of sending by what wiring hands in.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, and_, or_
from sqlalchemy.exc import DBAPIError
from sqlmodel import JSON, Column, Field, Session, SQLModel, col, select

from adapters.ports import Message, Messenger, OutsideError, TryAgainLater, WillNeverWork
from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.db import Database, choice, moment, new_id
from marketplace.errors import Conflict, NotFound, WrongState
from marketplace.held import Held
from marketplace.policy import require

log = logging.getLogger("shanqiao.notices")
LEASE = timedelta(seconds=60)
BATCH = 50  # so many letters in one turn of the worker
MOST_ATTEMPTS = 12
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(hours=24)
ON_PAGE = "page"  # the channel of a letter whose recipient has no address: it is read on the recipient's own page
BY_VISIT = "home_visit"
"""The channel of a letter that somebody brought."""
GO_ALONG = ("case_received", "check_done")
"""Letters that alone send nobody: who applied at the counter has the paper already."""
AT_ONCE = ("sign_in_code", "urgent_asked")  # somebody waits for them at this minute: they go before all others
TOO_LATE = "too_late"  # why a letter that is no good any more was not sent; it waits for nobody
Compose = Callable[[Session, "Notice"], Message | None]
"""Resolves the address and the words at the moment of sending; None where there is no address."""
Unreached = Callable[[Session, "Notice", datetime], bool]
"""Asked about a household's letter without an address: whether somebody has to bring it, and then somebody is sent."""


class NoticeState(StrEnum):
    """A dead notice waits for a person on the dead-letter page, one by hand for a visit."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"
    BY_HAND = "by_hand"


class Notice(SQLModel, table=True):
    """One letter to one recipient: a household (`household_id`), an account or all people of an organisation."""

    __table_args__ = (Index("ix_notice_letter_next_try_at", "letter", "next_try_at"),)

    id: str = Field(primary_key=True, max_length=32)
    key: str = Field(unique=True, max_length=100)
    letter: str = Field(max_length=48)
    household_id: str | None = Field(default=None, foreign_key="household.id", index=True)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    channel: str = Field(default="", max_length=16)
    state: NoticeState = Field(default=NoticeState.QUEUED, sa_column=choice(NoticeState, index=True))
    attempts: int = 0
    next_try_at: datetime | None = Field(sa_column=moment(nullable=True, index=True))
    """When it may be taken, or taken again from a sender that did not come back; none: there is nothing to send."""
    sent_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    provider_ref: str = Field(default="", max_length=64)
    error_code: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))


def post(
    session: Session,
    letter: str,
    /,
    *,
    key: str,
    now: datetime,
    household_id: str | None = None,
    org_id: str | None = None,
    account_id: str | None = None,
    params: Mapping[str, Any] | None = None,
) -> Notice:
    """Write one letter into the outbox, in the caller's transaction. `key` names the event: it is sent once."""
    notice = Notice(
        id=new_id(),
        key=key,
        letter=letter,
        household_id=household_id,
        org_id=org_id,
        account_id=account_id,
        params=dict(params or {}),
        next_try_at=now,
        created_at=now,
    )
    session.add(notice)
    return notice


def send_due(
    database: Database,
    messenger: Messenger,
    /,
    *,
    compose: Compose,
    clock: Callable[[], datetime],
    unreached: Unreached | None = None,
) -> int:
    """Send what is due; return how many were handed over. No transaction is open while a message is on its way.

    Each letter is leased on its own, so that a slow gateway cannot outlast the leases of the letters behind it. A
    process that dies between sending and marking leaves a lease; when it has run out the letter is sent again under the
    same key, by which every gateway knows it.
    """
    handed = 0
    for _turn in range(BATCH if _any_due(database, now=clock()) else 0):
        taken = _lease(database, now=clock())
        if taken is None:
            break
        handed += _send(database, messenger, taken, compose=compose, unreached=unreached, clock=clock)
    return handed


def _send(
    database: Database,
    messenger: Messenger,
    notice_id: str,
    /,
    *,
    compose: Compose,
    unreached: Unreached | None,
    clock: Callable[[], datetime],
) -> bool:
    try:
        with database.reading() as session:
            message = compose(session, session.get_one(Notice, notice_id))
        reference = messenger.send(message).reference if message else ""
        if message is None and unreached is not None and _give_to_bring(database, notice_id, unreached, now=clock()):
            return True
    except OutsideError as error:
        _missed(database, notice_id, error, now=clock())
        return False
    except Exception as error:  # noqa: BLE001  one letter that cannot be written must not hold up the others
        broken = WillNeverWork("This letter cannot be written.", code=type(error).__name__)
        _missed(database, notice_id, broken, now=clock())
        return False
    _sent(database, notice_id, channel=message.channel if message else ON_PAGE, reference=reference, now=clock())
    return True


def _give_to_bring(database: Database, notice_id: str, unreached: Unreached, *, now: datetime) -> bool:
    try:
        with database.transaction() as session:
            notice = session.get_one(Notice, notice_id)
            if notice.household_id is None or not unreached(session, notice, now):
                return False
            notice.state, notice.next_try_at, notice.error_code = NoticeState.BY_HAND, None, ""
            session.add(notice)
            _record(session, notice, "notice:by_hand", actor=SYSTEM, now=now)
            return True
    except (Conflict, DBAPIError) as error:
        raise TryAgainLater("Two letters to one household met.", code=type(error).__name__) from error


def _any_due(database: Database, *, now: datetime) -> bool:
    """Asked first and without a lock, for mostly nothing is."""
    with database.reading() as session:
        return session.exec(select(Notice.id).where(col(Notice.next_try_at) <= now).limit(1)).first() is not None


def _lease(database: Database, *, now: datetime) -> str | None:
    """The letter that has waited longest, ours for a while; one of `AT_ONCE` before all others."""
    with database.transaction() as session:
        waiting = select(Notice).where(col(Notice.next_try_at) <= now)
        first = waiting.order_by(col(Notice.next_try_at), col(Notice.id)).limit(1).with_for_update(skip_locked=True)
        urgent = first.where(col(Notice.letter).in_(AT_ONCE))
        notice = session.exec(urgent).first() or session.exec(first).first()
        if notice is None:
            return None
        notice.state, notice.next_try_at = NoticeState.SENDING, now + LEASE
        notice.attempts += 1
        session.add(notice)
        return notice.id


def _sent(database: Database, notice_id: str, *, channel: str, reference: str, now: datetime) -> None:
    with database.transaction() as session:
        notice = session.get_one(Notice, notice_id)
        notice.state, notice.sent_at, notice.next_try_at = NoticeState.SENT, now, None
        notice.channel, notice.provider_ref, notice.error_code = channel, reference[:64], ""
        session.add(notice)
        _record(session, notice, "notice:sent", actor=SYSTEM, now=now)


def _missed(database: Database, notice_id: str, error: OutsideError, *, now: datetime) -> None:
    """Try again later, longer each time; what can never work, or was tried long enough, waits for a person."""
    with database.transaction() as session:
        notice = session.get_one(Notice, notice_id)
        notice.error_code = error.code[:64]
        if isinstance(error, TryAgainLater) and notice.attempts < MOST_ATTEMPTS:
            asked = timedelta(seconds=error.after_seconds or 0)
            pause = min(max(FIRST_PAUSE * 2**notice.attempts, asked), LONGEST_PAUSE)
            notice.state, notice.next_try_at = NoticeState.QUEUED, now + pause
        else:
            notice.state, notice.next_try_at = NoticeState.DEAD, None
            _record(session, notice, "notice:dead", actor=SYSTEM, now=now)
        session.add(notice)
    log.info("notice %s: %s", notice_id, error.code)


def _record(session: Session, notice: Notice, action: str, *, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=notice.id, subject=notice.household_id or "", rule_id=notice.letter)
    audit.record(session, entry, actor=actor, now=now)


def dead_letters(session: Session, /, *, actor: Actor) -> list[Notice]:
    """Letters that wait for a person, the oldest first."""
    require(actor, "notice:dead_letters")
    dead = select(Notice).where(col(Notice.state) == NoticeState.DEAD, col(Notice.error_code) != TOO_LATE)
    return list(session.exec(dead.order_by(col(Notice.created_at), col(Notice.id))))


def retry(session: Session, notice_id: str, /, *, actor: Actor, now: datetime) -> Notice:
    """Put a dead letter back into the queue, after what hindered it was mended."""
    require(actor, "notice:retry")
    notice = session.get(Notice, notice_id, with_for_update=True)
    if notice is None:
        raise NotFound("notice")
    if notice.state is not NoticeState.DEAD:
        raise WrongState("notice_not_dead", state=notice.state.value)
    notice.state, notice.attempts, notice.next_try_at = NoticeState.QUEUED, 0, now
    session.add(notice)
    _record(session, notice, "notice:retry", actor=actor, now=now)
    return notice


def by_hand(session: Session, household_id: str, /) -> list[Notice]:
    """What waits to be brought to this household, the oldest first."""
    wanted = select(Notice).where(col(Notice.household_id) == household_id, col(Notice.state) == NoticeState.BY_HAND)
    return list(session.exec(wanted.order_by(col(Notice.created_at), col(Notice.id))))


def brought(session: Session, household_id: str, ids: Container[str], /, *, actor: Actor, now: datetime) -> None:
    """Somebody was there, read out these and left them on paper."""
    for notice in (one for one in by_hand(session, household_id) if one.id in ids):
        notice.state, notice.channel, notice.sent_at = NoticeState.SENT, BY_VISIT, now
        session.add(notice)
        _record(session, notice, "notice:brought", actor=actor, now=now)


def to_page(session: Session, household_id: str, /, *, now: datetime) -> None:
    """Nobody brings what waited to be brought: it is read on the household's own page."""
    for notice in by_hand(session, household_id):
        notice.state, notice.channel, notice.sent_at = NoticeState.SENT, ON_PAGE, now
        session.add(notice)
        _record(session, notice, "notice:sent", actor=SYSTEM, now=now)


def of_household(session: Session, household_id: str, /) -> list[Notice]:
    """Everything the household was told, newest first; sign-in codes are not kept for reading."""
    theirs = select(Notice).where(col(Notice.household_id) == household_id, col(Notice.letter) != "sign_in_code")
    return _newest(session, theirs, None)


def of_accounts(session: Session, account_ids: Iterable[str], /, *, limit: int = 20) -> list[Notice]:
    """The newest letters to these accounts."""
    theirs = select(Notice).where(col(Notice.account_id).in_(sorted(account_ids)))
    return _newest(session, theirs, limit)


def of_organisation(session: Session, org_id: str, /, *, limit: int = 20) -> list[Notice]:
    """The newest letters to an organisation."""
    return _newest(session, select(Notice).where(col(Notice.org_id) == org_id), limit)


def _newest(session: Session, letters: Any, limit: int | None) -> list[Notice]:
    return list(session.exec(letters.order_by(col(Notice.created_at).desc(), col(Notice.id)).limit(limit)))


HELD = (
    Held(
        Notice,
        col(Notice.household_id),
        at=(Notice.created_at, Notice.sent_at),
        waits=lambda now: or_(
            col(Notice.state).in_((NoticeState.QUEUED, NoticeState.SENDING)),
            and_(col(Notice.state) == NoticeState.BY_HAND, col(Notice.letter).not_in(GO_ALONG)),
        ),
    ),
)
"""What the eraser has to know of letters: one that is under way still needs its reader's telephone. What only
goes along with another one may go with none."""
