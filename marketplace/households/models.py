"""Households and people. Every personal field is a sealed envelope under the person's own key; look-ups go through
keyed indexes. The birth year stays readable, because allocation reports need age bands."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment
from marketplace.sealed import Sealed, sealed_column


class Sex(StrEnum):
    """As registered."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class Household(SQLModel, table=True):
    """One household of one source. `id` is a pseudonym made from source and reference; `size` counts its people."""

    __table_args__ = (check("size", "size >= 0"),)

    id: str = Field(primary_key=True, max_length=32)
    source: str = Field(max_length=32)
    source_index: str = Field(unique=True, max_length=64)
    district_code: str = Field(index=True, max_length=6)
    street_code: str = Field(default="", max_length=9)
    size: int = 0
    urban: bool = True
    kind: str = Field(default="", max_length=32)
    created_at: datetime = Field(sa_column=moment())


class ByHand(SQLModel, table=True):
    """A household that refuses decisions made by a program alone: people match its needs, one by one. Its consent, its
    needs and its running matches stay as they are."""

    __tablename__ = "by_hand"

    household_id: str = Field(primary_key=True, foreign_key="household.id")
    since_at: datetime = Field(sa_column=moment())
    asked_by: str = Field(max_length=64)


class Person(SQLModel, table=True):
    """One member. `contact` marks the person whom messages reach; `relation` is a code of the words table."""

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    relation: str = Field(default="HEAD", max_length=16)
    contact: bool = False
    sex: Sex = Field(default=Sex.UNKNOWN, sa_column=choice(Sex))
    birth_year: int | None = None
    name: Sealed | None = Field(default=None, sa_column=sealed_column())
    phone: Sealed | None = Field(default=None, sa_column=sealed_column())
    id_number: Sealed | None = Field(default=None, sa_column=sealed_column())
    address: Sealed | None = Field(default=None, sa_column=sealed_column())
    birth_date: Sealed | None = Field(default=None, sa_column=sealed_column())
    payee_account: Sealed | None = Field(default=None, sa_column=sealed_column())
    health: Sealed | None = Field(default=None, sa_column=sealed_column())
    id_number_index: str | None = Field(default=None, unique=True, max_length=64)
    phone_index: str | None = Field(default=None, index=True, max_length=64)
    created_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}
