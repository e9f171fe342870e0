"""Insurance cases, and payouts that make a charity's match too large.

A case is what an insurer does for one accepted match. States of an enrolment: enrol ► enrolled, or not_enrolled. Of a
claim: find (is there cover?) ► help (which papers are missing?) ► papers (the household hands them in) ► answer ► paid
or refused, or papers again; no_cover ends it early. A case whose match ends in another way is `ended`.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column


class CaseKind(StrEnum):
    """What the match promised."""

    ENROL = "enrol"
    CLAIM = "claim"


class CaseState(StrEnum):
    """See the module's paragraph."""

    ENROL = "enrol"
    FIND = "find"
    HELP = "help"
    PAPERS = "papers"
    ANSWER = "answer"
    ENROLLED = "enrolled"
    NOT_ENROLLED = "not_enrolled"
    NO_COVER = "no_cover"
    PAID = "paid"
    REFUSED = "refused"
    ENDED = "ended"


WAITING = (CaseState.ENROL, CaseState.FIND, CaseState.HELP, CaseState.PAPERS, CaseState.ANSWER)
"""What still waits for the insurer or the household."""


class InsuranceCase(SQLModel, table=True):
    """One match in an insurer's hands. `reference` is ours and stands in its files; the policy number is sealed under
    the key of the person who gave the consent."""

    __tablename__ = "insurance_case"
    __table_args__ = (
        check("payout", "payout_fen >= 0"),
        check("paid", "(state = 'paid') = (payout_fen > 0)"),
    )

    id: str = Field(primary_key=True, max_length=32)
    reference: str = Field(unique=True, max_length=16)
    match_id: str = Field(foreign_key="match.id", unique=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id")
    district_code: str = Field(index=True, max_length=6)
    kind: CaseKind = Field(sa_column=choice(CaseKind))
    state: CaseState = Field(sa_column=choice(CaseState, index=True))
    urgent: bool = False
    scheme: str = Field(default="", max_length=16)
    policy_number: Sealed | None = Field(default=None, sa_column=sealed_column())
    papers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    reason_code: str = Field(default="", max_length=48)
    category: str = Field(default="", max_length=48)
    payout_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    paid_on: date | None = None
    payout_key: str = Field(default="", max_length=32)
    """The correction under which the payout stands in the ledger; empty: as it was first told."""
    opened_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment(index=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

    model_config = {"arbitrary_types_allowed": True}


class PayoutChange(SQLModel, table=True):
    """A payout that was told and is not so: what is true (`fen` 0: nothing was paid) and why. It counts once another
    person has agreed; one at a time is open."""

    __tablename__ = "payout_change"
    __table_args__ = (
        check("fen", "fen >= 0"),
        check("payout", "(fen > 0) = (paid_on IS NOT NULL)"),
        check("two_people", "decided_by IS NULL OR decided_by <> asked_by"),
        unique_where("uq_payout_change_open", "case_id", where="decided_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(foreign_key="insurance_case.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    category: str = Field(default="", max_length=48)
    fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    paid_on: date | None = None
    reason_code: str = Field(max_length=32)
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment(index=True))
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    agreed: bool = False


class PayoutOverlap(SQLModel, table=True):
    """A payout and open charity money that together exceed one need by `over_fen`: a person decides what gives way.
    Open while `settled_at` is empty; `decision` says how it ended."""

    __tablename__ = "payout_overlap"
    __table_args__ = (
        check("over", "over_fen >= 0"),
        unique_where("uq_payout_overlap_open", "case_id", "need_id", where="settled_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(foreign_key="insurance_case.id", index=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    over_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    decision: str = Field(default="", max_length=32)
    settled_by: str = Field(default="", max_length=64)
    settled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment(index=True))
