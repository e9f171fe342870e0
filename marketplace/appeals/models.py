"""What somebody says is wrong, and what was answered.

The words and the answer lie sealed under a key of the appeal's own. A report of a demanded favour may name nobody: then
there is no household, and the reporter finds the answer by a code of which only an index is kept.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import sealed_column


class AppealKind(StrEnum):
    """Against a decision; about a deed; or that somebody demanded money, a gift or a favour."""

    APPEAL = "appeal"
    COMPLAINT = "complaint"
    FAVOURS = "favours"


class AppealState(StrEnum):
    """Open until a person has answered."""

    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"
    ANSWERED = "answered"
    WITHDRAWN = "withdrawn"


class Appeal(SQLModel, table=True):
    """One of them. `object_ref` is what it is about, such as ``match:…``; `office` is who is named; `decided_by` and
    `seconded_by` made the decision, `decided_for` and `seconded_for` had it made by a stand-in: none answers. A
    complaint is the own affair of one person, `complainant`; an appeal is the household's."""

    __table_args__ = (
        check("answered", "(state IN ('open', 'withdrawn')) = (answered_at IS NULL)"),
        check("about", "kind <> 'appeal' OR object_ref <> ''"),
        check("household", "kind = 'favours' OR household_id IS NOT NULL"),
        check("another", "answered_by = '' OR answered_by NOT IN (decided_by, decided_for, seconded_by, seconded_for)"),
        unique_where("uq_appeal_open", "household_id", "kind", "object_ref", "complainant", where="state = 'open'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    kind: AppealKind = Field(sa_column=choice(AppealKind))
    state: AppealState = Field(default=AppealState.OPEN, sa_column=choice(AppealState, index=True))
    object_ref: str = Field(default="", index=True, max_length=64)
    household_id: str | None = Field(default=None, foreign_key="household.id", index=True)
    district_code: str = Field(default="", index=True, max_length=6)
    office: str = Field(default="", max_length=16)
    decided_by: str = Field(default="", max_length=64)
    decided_for: str = Field(default="", max_length=64)
    seconded_by: str = Field(default="", max_length=64)
    seconded_for: str = Field(default="", max_length=64)
    words: Any = Field(default=None, sa_column=sealed_column())
    answer: Any = Field(default=None, sa_column=sealed_column())
    code_index: str = Field(default="", index=True, max_length=64)
    complainant: str = Field(default="", max_length=32)
    raised_by: str = Field(max_length=64)
    raised_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment())
    answered_by: str = Field(default="", max_length=64)
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
