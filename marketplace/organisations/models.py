"""Givers, the agreements under which they give, and the people whom each of them may not help.

An organisation applies, is registered, and acts only once a second person has approved its agreement: the number, the
term, and the purposes for which it may ever be told anything of anybody. Of related people nothing is kept but a keyed
index of the ID number and the giver's own reference.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


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
    """Only an active organisation may post, be matched or read. One that applied waits for two people."""

    APPLIED = "applied"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    REFUSED = "refused"


class Organisation(SQLModel, table=True):
    """One giver. Contract and purposes are copies of its approved agreement; `yearly_budget_fen` is the most money it
    gives in a calendar year, by its own word; `income_fen` what came in in `income_year`, or in the mean of the three
    years up to it, of a foundation that may raise funds in public. A charitable trust names its trustee, its supervisor
    and its filing. A department, branch or campus without a code of its own has that of its whole and a `part` number,
    which says nothing but that it came in later."""

    __table_args__ = (
        UniqueConstraint("credit_code", "part", name="uq_organisation_credit_code"),
        check("part", "part >= 0"),
        check("budget", "yearly_budget_fen IS NULL OR yearly_budget_fen >= 0"),
        check("income", "income_fen IS NULL OR (income_fen >= 0 AND income_year IS NOT NULL)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=120)
    kind: OrganisationKind = Field(sa_column=choice(OrganisationKind))
    credit_code: str = Field(max_length=18)
    part: int = 0
    contact: str = Field(default="", max_length=120)
    on_call_contact: str = Field(default="", max_length=120)
    state: OrganisationState = Field(default=OrganisationState.ACTIVE, sa_column=choice(OrganisationState))
    state_reason: str = Field(default="", max_length=32)
    contract_ref: str = Field(default="", max_length=64)
    contract_from: date | None = None
    contract_to: date | None = Field(default=None, index=True)
    purposes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    yearly_budget_fen: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    income_fen: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    income_year: int | None = None
    trustee: str = Field(default="", max_length=120)
    supervisor: str = Field(default="", max_length=120)
    filing_ref: str = Field(default="", max_length=64)
    created_at: datetime = Field(sa_column=moment())


class AgreementState(StrEnum):
    """A proposed agreement waits for a second person; a dated one is approved and waits for its first day."""

    PROPOSED = "proposed"
    DATED = "dated"
    APPROVED = "approved"
    REFUSED = "refused"


class Agreement(SQLModel, table=True):
    """One agreement with a giver, from the first or a renewal. Whoever proposes it never decides on it."""

    __table_args__ = (
        check("two_people", "decided_by IS NULL OR decided_by <> proposed_by"),
        check("decided", "(state = 'proposed') = (decided_by IS NULL)"),
        check("term", "valid_to > valid_from"),
        unique_where("uq_agreement_proposed", "org_id", where="state = 'proposed'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    number: str = Field(default="", max_length=64)
    valid_from: date
    valid_to: date
    purposes: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    state: AgreementState = Field(default=AgreementState.PROPOSED, sa_column=choice(AgreementState))
    proposed_by: str = Field(max_length=64)
    proposed_at: datetime = Field(sa_column=moment())
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Relation(StrEnum):
    """What makes a person related to a giver in the sense of the Charity Law (articles 40, 46 and 59)."""

    MANAGER = "manager"
    DONOR = "donor"
    TRUSTEE = "trustee"
    STAFF = "staff"


class RelatedPerson(SQLModel, table=True):
    """One person whom this giver may not help. The ID number is not kept, only its keyed index."""

    __tablename__ = "related_person"
    __table_args__ = (UniqueConstraint("org_id", "reference", name="uq_related_person_reference"),)

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    reference: str = Field(max_length=32)
    relation: Relation = Field(sa_column=choice(Relation))
    id_number_index: str = Field(index=True, max_length=64)
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_column=moment())


class PairState(StrEnum):
    """Open: a person has to look. Same: one organisation under two codes. Part: one is a department, branch or campus
    of the other. Different: they have nothing to do with each other."""

    OPEN = "open"
    SAME = "same"
    PART = "part"
    DIFFERENT = "different"


class OrganisationPair(SQLModel, table=True):
    """Two organisations that may be one. `said` is what their names and codes say, `facts` those names and codes: a
    decided pair comes back only when they change. Of a part, `whole_id` is what it is part of. `minutes` is what all
    looks together took."""

    __tablename__ = "organisation_pair"
    __table_args__ = (
        UniqueConstraint("one_id", "two_id", name="uq_organisation_pair"),
        check("order", "one_id < two_id"),
        check("whole", "(state = 'part') = (whole_id IS NOT NULL)"),
        check("minutes", "minutes >= 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    one_id: str = Field(foreign_key="organisation.id")
    two_id: str = Field(foreign_key="organisation.id", index=True)
    said: str = Field(max_length=16)
    facts: str = Field(max_length=300)
    state: PairState = Field(default=PairState.OPEN, sa_column=choice(PairState, index=True))
    whole_id: str | None = Field(default=None, foreign_key="organisation.id")
    reason: str = Field(default="", max_length=32)
    minutes: int = 0
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    raised_at: datetime = Field(sa_column=moment())


class OrganisationAlias(SQLModel, table=True):
    """Another name under which an organisation is known, or its `own` one. `key` is the name in one form."""

    __tablename__ = "organisation_alias"

    id: str = Field(primary_key=True, max_length=32)
    key: str = Field(unique=True, max_length=120)
    name: str = Field(max_length=120)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    own: bool = False
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_column=moment())


class ReportedName(SQLModel, table=True):
    """A giver's name in reported aid that is near to an organisation here (`said`: same, part or review) and is none of
    its names. Open while `decided_at` is empty; decided: it is another giver."""

    __tablename__ = "reported_name"

    id: str = Field(primary_key=True, max_length=32)
    key: str = Field(unique=True, max_length=120)
    name: str = Field(max_length=120)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    said: str = Field(max_length=16)
    raised_at: datetime = Field(sa_column=moment())
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
