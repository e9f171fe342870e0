"""Cases, their items, steps, papers and objections.

A case is one application of one household. Its answers are codes and whole fen; names, numbers, pictures and
signatures lie sealed in `CasePaper` under the key of the person whom they concern. `opened_by` is who pressed,
`household_id` and `subject_id` are whom it is about; with a helper the two differ and `proxy_id` names the power.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, Index, UniqueConstraint, text
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.actors import Role
from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import sealed_column


class CaseState(StrEnum):
    """A draft is saved and can be come back to; a closed case has an outcome for each item."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class CaseDecision(StrEnum):
    """What came of a closed case as a whole."""

    GRANTED = "granted"
    PARTLY = "partly"
    REFUSED = "refused"


class ItemState(StrEnum):
    """Waiting: for the result of another item. Stopped: the household owes a paper, no clock runs."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPED = "stopped"
    GRANTED = "granted"
    REFUSED = "refused"
    NOT_NEEDED = "not_needed"
    WITHDRAWN = "withdrawn"


class Unit(StrEnum):
    """How the days of a limit are counted."""

    WORKING = "working_day"
    CALENDAR = "calendar_day"
    NEXT_MONTH = "next_month"


OPEN = (ItemState.WAITING, ItemState.RUNNING, ItemState.STOPPED)
ENDED = (ItemState.GRANTED, ItemState.REFUSED, ItemState.NOT_NEEDED, ItemState.WITHDRAWN)


TO_TAKE_BACK = (
    "pushed_at IS NOT NULL AND recalled_at IS NULL AND (state IN ('withdrawn', 'not_needed') OR over_on IS NOT NULL)"
)
"""Items that a department has and that are wanted no longer, which it was not told yet."""

# What was sent was signed, but for a benefit by label; a draft that was taken back never was sent.
SENT = "submitted_at IS NULL AND state IN ('draft', 'withdrawn') OR submitted_at IS NOT NULL AND state <> 'draft' AND "
SENT += "(signed_at IS NOT NULL OR channel = 'label')"


class Case(SQLModel, table=True):
    """One application. `channel` is how it came (phone, counter, home_visit, call, slip, label); `signer_id` is the
    person it is about, or a child's guardian; `review_of` the granted item whose amount is decided anew."""

    __tablename__ = "aid_case"
    __table_args__ = (
        check("sent", SENT),
        check("decided", "state <> 'closed' OR (decided_at IS NOT NULL AND decision IS NOT NULL)"),
        unique_where("uq_aid_case_draft", "household_id", "subject_id", where="state = 'draft'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    number: str = Field(unique=True, max_length=16)
    household_id: str = Field(foreign_key="household.id", index=True)
    subject_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    signer_id: str = Field(foreign_key="person.id", max_length=32)
    opened_by: str = Field(max_length=64)
    opened_for: str = Field(default="", max_length=64)
    opened_role: Role = Field(sa_column=choice(Role))
    proxy_id: str | None = Field(default=None, index=True, max_length=32)
    review_of: str | None = Field(default=None, index=True, max_length=32)
    channel: str = Field(default="phone", max_length=16)
    district_code: str = Field(index=True, max_length=6)
    office: str = Field(default="", max_length=9)
    state: CaseState = Field(default=CaseState.DRAFT, sa_column=choice(CaseState, index=True))
    answers: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    all_classes: bool = False
    hand_on: bool = False
    signed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment())
    submitted_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decision: CaseDecision | None = Field(default=None, sa_column=choice(CaseDecision, nullable=True))


class CaseItem(SQLModel, table=True):
    """One item of the one-thing table within a case. `path` names its steps; `after` are items whose results it needs.
    `due_at` is the limit of the whole item; `notice_fen` is what the first opinion names and the public notice shows;
    `paid_fen` is what was paid of it already, so that a new decision orders the difference; `over_on` is the day on
    which something granted ended, because it was decided anew or the class behind it is gone; `once_for` for whom, or
    for what, the item is had once at a time; `stops` how often its household was asked for papers; `recalled_at` when
    its department heard that it is wanted no longer; `turn` how often it was taken up anew, so that each push has a key
    of its own; `letter` the number of the department's letter; `found` as which of its classes a family was identified,
    where the item has more than one; `late_with` is who held the step that was latest; `month` is when it ended, so
    that a month is counted in the index."""

    __tablename__ = "aid_item"
    __table_args__ = (
        UniqueConstraint("case_id", "code", "path"),
        unique_where("uq_aid_item_once", "once_for", "code", where="state IN ('waiting', 'running', 'stopped')"),
        check("amount", "amount_fen >= 0"),
        check("reason", "state <> 'refused' OR reason <> ''"),
        check("decided", "(state IN ('granted', 'refused')) <= (decided_at IS NOT NULL AND decided_by <> '')"),
        Index("ix_aid_item_month", "month", "office", "code", "days_taken", "late_with", "late_cause", "stops"),
        Index(
            "ix_aid_item_back",
            "department",
            "id",
            sqlite_where=text(TO_TAKE_BACK),
            postgresql_where=text(TO_TAKE_BACK),
        ),
        Index(
            "ix_aid_item_due",
            "district_code",
            "due_at",
            "id",
            sqlite_where=text("state IN ('waiting', 'running')"),
            postgresql_where=text("state IN ('waiting', 'running')"),
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(foreign_key="aid_case.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    code: str = Field(max_length=32)
    department: str = Field(max_length=8)
    once_for: str = Field(max_length=80)
    path: str = Field(max_length=24)
    district_code: str = Field(max_length=6)
    office: str = Field(default="", max_length=9)
    after: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    state: ItemState = Field(sa_column=choice(ItemState, index=True))
    special: bool = False
    amount_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    notice_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    covered_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    paid_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    asked_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    cause: str = Field(default="", max_length=32)
    reason: str = Field(default="", max_length=48)
    note: str = Field(default="", max_length=400)
    started_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    due_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    decided_by: str = Field(default="", max_length=64)
    decided_for: str = Field(default="", max_length=64)
    holder: str = Field(default="", max_length=16)
    days_taken: int = 0
    month: str = Field(default="", max_length=7)
    late_cause: str = Field(default="", max_length=32)
    late_with: str = Field(default="", max_length=16)
    pushed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    recalled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    heard_seq: int = 0
    turn: int = 0
    letter: str = Field(default="", max_length=40)
    found: str = Field(default="", max_length=16)
    stops: int = 0
    over_on: date | None = None


_RUNS = text("ended_at IS NULL")


class CaseStep(SQLModel, table=True):
    """One step of one item. It runs between `started_at` and `due_at` unless `stopped_at` is set: then it has
    `left_days` left, and gets a new `due_at` when the household has answered. One step of an item runs at a time."""

    __tablename__ = "aid_step"
    __table_args__ = (
        check("stopped", "(stopped_at IS NULL) = (left_days IS NULL)"),
        check("limit", "limit_days > 0"),
        unique_where("uq_aid_step_running", "item_id", where="ended_at IS NULL"),
        Index("ix_aid_step_due", "code", "due_at", sqlite_where=_RUNS, postgresql_where=_RUNS),
    )

    id: str = Field(primary_key=True, max_length=32)
    item_id: str = Field(foreign_key="aid_item.id", index=True)
    case_id: str = Field(foreign_key="aid_case.id", index=True)
    no: int
    code: str = Field(max_length=32)
    holder: str = Field(max_length=16)
    limit_days: int
    unit: Unit = Field(sa_column=choice(Unit))
    started_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment())
    stopped_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    left_days: int | None = None
    stopped_days: int = 0
    ran_from: datetime = Field(sa_column=moment())
    stopped_for: str = Field(default="", max_length=400)
    urged: int = 0
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by: str = Field(default="", max_length=64)
    ended_for: str = Field(default="", max_length=64)
    outcome: str = Field(default="", max_length=32)


class Escalation(SQLModel, table=True):
    """A late step climbed to a level of the ladder (1: 80 %, 2: 100 %, 3: 120 %, 4: 150 %); a named person was told."""

    __tablename__ = "aid_escalation"
    __table_args__ = (UniqueConstraint("step_id", "level"), check("level", "level BETWEEN 1 AND 4"))

    id: str = Field(primary_key=True, max_length=32)
    step_id: str = Field(foreign_key="aid_step.id", index=True)
    item_id: str = Field(foreign_key="aid_item.id", index=True)
    level: int
    account_id: str | None = Field(default=None, foreign_key="account.id")
    raised_at: datetime = Field(sa_column=moment())


class PaperKind(StrEnum):
    """What lies sealed: the photo of an identity card, a bill, or the signature under the authorisation."""

    ID_PHOTO = "id_photo"
    BILL = "bill"
    TYPED = "typed_name"
    DRAWN = "drawn_name"
    THUMBPRINT = "thumbprint"
    WITNESSED = "witnessed"
    SPOKEN = "spoken"
    BY_AGENT = "by_agent"


class CasePaper(SQLModel, table=True):
    """One sealed paper of a case, under the key of the person it concerns."""

    __tablename__ = "aid_paper"
    __table_args__ = (check("size", "size_bytes >= 0"),)

    id: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(foreign_key="aid_case.id", index=True)
    kind: PaperKind = Field(sa_column=choice(PaperKind))
    person_id: str = Field(foreign_key="person.id", max_length=32)
    body: Any = Field(default=None, sa_column=sealed_column())
    size_bytes: int = 0
    wording: str = Field(default="", max_length=24)
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())


class Objection(SQLModel, table=True):
    """Somebody objected to a public notice; the answer closes it and the notice runs three days more. Of the code with
    which the answer is found only an index is kept."""

    __tablename__ = "aid_objection"

    id: str = Field(primary_key=True, max_length=32)
    item_id: str = Field(foreign_key="aid_item.id", index=True)
    text: Any = Field(default=None, sa_column=sealed_column())
    raised_at: datetime = Field(sa_column=moment())
    code_index: str = Field(default="", index=True, max_length=64)
    finding: str = Field(default="", max_length=400)
    upheld: bool = False
    answered_by: str = Field(default="", max_length=64)
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class DepartmentFeed(SQLModel, table=True):
    """How far the results of one department have been read."""

    __tablename__ = "department_feed"

    department: str = Field(primary_key=True, max_length=8)
    cursor: str = Field(default="", max_length=200)
    pulled_at: datetime = Field(sa_column=moment())
