"""The disclosure log: one row for each time that consented fields reached a recipient."""

from datetime import datetime

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, moment
from marketplace.sharing.models_api import (
    ApiClient,
    ApiKey,
    DeletionOrder,
    Emergency,
    KeptReply,
    ReadCount,
    UsedToken,
    WebhookEvent,
)

__all__ = [
    "ApiClient",
    "ApiKey",
    "DeletionOrder",
    "Disclosure",
    "Emergency",
    "KeptReply",
    "ReadCount",
    "UsedToken",
    "WebhookEvent",
]


class Disclosure(SQLModel, table=True):
    """Which fields went to whom, when, for what. Without a consent or an emergency the row cannot exist."""

    __table_args__ = (check("basis", "consent_chain_id IS NOT NULL OR emergency_id IS NOT NULL"),)

    id: str = Field(primary_key=True, max_length=32)
    at: datetime = Field(sa_column=moment(index=True))
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id")
    recipient_org_id: str = Field(foreign_key="organisation.id", index=True)
    actor_id: str = Field(max_length=64)
    match_id: str = Field(default="", max_length=32, index=True)
    purpose: str = Field(max_length=32)
    data_fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    consent_chain_id: str | None = Field(default=None, max_length=32, index=True)
    consent_version: int | None = None
    emergency_id: str | None = Field(default=None, max_length=32)
    audit_seq: int = Field(foreign_key="audit_row.seq")
