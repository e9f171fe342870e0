"""The organisation table: one row for each giver, with a checked unified social credit code."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.db import choice, moment


class OrganisationKind(StrEnum):
    """Kinds of giver."""

    CHARITY = "charity"
    FOUNDATION = "foundation"
    TRUST = "trust"
    ENTERPRISE = "enterprise"
    VOLUNTEERS = "volunteers"
    SOCIAL_WORK = "social_work"
    LEGAL_AID = "legal_aid"
    INSURER = "insurer"


class OrganisationState(StrEnum):
    """Only an active organisation may post, be matched or read."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class Organisation(SQLModel, table=True):
    """One giver."""

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=120)
    kind: OrganisationKind = Field(sa_column=choice(OrganisationKind))
    credit_code: str = Field(unique=True, max_length=18)
    contact: str = Field(default="", max_length=120)
    state: OrganisationState = Field(default=OrganisationState.ACTIVE, sa_column=choice(OrganisationState))
    contract_ref: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_column=moment())
