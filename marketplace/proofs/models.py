"""Evidence of a delivery, the numbers of a giver's papers, and what may be shown in public.

A proof belongs to one match; what it holds is sealed under the key of the household's contact person, so erasing that
person erases it. A receipt or invoice is issued elsewhere (R1.24): only its number is kept, once for each giver.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Text
from sqlmodel import Column, Field, Index, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import sealed_column


class ProofKind(StrEnum):
    """How it was proven: ticked in a list, the code scanned, a photo, a name typed or drawn, a paper slip."""

    BATCH = "batch"
    SCAN = "scan"
    PHOTO = "photo"
    TYPED = "typed_name"
    DRAWN = "drawn_name"
    SLIP = "paper_slip"


class Proof(SQLModel, table=True):
    """One piece of evidence; `body` is empty for a tick or a scan, and after the day until which the consent let it be
    kept. Nothing else is changed afterwards, but for the mark that a photo may be shown in public."""

    __table_args__ = (check("size", "size_bytes >= 0"),)

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", index=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    kind: ProofKind = Field(sa_column=choice(ProofKind))
    person_id: str = Field(foreign_key="person.id", max_length=32)
    body: Any = Field(default=None, sa_column=sealed_column())
    size_bytes: int = 0
    envelope_sha256: str = Field(default="", max_length=64)
    for_publicity: bool = False
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment(index=True))


class PaperKind(StrEnum):
    """A donation receipt under the finance authority, or an invoice of the tax authority."""

    DONATION_RECEIPT = "donation_receipt"
    INVOICE = "invoice"


class Paper(SQLModel, table=True):
    """The number of a receipt or invoice that was issued elsewhere; unique for each giver and kind among those that
    stand. A struck one was mistyped or voided: it stays with its reason, counts nowhere, and its number is free."""

    __table_args__ = (
        check("amount", "amount_fen > 0"),
        check("struck", "(struck_at IS NULL) = (struck_reason = '')"),
        unique_where("uq_paper_org_kind_number", "org_id", "kind", "number", where="struck_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    offer_id: str | None = Field(default=None, foreign_key="offer.id", index=True)
    kind: PaperKind = Field(sa_column=choice(PaperKind))
    number: str = Field(max_length=32)
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    issued_on: date = Field(index=True)
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())
    struck_reason: str = Field(default="", max_length=32)
    struck_by: str = Field(default="", max_length=64)
    struck_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Project(SQLModel, table=True):
    """Some of a giver's offers that are reported together, with its days (R1.23); while it answers an emergency that an
    authority has announced (`emergency_ref`), it reports every five days (Charity Law, article 72)."""

    __table_args__ = (
        check("days", "ends_on IS NULL OR ends_on > starts_on"),
        check("emergency", "emergency_to_on IS NULL OR emergency_to_on >= emergency_from_on"),
        check("emergency_ref", "(emergency_from_on IS NULL) = (emergency_ref = '')"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    title: str = Field(max_length=120)
    starts_on: date
    ends_on: date | None = None
    emergency_from_on: date | None = None
    emergency_to_on: date | None = None
    emergency_ref: str = Field(default="", max_length=120)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())


class ProjectOffer(SQLModel, table=True):
    """An offer stands in one project at most, so that nothing is reported twice."""

    __tablename__ = "project_offer"

    offer_id: str = Field(primary_key=True, foreign_key="offer.id", max_length=32)
    project_id: str = Field(foreign_key="project.id", index=True)


class ProjectReportKind(StrEnum):
    """One of five days while an emergency lasts, one of three months, or the whole project after its end."""

    EMERGENCY = "emergency"
    QUARTER = "quarter"
    FINAL = "final"


class ProjectReport(SQLModel, table=True):
    """A report as it was filed: its figures as canonical JSON with their hash, never changed by the house. What is not
    filed is not stored but counted anew at each look."""

    __tablename__ = "project_report"
    __table_args__ = (
        check("version", "version >= 1"),
        Index("uq_project_report_version", "project_id", "kind", "from_on", "version", unique=True),
    )

    id: str = Field(primary_key=True, max_length=32)
    project_id: str = Field(foreign_key="project.id", index=True)
    kind: ProjectReportKind = Field(sa_column=choice(ProjectReportKind))
    from_on: date
    to_on: date
    version: int = 1
    content: str = Field(sa_column=Column(Text, nullable=False))
    sha256: str = Field(max_length=64)
    filed_by: str = Field(max_length=64)
    filed_at: datetime = Field(sa_column=moment())


class ReportPhoto(SQLModel, table=True):
    """A photo that a filed report shows; so a household that withdraws can be told where it stands."""

    __tablename__ = "report_photo"

    report_id: str = Field(primary_key=True, foreign_key="project_report.id", max_length=32)
    proof_id: str = Field(primary_key=True, foreign_key="proof.id", max_length=32, index=True)
