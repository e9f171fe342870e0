"""Meetings, the rows of their sheets, duties; the on-call roster and what was approved by night.

States of a meeting: open (its sheet is filled row by row) ► closed (frozen with a hash: the database refuses changes).
An urgent approval waits for its review the next working day and ends with the verdict of another approver.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.actors import hands
from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column


class MeetingState(StrEnum):
    """See the module's paragraph."""

    OPEN = "open"
    CLOSED = "closed"


class RowKind(StrEnum):
    """Left at zero by the run, or unclaimed: verified, and nothing is proposed or under way."""

    ZERO = "zero"
    UNCLAIMED = "unclaimed"


class Verdict(StrEnum):
    """What the meeting decides on one row."""

    PIN = "pin"
    BAN = "ban"
    DUTY = "duty"
    GOVERNMENT = "government"
    CLOSED = "closed"


class Meeting(SQLModel, table=True):
    """One meeting on one run, of one district or (empty) of the whole city."""

    __table_args__ = (unique_where("uq_meeting_open", "district_code", where="state = 'open'"),)

    id: str = Field(primary_key=True, max_length=32)
    run_id: str = Field(foreign_key="run.id", index=True)
    district_code: str = Field(default="", index=True, max_length=6)
    state: MeetingState = Field(sa_column=choice(MeetingState, index=True))
    row_count: int = 0
    sheet_sha256: str = Field(default="", max_length=64)
    called_by: str = Field(max_length=64)
    called_at: datetime = Field(sa_column=moment(index=True))
    closed_by: str = Field(default="", max_length=64)
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class MeetingRow(SQLModel, table=True):
    """One need on the sheet: the blocker as the run told it, the remedy, who would lose, what was decided, and the
    officer who has it by name (empty while the clock of the need says so: until the row is decided or the sheet
    frozen). Ids, codes and whole numbers only; the row has no name of anybody."""

    __tablename__ = "meeting_row"
    __table_args__ = (
        check("remedy", "remedy_units >= 0"),
        check("decided", "(verdict = '') = (decided_at IS NULL)"),
    )

    meeting_id: str = Field(primary_key=True, foreign_key="meeting.id", max_length=32)
    number: int = Field(primary_key=True)
    kind: RowKind = Field(sa_column=choice(RowKind))
    need_id: str = Field(foreign_key="need.id", index=True)
    district_code: str = Field(max_length=6)
    category: str = Field(max_length=48)
    unit: str = Field(max_length=16)
    urgency: int
    open_units: int = Field(sa_column=Column(BigInteger, nullable=False))
    blocker: str = Field(max_length=32, index=True)
    offer_id: str = Field(default="", max_length=32)
    detail: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    remedy: str = Field(max_length=32)
    remedy_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    remedy_offer_id: str = Field(default="", max_length=32)
    remedy_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    losers: int | None = None
    losers_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    loser_urgency: int | None = None
    verdict: str = Field(default="", max_length=16, index=True)
    decision_offer_id: str = Field(default="", max_length=32)
    decision_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    reason: str = Field(default="", max_length=200)
    made_id: str = Field(default="", max_length=32)
    officer_id: str = Field(default="", max_length=32)
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Duty(SQLModel, table=True):
    """One thing that one named officer has to do by a day, from a meeting or from the review of an urgent case."""

    id: str = Field(primary_key=True, max_length=32)
    meeting_id: str | None = Field(default=None, foreign_key="meeting.id", index=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    district_code: str = Field(max_length=6)
    officer_id: str = Field(foreign_key="account.id", index=True)
    task: str = Field(max_length=200)
    due_on: date
    made_by: str = Field(max_length=64)
    made_at: datetime = Field(sa_column=moment())
    taken_back: bool = False
    outcome: str = Field(default="", max_length=200)
    done_by: str = Field(default="", max_length=64)
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True, index=True))


class OnCall(SQLModel, table=True):
    """Two people who answer urgent cases between two moments: one verifies, the other approves, never the same. They
    answer for one district or (empty) for the whole city. Their telephones, to which each urgent case is told, are
    sealed under the row's own key and go when the shift is over."""

    __tablename__ = "on_call"
    __table_args__ = (
        check("two_people", "verifier_id <> approver_id"),
        check("span", "ends_at > starts_at"),
    )

    id: str = Field(primary_key=True, max_length=32)
    verifier_id: str = Field(foreign_key="account.id", index=True)
    approver_id: str = Field(foreign_key="account.id", index=True)
    district_code: str = Field(default="", index=True, max_length=6)
    verifier_phone: Sealed | None = Field(default=None, sa_column=sealed_column())
    approver_phone: Sealed | None = Field(default=None, sa_column=sealed_column())
    starts_at: datetime = Field(sa_column=moment(index=True))
    ends_at: datetime = Field(sa_column=moment(index=True))
    set_by: str = Field(max_length=64)
    set_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}


class CriticalCall(SQLModel, table=True):
    """That the pair on call was told of one critical need as it then stood: when it came in, and when it was verified.
    Once for each state, so that nobody is called twice for the same thing."""

    __tablename__ = "critical_call"

    need_id: str = Field(foreign_key="need.id", primary_key=True, max_length=32)
    state: str = Field(primary_key=True, max_length=16)
    shift_id: str = Field(index=True, max_length=32)
    told_at: datetime = Field(sa_column=moment(index=True))


class ReviewState(StrEnum):
    """What another approver made of it the next working day; regularise: the papers are to be brought."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    RECLAIM = "reclaim"
    REGULARISE = "regularise"


class UrgentApproval(SQLModel, table=True):
    """One match that the approver on call approved alone, up to the cap of one household and night. `asked`: its giver
    had to answer within hours; when it did not, the case is `passed_on` to the `next` free stock, or `nothing` was."""

    __tablename__ = "urgent_approval"
    __table_args__ = (
        check("value", "value_fen >= 0"),
        check("two_people", "verifier_id <> approver_id"),
        check(
            "reviewer", "reviewed_by = '' OR reviewed_by NOT IN (verifier_id, verifier_for, approver_id, approver_for)"
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", unique=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    night_on: date = Field(index=True)
    value_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    verifier_id: str = Field(max_length=64)
    verifier_for: str = Field(default="", max_length=64)
    approver_id: str = Field(max_length=64)
    approver_for: str = Field(default="", max_length=64)
    reason: str = Field(max_length=200)
    approved_at: datetime = Field(sa_column=moment())
    state: ReviewState = Field(sa_column=choice(ReviewState, index=True))
    review_reason: str = Field(default="", max_length=200)
    reviewed_by: str = Field(default="", max_length=64)
    reviewed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    asked: bool = False
    follows_id: str | None = Field(default=None, foreign_key="urgent_approval.id", index=True)
    passed_on: str = Field(default="", max_length=16)

    @property
    def pair(self) -> frozenset[str]:
        """Who verified and who approved it that night, each with whom it stood in for."""
        return hands(self.verifier_id, self.verifier_for, self.approver_id, self.approver_for)
