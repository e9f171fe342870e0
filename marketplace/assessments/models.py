"""Impact assessments (PIPL 55–56): one per purpose and kind of recipient, with the fields it covers. Two persons."""

from datetime import datetime
from enum import StrEnum

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class AssessmentState(StrEnum):
    """A draft permits nothing; approved stands until it is withdrawn, replaced or too old."""

    DRAFT = "draft"
    APPROVED = "approved"
    REPLACED = "replaced"
    WITHDRAWN = "withdrawn"


class Assessment(SQLModel, table=True):
    """Why the data are needed, what could go wrong for a person, what is done against it. Kept for three years.
    `written_for` is whom a stand-in wrote for."""

    __table_args__ = (
        check("two_people", "approved_by = '' OR approved_by NOT IN (written_by, written_for)"),
        check("approved", "state <> 'approved' OR (approved_by <> '' AND approved_at IS NOT NULL)"),
        unique_where("uq_assessment_standing", "purpose", "recipient_kind", where="state = 'approved'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    purpose: str = Field(max_length=32, index=True)
    recipient_kind: str = Field(max_length=32)
    data_fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    necessity: str = Field(max_length=400)
    risks: str = Field(max_length=400)
    measures: str = Field(max_length=400)
    state: AssessmentState = Field(default=AssessmentState.DRAFT, sa_column=choice(AssessmentState, index=True))
    written_by: str = Field(max_length=64)
    written_for: str = Field(default="", max_length=64)
    written_at: datetime = Field(sa_column=moment())
    approved_by: str = Field(default="", max_length=64)
    approved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    valid_to: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
