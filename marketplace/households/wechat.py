"""Signing in from WeChat: a reader's WeChat opens one person's pages once that person's telephone was proved beside it.

Enters: the reader's number as the door tells it (of which only a keyed index goes on), a person who just proved its
telephone. Leaves: a tie, its end, a session's token. A tie holds as long as the person keeps that telephone and a code
on it would open this person's pages; each tie is told to that telephone. Called by the pages of `views_wechat`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.accounts import service as accounts
from marketplace.actors import Actor
from marketplace.db import flush
from marketplace.errors import NotFound, WrongState
from marketplace.households.models import Person, WeChatTie
from marketplace.households.service import has_own_phone
from marketplace.policy import require
from marketplace.sealed import vault_of

METHOD = "wechat"


def index_of(session: Session, openid: str, /) -> str:
    """By which a reader's WeChat is known again; the number itself is not kept anywhere."""
    return vault_of(session).index("wechat-openid", openid)


def enter(session: Session, openid_index: str, /, *, now: datetime) -> str:
    """A session's token for the person tied to this WeChat; empty where nobody is, or the telephone has changed."""
    row = session.get(WeChatTie, openid_index)
    person = session.get(Person, row.person_id) if row is not None else None
    if row is None or person is None or not _holds(session, row, person, now=now):
        return ""
    return accounts.open_for_person(session, person.id, person.household_id, method=METHOD, now=now)


def _holds(session: Session, row: WeChatTie, person: Person, *, now: datetime) -> bool:
    return person.phone_index == row.phone_index and has_own_phone(session, person, now=now)


def tie(session: Session, openid_index: str, /, *, actor: Actor, now: datetime) -> WeChatTie:
    """From now on this WeChat signs the actor in; a WeChat that belonged to somebody else is no longer theirs."""
    person = _own(session, actor)
    if person.phone_index is None or not has_own_phone(session, person, now=now):
        raise WrongState("no_own_phone")
    row = session.get(WeChatTie, openid_index)
    row = row or WeChatTie(openid_index=openid_index, person_id=person.id, phone_index="", tied_at=now)
    row.person_id, row.phone_index, row.tied_at = person.id, person.phone_index, now
    session.add(row)
    _record(session, person, "account:wechat_tie", actor=actor, now=now)
    key = f"wechat:{openid_index[:16]}:{now:%Y%m%d%H%M%S}"
    params = {"person_id": person.id}
    notices.post(session, "wechat_tied", key=key, household_id=person.household_id, params=params, now=now)
    return row


def list_ties(session: Session, /, *, actor: Actor, now: datetime) -> list[WeChatTie]:
    """The actor's own that still hold, the oldest first."""
    person = _own(session, actor)
    wanted = select(WeChatTie).where(WeChatTie.person_id == person.id)
    found = session.exec(wanted.order_by(col(WeChatTie.tied_at), col(WeChatTie.openid_index)))
    return [row for row in found if _holds(session, row, person, now=now)]


def untie(session: Session, /, *, actor: Actor, now: datetime) -> None:
    """No WeChat signs the actor in any more; sessions that one opened end too."""
    person = _own(session, actor)
    forget(session, person.id)
    accounts.end_of_method(session, person.id, METHOD)
    _record(session, person, "account:wechat_untie", actor=actor, now=now)


def forget(session: Session, person_id: str, /) -> None:
    """The ties of a person go, also where it is erased."""
    session.execute(delete(WeChatTie).where(col(WeChatTie.person_id) == person_id))


def _own(session: Session, actor: Actor) -> Person:
    """The actor itself: nobody ties a WeChat for somebody else."""
    require(actor, "account:wechat", household_id=actor.household_id)
    person = session.get(Person, actor.id)
    if person is None:
        raise NotFound("person")
    return person


def _record(session: Session, person: Person, act: str, *, actor: Actor, now: datetime) -> None:
    flush(session)
    audit.record(session, audit.Entry(act, subject=person.household_id), actor=actor, now=now)
