"""Notices by transactional outbox: a letter is a row written with the business change, sent afterwards.

Enters: `post` from a service, in its transaction. Leaves: rows that the sender (`deliver_due`) leases, sends through
the messenger port and marks; a lost process loses nothing, because the lease runs out and the same key is tried again.
The row holds a template and pseudonyms; the address is resolved at the moment of sending by what wiring hands in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, Column, Field, Session, SQLModel

from marketplace.db import choice, moment, new_id


class NoticeState(StrEnum):
    """A dead notice waits for a person on the dead-letter page."""

    QUEUED = "queued"
    SENDING = "sending"
    SENT = "sent"
    DEAD = "dead"


class Notice(SQLModel, table=True):
    """One letter to one recipient: a household (`household_id`), an account or all people of an organisation."""

    id: str = Field(primary_key=True, max_length=32)
    key: str = Field(unique=True, max_length=100)
    letter: str = Field(max_length=48)
    lang: str = Field(default="zh_Hans", max_length=8)
    household_id: str | None = Field(default=None, foreign_key="household.id", index=True)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    params: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    channel: str = Field(default="", max_length=16)
    state: NoticeState = Field(default=NoticeState.QUEUED, sa_column=choice(NoticeState, index=True))
    attempts: int = 0
    next_try_at: datetime = Field(sa_column=moment(index=True))
    leased_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
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
