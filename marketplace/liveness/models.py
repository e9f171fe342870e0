"""Who is asked, each asking with its outcome, and the separate consent to a face check.

A check never ends a benefit: its states say whether the person was seen, and by whom. No picture of a face has a column
here; of a face check only the provider's number and the hash of its signed answer are kept.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlmodel import Field, SQLModel

from marketplace.actors import Role
from marketplace.db import check, choice, moment, unique_where


class CheckState(StrEnum):
    """Open: the person is asked. Visit: nobody answered in time, or a record says something else, so somebody goes."""

    OPEN = "open"
    VISIT = "visit"
    SEEN = "seen"
    DIED = "died"
    DETAINED = "detained"
    DROPPED = "dropped"


class CheckCause(StrEnum):
    """Why there is a check: its day came, or a record raised a doubt."""

    SCHEDULE = "schedule"
    DEATH = "death"
    DETENTION = "detention"


class Way(StrEnum):
    """The equal ways to be seen."""

    FACE = "face"
    CODE = "code"
    VIDEO = "video"
    HOME = "home"
    COUNTER = "counter"


WAITING = (CheckState.OPEN, CheckState.VISIT)


class SurvivalDuty(SQLModel, table=True):
    """One person draws one running benefit and is seen again by `next_on`. Only a person of the staff ends it."""

    __tablename__ = "survival_duty"
    __table_args__ = (unique_where("uq_survival_duty", "person_id", "kind", where="ended_at IS NULL"),)

    id: str = Field(primary_key=True, max_length=32)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(max_length=6)
    kind: str = Field(max_length=16)
    next_on: date = Field(index=True)
    begun_by: str = Field(max_length=64)
    begun_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    ended_by: str = Field(default="", max_length=64)
    end_reason: str = Field(default="", max_length=32)


class SurvivalCheck(SQLModel, table=True):
    """One asking of one person, for all its benefits at once. `done_by` differs from the person where a helper or staff
    acted. `face_ref` is the number of a face check that is under way."""

    __tablename__ = "survival_check"
    __table_args__ = (
        unique_where("uq_survival_check_waiting", "person_id", where="state IN ('open', 'visit')"),
        check("done", "(state IN ('open', 'visit')) = (done_at IS NULL)"),
        check("seen", "state <> 'seen' OR way IS NOT NULL"),
        check("tries", "tries >= 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    cause: CheckCause = Field(sa_column=choice(CheckCause))
    evidence: str = Field(default="", max_length=120)
    state: CheckState = Field(default=CheckState.OPEN, sa_column=choice(CheckState, index=True))
    due_on: date
    opened_by: str = Field(max_length=64)
    opened_at: datetime = Field(sa_column=moment())
    wish: str = Field(default="", max_length=16)
    tries: int = 0
    way: Way | None = Field(default=None, sa_column=choice(Way, nullable=True))
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    done_by: str = Field(default="", max_length=64)
    done_role: Role | None = Field(default=None, sa_column=choice(Role, nullable=True))
    note: str = Field(default="", max_length=200)
    face_ref: str = Field(default="", max_length=64)
    face_sha256: str = Field(default="", max_length=64)


class FaceConsent(SQLModel, table=True):
    """The yes of one person to face checks, apart from every other consent; taking it back ends it at once."""

    __tablename__ = "face_consent"
    __table_args__ = (unique_where("uq_face_consent", "person_id", where="withdrawn_at IS NULL"),)

    id: str = Field(primary_key=True, max_length=32)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    notice_sha256: str = Field(max_length=64)
    given_at: datetime = Field(sa_column=moment())
    withdrawn_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
