"""Reports and the rows they were counted from.

States of a report: draft (it may be counted again) ► published (frozen: neither it nor its rows can be changed, the
database refuses it). A later correction is a new version with its reason; the old one stays readable.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class ReportState(StrEnum):
    """See the module's paragraph."""

    DRAFT = "draft"
    PUBLISHED = "published"


class Figure(StrEnum):
    """What a row is counted under."""

    RECEIVED = "received"
    GIVEN = "given"
    REPORTED = "reported"
    UNMET = "unmet"
    DECLINED = "declined"
    ENDED = "ended"
    RETURNED = "returned"
    RESULT = "result"
    FOLLOWED = "followed"


class Report(SQLModel, table=True):
    """One month, or one year, of one giver or of the whole city (`scope` is the organisation's id, or "city"). Who the
    giver is stands as it was when the report was counted."""

    __table_args__ = (
        check("version", "version >= 1"),
        Index("uq_report_scope_month_version", "scope", "month", "version", unique=True),
        unique_where("uq_report_draft", "scope", "month", where="state = 'draft'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    scope: str = Field(max_length=32, index=True)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    month: str = Field(max_length=7, index=True)
    version: int = 1
    state: ReportState = Field(sa_column=choice(ReportState, index=True))
    note: str = Field(default="", max_length=200)
    giver_name: str = Field(default="", max_length=120)
    giver_kind: str = Field(default="", max_length=32)
    trustee: str = Field(default="", max_length=120)
    supervisor: str = Field(default="", max_length=120)
    filing_ref: str = Field(default="", max_length=64)
    row_count: int = 0
    rows_sha256: str = Field(default="", max_length=64)
    prepared_by: str = Field(max_length=64)
    prepared_at: datetime = Field(sa_column=moment())
    published_by: str = Field(default="", max_length=64)
    published_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class ReportRow(SQLModel, table=True):
    """One match, need, receipt or ledger row as it stood when the report was counted; pseudonyms and numbers only. A
    receipt has no household. `month` is the one its moment lies in; minutes that nobody told are unknown."""

    __tablename__ = "report_row"
    __table_args__ = (
        Index("ix_report_row_figure_category", "report_id", "figure", "category"),
        Index("ix_report_row_figure_object", "report_id", "figure", "object_ref"),
    )

    report_id: str = Field(primary_key=True, foreign_key="report.id", max_length=32)
    number: int = Field(primary_key=True)
    figure: Figure = Field(sa_column=choice(Figure))
    object_ref: str = Field(max_length=32)
    household_id: str = Field(max_length=32)
    people: int = 1
    category: str = Field(max_length=48)
    unit: str = Field(max_length=16)
    district_code: str = Field(max_length=6)
    reason: str = Field(default="", max_length=48)
    units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    days: int | None = None
    satisfaction: int | None = None
    minutes: int | None = None
    helper_minutes: int | None = None
    month: str = Field(default="", max_length=7)
