"""The code under which one offer is answered, and the text messages that came in.

Of a message only who it was from (a keyed index), when, and what came of it is kept, never its words. A code is bound
to one match, one person and, by text message, that person's own telephone.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment
from marketplace.decisions.models import MatchState
from marketplace.sealed import sealed_column


class CodeState(StrEnum):
    """A code is good for one answer."""

    OPEN = "open"
    USED = "used"
    VOID = "void"


class OfferCode(SQLModel, table=True):
    """A letter with an offer went out. `data_fields` are what the letter says the giver would see, `script` its words
    as printed, sealed under the key of whom it went to, and `basis_sha256` what they were made from."""

    __tablename__ = "offer_code"
    __table_args__ = (check("used", "(state = 'used') = (used_at IS NOT NULL)"),)

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id", max_length=32)
    match_state: MatchState = Field(sa_column=choice(MatchState))
    code_index: str = Field(unique=True, max_length=64)
    data_fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    lang: str = Field(default="zh_Hans", max_length=8)
    template: str = Field(max_length=16)
    template_version: int
    script: Any = Field(default=None, sa_column=sealed_column())
    basis_sha256: str = Field(max_length=64)
    state: CodeState = Field(default=CodeState.OPEN, sa_column=choice(CodeState, index=True))
    answer: str = Field(default="", max_length=16)
    made_by: str = Field(max_length=64)
    made_at: datetime = Field(sa_column=moment())
    ends_at: datetime = Field(sa_column=moment())
    used_by: str = Field(default="", max_length=64)
    used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class SmsIn(SQLModel, table=True):
    """One text message that came in; `seq` is the gateway's own number, by which none is read twice."""

    __tablename__ = "sms_in"

    seq: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    outcome: str = Field(max_length=24)
    code_id: str | None = Field(default=None, foreign_key="offer_code.id")
    read_at: datetime = Field(sa_column=moment())
