"""The power of a helper: who may act for whom, in what, how far and until when.

The helper's name and telephone, and those of witnesses, lie sealed under a key of the power's own, so that they can be
erased with it. `recorded_by` is who wrote it down, `subject_id` for whom it stands; `checked_by` is a second person.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment
from marketplace.sealed import sealed_column

UNTOLD = ("died", "erased")
"""Why a power ended without a letter: the household hears of the cause itself."""


class PowerKind(StrEnum):
    """Once: for a day, by a code that the person hands over. Standing: by a signed paper, for its term."""

    ONCE = "once"
    STANDING = "standing"


class PowerState(StrEnum):
    """Only an active power opens anything."""

    INVITED = "invited"
    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class Signed(StrEnum):
    """How the person signed; who cannot write has three other ways."""

    OWN_HAND = "own_hand"
    THUMBPRINT = "thumbprint"
    WITNESSES = "witnesses"
    HOME_VISIT = "home_visit"


class HelpPower(SQLModel, table=True):
    """One power. The five things a written one must name: agent, matters, powers (`acts`), term, signature."""

    __tablename__ = "help_power"
    __table_args__ = (
        check("term", "ends_at > starts_at"),
        check("ended", "(state = 'ended') = (ended_at IS NOT NULL)"),
        check("two_people", "kind = 'once' OR state <> 'active' OR (checked_by <> '' AND checked_by <> recorded_by)"),
        check("paper", "kind = 'once' OR (signed IS NOT NULL AND evidence <> '')"),
        check("witnesses", "signed <> 'witnesses' OR witnesses IS NOT NULL"),
        check("agent", "state = 'invited' OR ended_at IS NOT NULL OR phone_index <> ''"),
    )

    id: str = Field(primary_key=True, max_length=32)
    kind: PowerKind = Field(sa_column=choice(PowerKind))
    state: PowerState = Field(sa_column=choice(PowerState, index=True))
    household_id: str = Field(foreign_key="household.id", index=True)
    subject_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    district_code: str = Field(index=True, max_length=6)
    helper_kind: str = Field(max_length=16)
    name: Any = Field(default=None, sa_column=sealed_column())
    phone: Any = Field(default=None, sa_column=sealed_column())
    phone_index: str = Field(default="", index=True, max_length=64)
    matters: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    acts: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    starts_at: datetime = Field(sa_column=moment())
    ends_at: datetime = Field(sa_column=moment(index=True))
    signed: Signed | None = Field(default=None, sa_column=choice(Signed, nullable=True))
    evidence: str = Field(default="", max_length=120)
    witnesses: Any = Field(default=None, sa_column=sealed_column())
    code_index: str = Field(default="", index=True, max_length=64)
    told_to: datetime = Field(sa_column=moment())
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())
    checked_by: str = Field(default="", max_length=64)
    checked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by: str = Field(default="", max_length=64)
    end_reason: str = Field(default="", max_length=16)
