"""Tables of the partner API: machine clients and their keys, used token ids, reads of a day, replies kept for repeats.

A client asks for nothing by itself: a person of its organisation asks, two different members of staff approve. Only
public keys are stored. `marketplace.sharing.models` loads these tables.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment


class ClientState(StrEnum):
    """Only an active client gets tokens, and its state is looked up at every call."""

    ASKED = "asked"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REFUSED = "refused"


class KeyState(StrEnum):
    """Only an active key signs anybody in; a retired one stays for the record."""

    ASKED = "asked"
    ACTIVE = "active"
    RETIRED = "retired"
    REFUSED = "refused"


class ApiClient(SQLModel, table=True):
    """One machine of an organisation: what it may do (`scopes`, none by default) and who let it in."""

    __tablename__ = "api_client"
    __table_args__ = (
        check("two_people", "second_by IS NULL OR (first_by IS NOT NULL AND second_by <> first_by)"),
        check("approved", "state NOT IN ('active', 'suspended') OR second_by IS NOT NULL"),
        check("not_its_own", "requested_by <> first_by AND requested_by <> second_by"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    title: str = Field(max_length=60)
    scopes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    webhook_url: str = Field(default="", max_length=200)
    state: ClientState = Field(default=ClientState.ASKED, sa_column=choice(ClientState, index=True))
    requested_by: str = Field(max_length=64)
    requested_at: datetime = Field(sa_column=moment())
    first_by: str | None = Field(default=None, max_length=64)
    second_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ApiKey(SQLModel, table=True):
    """One public key of a client, uploaded by its organisation and approved by two people; never fetched."""

    __tablename__ = "api_key"
    __table_args__ = (
        check("two_people", "second_by IS NULL OR (first_by IS NOT NULL AND second_by <> first_by)"),
        check("approved", "state <> 'active' OR second_by IS NOT NULL"),
    )

    kid: str = Field(primary_key=True, max_length=64)
    client_id: str = Field(foreign_key="api_client.id", index=True)
    jwk: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    state: KeyState = Field(default=KeyState.ASKED, sa_column=choice(KeyState, index=True))
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_column=moment())
    first_by: str | None = Field(default=None, max_length=64)
    second_by: str | None = Field(default=None, max_length=64)
    ends_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class UsedToken(SQLModel, table=True):
    """The id of one client assertion that was taken; a second one with the same id breaks the key."""

    __tablename__ = "used_token"

    digest: str = Field(primary_key=True, max_length=64)
    expires_at: datetime = Field(sa_column=moment(index=True))


class ReadCount(SQLModel, table=True):
    """How many rows an organisation has read through the API on one day for one purpose."""

    __tablename__ = "read_count"
    __table_args__ = (check("count", "count >= 0"),)

    org_id: str = Field(primary_key=True, foreign_key="organisation.id", max_length=32)
    on: date = Field(primary_key=True)
    purpose: str = Field(primary_key=True, max_length=32)
    count: int = 0


class KeptReply(SQLModel, table=True):
    """What was answered to one Idempotency-Key of one client; no personal value is ever in it."""

    __tablename__ = "kept_reply"

    client_id: str = Field(primary_key=True, foreign_key="api_client.id", max_length=32)
    key: str = Field(primary_key=True, max_length=64)
    request_sha256: str = Field(max_length=64)
    status: int = 0
    reply: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    at: datetime = Field(sa_column=moment(index=True))


class WebhookState(StrEnum):
    """A dead event waits for a person; its facts can always be read at the API."""

    QUEUED = "queued"
    SENT = "sent"
    DEAD = "dead"


class WebhookEvent(SQLModel, table=True):
    """One thing a client is told, written with the change itself and sent afterwards: a kind and an id, no values."""

    __tablename__ = "webhook_event"

    id: str = Field(primary_key=True, max_length=32)
    client_id: str = Field(foreign_key="api_client.id", index=True)
    kind: str = Field(max_length=32)
    object_ref: str = Field(max_length=64)
    state: WebhookState = Field(default=WebhookState.QUEUED, sa_column=choice(WebhookState, index=True))
    attempts: int = 0
    next_try_at: datetime = Field(sa_column=moment(index=True))
    leased_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    error_code: str = Field(default="", max_length=32)
    created_at: datetime = Field(sa_column=moment())


class DeletionOrder(SQLModel, table=True):
    """A recipient is to delete what it saw under one consent, or only the fields (`data_fields`, with commas) that the
    household took out of it; it attests this, or sees nothing new."""

    __tablename__ = "deletion_order"
    __table_args__ = (
        check("attested", "(attested_at IS NULL) = (attested_by = '')"),
        UniqueConstraint("consent_chain_id", "data_fields"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    consent_chain_id: str = Field(max_length=32)
    data_fields: str = Field(default="", max_length=400)
    match_id: str = Field(default="", max_length=32)
    disclosures: int = 0
    ordered_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment(index=True))
    attested_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    attested_by: str = Field(default="", max_length=64)


class Emergency(SQLModel, table=True):
    """Two people let one organisation see named fields of one household for half an hour, because a life or health is
    in danger and nobody can be asked (PIPL 13(1)(4)). The household is told, the protection officer looks at it."""

    __table_args__ = (
        check("two_people", "opened_by IS NULL OR opened_by <> asked_by"),
        check("other_reviewer", "reviewed_by IS NULL OR (reviewed_by <> asked_by AND reviewed_by <> opened_by)"),
        check("half_an_hour", "(closes_at IS NULL) = (opened_by IS NULL)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id")
    org_id: str = Field(foreign_key="organisation.id", index=True)
    data_fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    reason_code: str = Field(max_length=48)
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment())
    opened_by: str | None = Field(default=None, max_length=64)
    opened_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closes_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reviewed_by: str | None = Field(default=None, max_length=64)
    reviewed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    verdict: str = Field(default="", max_length=32)
