"""Households and people. Every personal field is a sealed envelope under the person's own key; look-ups go through
keyed indexes. The birth year stays readable, because allocation reports need age bands. A person whose `compared_at` is
empty has not been looked for among the others since its facts came or changed; what that look finds is a suspicion."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column


class Sex(StrEnum):
    """As registered."""

    FEMALE = "female"
    MALE = "male"
    UNKNOWN = "unknown"


class Household(SQLModel, table=True):
    """One household of one source. `id` is a pseudonym made from source and reference; `size` counts its people;
    `overruled_street` is what its list told when staff put the street right."""

    __table_args__ = (
        check("size", "size >= 0"),
        Index("ix_household_place", "district_code", "street_code", "id"),
    )

    id: str = Field(primary_key=True, max_length=32)
    source: str = Field(max_length=32)
    source_index: str = Field(unique=True, max_length=64)
    district_code: str = Field(max_length=6)
    street_code: str = Field(default="", max_length=9)
    village_code: str = Field(default="", max_length=12)
    overruled_street: str = Field(default="", max_length=9)
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
    """One member. `contact` marks the person whom messages reach; `relation` is a code of the words table. Who lives
    there no more has `left_on` and no indexes: the row stays, because what was done for the person stands on it."""

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    relation: str = Field(default="HEAD", max_length=16)
    contact: bool = False
    sex: Sex = Field(default=Sex.UNKNOWN, sa_column=choice(Sex))
    birth_year: int | None = None
    left_on: date | None = None
    name: Sealed | None = Field(default=None, sa_column=sealed_column())
    phone: Sealed | None = Field(default=None, sa_column=sealed_column())
    id_number: Sealed | None = Field(default=None, sa_column=sealed_column())
    address: Sealed | None = Field(default=None, sa_column=sealed_column())
    birth_date: Sealed | None = Field(default=None, sa_column=sealed_column())
    payee_account: Sealed | None = Field(default=None, sa_column=sealed_column())
    health: Sealed | None = Field(default=None, sa_column=sealed_column())
    id_number_index: str | None = Field(default=None, unique=True, max_length=64)
    phone_index: str | None = Field(default=None, index=True, max_length=64)
    name_index: str | None = Field(default=None, max_length=64)
    compared_at: datetime | None = Field(default=None, sa_column=moment(nullable=True, index=True))
    created_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}

    @property
    def is_silent(self) -> bool:
        """Whether a telephone is on record that reaches nobody here: a death is on record of whom it belonged to."""
        return self.phone is not None and self.phone_index is None and self.left_on is None


class Trace(SQLModel, table=True):
    """One keyed index under which a person is found again; `use` says what it is made of, the value is an HMAC."""

    __tablename__ = "person_trace"

    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=32)
    use: str = Field(primary_key=True, max_length=16)
    value: str = Field(index=True, max_length=64)


class SearchKey(SQLModel, table=True):
    """One keyed index under which staff find a person: of the name, its pinyin or the birth date. Rows of people whose
    key was destroyed are gone."""

    __tablename__ = "person_search"

    value: str = Field(primary_key=True, max_length=32)
    person_id: str = Field(primary_key=True, foreign_key="person.id", index=True, max_length=32)


class Spell(SQLModel, table=True):
    """One household, or one of its people, in one category from a day to another (both included; open while `to_on` is
    empty). Spells of different categories overlap freely; of the same category one runs at a time. `benefit` tells
    which of the two a registered recipient has (DIBAO, TEKUN), where that is known."""

    __tablename__ = "category_spell"
    __table_args__ = (
        check("days", "to_on IS NULL OR to_on >= from_on"),
        unique_where("uq_spell_home", "household_id", "category", where="to_on IS NULL AND person_id IS NULL"),
        unique_where("uq_spell_person", "person_id", "category", where="to_on IS NULL AND person_id IS NOT NULL"),
        Index("ix_spell_home", "household_id", "category", "to_on"),
        Index("ix_spell_category", "category", "from_on", "household_id"),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id")
    person_id: str | None = Field(default=None, foreign_key="person.id")
    category: str = Field(max_length=24)
    from_on: date
    to_on: date | None = None
    source: str = Field(max_length=32)
    source_ref: str = Field(default="", max_length=64)
    reason: str = Field(default="", max_length=32)
    benefit: str = Field(default="", max_length=8)
    entered_at: datetime = Field(sa_column=moment(index=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Listed(SQLModel, table=True):
    """The newest word of lists on one person in a category that is the household's: the household stays in it as long
    as anybody who lives there does."""

    __tablename__ = "category_listed"
    __table_args__ = (check("days", "to_on IS NULL OR to_on >= from_on"),)

    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=32)
    category: str = Field(primary_key=True, max_length=24)
    from_on: date
    to_on: date | None = None
    told_at: datetime = Field(sa_column=moment())


class AskState(StrEnum):
    """Asked: waits for a second person. Entered and refused are final."""

    ASKED = "asked"
    ENTERED = "entered"
    REFUSED = "refused"


class CategoryAsk(SQLModel, table=True):
    """A category into which staff put a household, or one of its people, by hand: from which day, on which ground, who
    wrote it down and who agreed. Where no second person has to agree it is entered at once. `asked_for` is whom a
    stand-in wrote it down for."""

    __tablename__ = "category_ask"
    __table_args__ = (check("two", "decided_by IS NULL OR decided_by NOT IN (asked_by, asked_for)"),)

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True, max_length=32)
    person_id: str | None = Field(default=None, foreign_key="person.id", max_length=32)
    category: str = Field(max_length=24)
    benefit: str = Field(default="", max_length=8)
    from_on: date
    ground: str = Field(max_length=16)
    state: AskState = Field(default=AskState.ASKED, sa_column=choice(AskState, index=True))
    asked_by: str = Field(max_length=64)
    asked_for: str = Field(default="", max_length=64)
    asked_at: datetime = Field(sa_column=moment())
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class SuspicionState(StrEnum):
    """Open or later: a person has to look. Same: the two rows count as one person. Different: they do not."""

    OPEN = "open"
    LATER = "later"
    SAME = "same"
    DIFFERENT = "different"


class Suspicion(SQLModel, table=True):
    """Two rows that may be one person. `agreement` tells each field in a word, never a value; `facts_index` is a keyed
    fingerprint of both sides, so that a decided pair comes back only when facts have changed. `aid_seen_at`: when the
    aid of both was held against the rules after they were called the same. `changed_at`: since when facts of two that
    were called the same are other ones; they count as one until a person has looked again. `minutes` is what all looks
    together took."""

    __table_args__ = (
        UniqueConstraint("one_id", "two_id"),
        check("order", "one_id < two_id"),
        check("minutes", "minutes >= 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    one_id: str = Field(foreign_key="person.id", max_length=32)
    two_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    one_district: str = Field(index=True, max_length=6)
    two_district: str = Field(index=True, max_length=6)
    score: int = 0
    likely: bool = False
    agreement: str = Field(max_length=400)
    facts_index: str = Field(max_length=64)
    state: SuspicionState = Field(default=SuspicionState.OPEN, sa_column=choice(SuspicionState, index=True))
    reason: str = Field(default="", max_length=32)
    minutes: int = 0
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    raised_at: datetime = Field(sa_column=moment())
    aid_seen_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    changed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class WeChatTie(SQLModel, table=True):
    """One reader's WeChat signs in as one person. Of its number only a keyed index is kept. `phone_index` is the
    telephone that was proved then: with another telephone the tie is worth nothing."""

    __tablename__ = "wechat_tie"

    openid_index: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    phone_index: str = Field(max_length=64)
    tied_at: datetime = Field(sa_column=moment())


class SafeContact(SQLModel, table=True):
    """How one person may be reached who is not safe at home; sealed under its own key. Without a row: as usual."""

    __tablename__ = "safe_contact"

    person_id: str = Field(primary_key=True, foreign_key="person.id", max_length=32)
    way: Sealed | None = Field(default=None, sa_column=sealed_column())
    since_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}


class Guardian(SQLModel, table=True):
    """Who may act for a child, as the government's record has it; a child may have several. One member of staff asks
    for the end with a reason, another ends it; a link that has ended counts for nothing."""

    __table_args__ = (
        unique_where("uq_guardian_link", "child_id", "guardian_id", where="ended_at IS NULL"),
        check("two", "child_id <> guardian_id"),
        check("end", "ended_at IS NULL OR (end_asked_by IS NOT NULL AND ended_by <> end_asked_by)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    child_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    guardian_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    evidence: str = Field(max_length=120)
    verified_by: str = Field(max_length=64)
    verified_at: datetime = Field(sa_column=moment())
    end_reason: str = Field(default="", max_length=16)
    end_asked_by: str | None = Field(default=None, max_length=64)
    end_asked_for: str = Field(default="", max_length=64)
    ended_by: str | None = Field(default=None, max_length=64)
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ExportState(StrEnum):
    """Asked: waits for a second person. Agreed: who asked may take it within a day. Refused and taken are final."""

    ASKED = "asked"
    AGREED = "agreed"
    REFUSED = "refused"
    TAKEN = "taken"


class RegisterExport(SQLModel, table=True):
    """A list of people that leaves as a file: who wants it for what, who agreed, how many rows went out. It holds the
    filter and never a person. `asked_for` is whom a stand-in asked for."""

    __tablename__ = "register_export"

    id: str = Field(primary_key=True, max_length=32)
    purpose: str = Field(max_length=16)
    district_code: str = Field(index=True, max_length=6)
    category: str = Field(max_length=24)
    state: ExportState = Field(default=ExportState.ASKED, sa_column=choice(ExportState))
    asked_by: str = Field(max_length=64)
    asked_for: str = Field(default="", max_length=64)
    asked_at: datetime = Field(sa_column=moment(index=True))
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    taken_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    row_count: int = 0
