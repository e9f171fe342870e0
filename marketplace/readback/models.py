"""One reading: what a worker read aloud to a person, how the person said yes or no, and a second call by somebody else.

The words as they were read out and the names of witnesses lie sealed under the key of the person who was asked, until
`erase_at`. `answer` holds codes only: what is to be done once the second call has confirmed it.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.actors import hands
from marketplace.db import check, choice, moment
from marketplace.sealed import sealed_column


class SignedBy(StrEnum):
    """How a person signs who was read to; who cannot write has three other ways."""

    OWN_HAND = "own_hand"
    THUMBPRINT = "thumbprint"
    WITNESSES = "witnesses"
    SPOKEN = "spoken"
    CODE = "code"
    """The code of its own letter, from its own telephone."""


class SecondCall(StrEnum):
    """Whether somebody else asks the person again."""

    NONE = "none"
    DUE = "due"
    CONFIRMED = "confirmed"
    DENIED = "denied"


class ReadBack(SQLModel, table=True):
    """One reading. `object_ref` is what it is about, such as ``case:…`` or ``match:…``. `template`, its version and
    `lang` name the text, `script` is it as shown, `basis_sha256` what it was made from: where that has changed, a yes
    to it is no yes to what there is today."""

    __tablename__ = "read_back"
    __table_args__ = (
        check("witnesses", "signed <> 'witnesses' OR witnesses IS NOT NULL"),
        check("another", "second_by = '' OR second_by NOT IN (read_by, read_for)"),
        check("second", "(second IN ('confirmed', 'denied')) = (second_at IS NOT NULL)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    act: str = Field(max_length=16)
    object_ref: str = Field(index=True, max_length=64)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id", max_length=32)
    district_code: str = Field(index=True, max_length=6)
    channel: str = Field(max_length=16)
    signed: SignedBy = Field(sa_column=choice(SignedBy))
    dialect: str = Field(max_length=16)
    evidence: str = Field(default="", max_length=120)
    witnesses: Any = Field(default=None, sa_column=sealed_column())
    template: str = Field(max_length=16)
    template_version: int
    lang: str = Field(max_length=8)
    script: Any = Field(default=None, sa_column=sealed_column())
    script_sha256: str = Field(max_length=64)
    basis_sha256: str = Field(default="", max_length=64)
    answer: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    read_by: str = Field(max_length=64)
    read_for: str = Field(default="", max_length=64)
    read_at: datetime = Field(sa_column=moment())
    second: SecondCall = Field(default=SecondCall.NONE, sa_column=choice(SecondCall, index=True))
    second_by: str = Field(default="", max_length=64)
    second_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

    @property
    def readers(self) -> frozenset[str]:
        """Who read it aloud, and whom a stand-in did it for."""
        return hands(self.read_by, self.read_for)
