"""Requests by right, what a correction or a death touched, disputes of a department's fact, deaths, erasures to come.

Words, new values and answers may hold personal data: they are envelopes under the asking person's own key, so that its
erasure reaches them too.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column


class RightKind(StrEnum):
    """The eight rights (PIPL 24, 44–50)."""

    SEE = "see"
    COPY = "copy"
    CORRECT = "correct"
    MOVE = "move"
    ERASE = "erase"
    EXPLAIN = "explain"
    COMPLAIN = "complain"
    BY_HAND = "by_hand"


class RequestState(StrEnum):
    """Open waits for staff; second waits for another person (erasure only); the others are answers."""

    OPEN = "open"
    SECOND = "second"
    DONE = "done"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"


class RightRequest(SQLModel, table=True):
    """One request of one person. `capacity` is self, helper or kin (near kin after a death, with its evidence)."""

    __tablename__ = "right_request"
    __table_args__ = (
        check("two_people", "second_by = '' OR second_by <> answered_by"),
        unique_where("uq_right_request_open", "person_id", "kind", "field", where="state IN ('open', 'second')"),
    )

    id: str = Field(primary_key=True, max_length=32)
    kind: RightKind = Field(sa_column=choice(RightKind, index=True))
    state: RequestState = Field(default=RequestState.OPEN, sa_column=choice(RequestState, index=True))
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True)
    district_code: str = Field(max_length=6, index=True)
    capacity: str = Field(default="self", max_length=16)
    evidence: str = Field(default="", max_length=120)
    field: str = Field(default="", max_length=32)
    words: Sealed | None = Field(default=None, sa_column=sealed_column())
    new_value: Sealed | None = Field(default=None, sa_column=sealed_column())
    answer: Sealed | None = Field(default=None, sa_column=sealed_column())
    reason_code: str = Field(default="", max_length=32)
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_column=moment(index=True))
    due_at: datetime = Field(sa_column=moment())
    answered_by: str = Field(default="", max_length=64)
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    second_by: str = Field(default="", max_length=64)

    model_config = {"arbitrary_types_allowed": True}


class ReviewState(StrEnum):
    """Waiting for a person; kept or ended by one; listed only, because the aid had been delivered or was over."""

    WAITING = "waiting"
    KEPT = "kept"
    ENDED = "ended"
    LISTED = "listed"


class MatchReview(SQLModel, table=True):
    """One match that stood on a fact that has changed, with what asking again found (`sound`, or the first reason)."""

    __tablename__ = "match_review"

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    cause: str = Field(max_length=16)
    cause_ref: str = Field(max_length=32, index=True)
    field: str = Field(default="", max_length=32)
    finding: str = Field(max_length=48)
    state: ReviewState = Field(sa_column=choice(ReviewState, index=True))
    found_at: datetime = Field(sa_column=moment())
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class DisputeState(StrEnum):
    """Open at the source; the source corrected its fact, or upheld it."""

    OPEN = "open"
    CORRECTED = "corrected"
    UPHELD = "upheld"


class SourceDispute(SQLModel, table=True):
    """A fact that a department delivered and the household says is wrong: the source is asked, with a limit."""

    __tablename__ = "source_dispute"
    __table_args__ = (unique_where("uq_source_dispute_open", "request_id", where="state = 'open'"),)

    id: str = Field(primary_key=True, max_length=32)
    request_id: str = Field(foreign_key="right_request.id", index=True)
    source: str = Field(max_length=32)
    field: str = Field(max_length=32)
    state: DisputeState = Field(default=DisputeState.OPEN, sa_column=choice(DisputeState, index=True))
    opened_by: str = Field(max_length=64)
    opened_at: datetime = Field(sa_column=moment())
    due_at: datetime = Field(sa_column=moment())
    answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Death(SQLModel, table=True):
    """A person died, as staff recorded it, with where they know it from."""

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    household_id: str = Field(foreign_key="household.id", index=True)
    died_on: date
    evidence: str = Field(max_length=120)
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())


class Erasure(SQLModel, table=True):
    """When a person's data are destroyed: set when nothing of its household is open, taken back if that changes."""

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    household_id: str = Field(foreign_key="household.id", index=True)
    erase_at: datetime = Field(sa_column=moment(index=True))
    cause: str = Field(max_length=16)
    erased_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
