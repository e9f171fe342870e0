"""Decisions of people on proposed lines, and the match that follows an approval until a follow-up closes it.

States of a match: awaiting_second (an amount above the limit waits for a second approver) ► awaiting_giver (the
giver answers; a standing yes skips this) ► awaiting_household (the household accepts with a separate consent, or
declines) ► in_delivery ► delivered (the giver says so) ► confirmed (the household says so) ► closed (somebody asked
how it went). Ends without aid: rejected, declined_giver, declined_household, cancelled (a consent was withdrawn, or
staff or the giver ended it), expired_giver, expired_household (nobody answered), returned (nothing arrived),
given_back. held: the consent for a match under way was withdrawn, nothing is paid or sent, and a person asks whether
the household says yes again. After a yes: reclaiming (the giver asks its aid back, with a reason) ► reclaimed, or where
it was before.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class MatchState(StrEnum):
    """See the module's paragraph."""

    AWAITING_SECOND = "awaiting_second"
    AWAITING_GIVER = "awaiting_giver"
    AWAITING_HOUSEHOLD = "awaiting_household"
    IN_DELIVERY = "in_delivery"
    DELIVERED = "delivered"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DECLINED_GIVER = "declined_giver"
    DECLINED_HOUSEHOLD = "declined_household"
    CANCELLED = "cancelled"
    RETURNED = "returned"
    CLOSED = "closed"
    EXPIRED_GIVER = "expired_giver"
    EXPIRED_HOUSEHOLD = "expired_household"
    GIVEN_BACK = "given_back"
    RECLAIMING = "reclaiming"
    RECLAIMED = "reclaimed"
    HELD = "held"


OPEN = (
    MatchState.AWAITING_SECOND,
    MatchState.AWAITING_GIVER,
    MatchState.AWAITING_HOUSEHOLD,
    MatchState.IN_DELIVERY,
    MatchState.DELIVERED,
    MatchState.HELD,
)
"""What still waits for the giver, the household or an approver; only one of these may exist for a need and an offer."""


UNDER_WAY = (MatchState.IN_DELIVERY, MatchState.DELIVERED)
"""What a giver has taken on and the household has not confirmed yet."""
RUNNING = (*OPEN, MatchState.CONFIRMED, MatchState.RECLAIMING)
"""Matches that still wait for somebody, be it for the last look after the household's yes, or for what goes back."""


def in_states(states: Iterable[MatchState], /) -> str:
    """The condition as an index over just these matches is written: only a query with the very same words uses it.

    >>> in_states(UNDER_WAY)
    "state IN ('delivered', 'in_delivery')"
    """
    return f"state IN ({', '.join(sorted(repr(state.value) for state in states))})"


def _listed(name: str, states: Iterable[MatchState], *columns: str) -> Index:
    """An index in the order of a list over just its matches, so that a far page costs little more than the first. It
    holds all that a page is found by, so that no row is read on the way there."""
    only = text(in_states(states))
    held = (*columns, "updated_at", "id", "state", "district_code")
    return Index(name, *held, sqlite_where=only, postgresql_where=only)


class Match(SQLModel, table=True):
    """One approved line on its way to the household; `short_units` of it were approved but not given. `held_for` names
    why nobody may move it before a person has looked (see `holding`); `at_once`: the person on call alone approved;
    `help_only`: a claim was refused, so nothing came but the help with it;
    `asked_at`: when the rules against helping twice last said yes to it; `paid_at`: since when the bank, or an insurer,
    says that it has paid, and has not said since that the money came back."""

    __table_args__ = (
        Index("ix_match_waiting", "state", "updated_at", "id", "district_code"),
        Index("ix_match_of_giver", "org_id", "state", "updated_at", "id"),
        _listed("ix_match_open", OPEN),
        _listed("ix_match_under_way", UNDER_WAY, "org_id"),
        check("units", "units > 0"),
        check("short", "short_units >= 0"),
        check("two_people", "second_approver_id IS NULL OR second_approver_id NOT IN (approver_id, approver_for)"),
        unique_where(
            "uq_match_live",
            "need_id",
            "offer_id",
            where="state IN ('awaiting_second', 'awaiting_giver', 'awaiting_household', 'in_delivery', 'delivered',"
            " 'held')",
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    line_id: str = Field(foreign_key="proposed_line.id", unique=True)
    need_id: str = Field(foreign_key="need.id", index=True)
    offer_id: str = Field(foreign_key="offer.id", index=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    short_units: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    state: MatchState = Field(sa_column=choice(MatchState, index=True))
    ledger_entry_id: str = Field(foreign_key="ledger_entry.id", unique=True)
    approver_id: str = Field(max_length=64)
    approver_for: str = Field(default="", max_length=64)
    second_approver_id: str | None = Field(default=None, max_length=64)
    second_approver_for: str = Field(default="", max_length=64)
    consent_chain_id: str | None = Field(default=None, max_length=32)
    consent_version: int | None = None
    reason_code: str = Field(default="", max_length=48)
    delivery_note: str = Field(default="", max_length=200)
    held_for: str = Field(default="", max_length=16)
    at_once: bool = False
    help_only: bool = False
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment(index=True))
    giver_answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    household_answered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    asked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True, index=True))
    paid_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    delivered_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    confirmed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class LineDecision(SQLModel, table=True):
    """What one person decided on one line, with the reason; never changed afterwards."""

    __tablename__ = "line_decision"

    id: str = Field(primary_key=True, max_length=32)
    line_id: str = Field(foreign_key="proposed_line.id", index=True)
    verdict: str = Field(max_length=16)
    reason_code: str = Field(default="", max_length=48)
    reason_text: str = Field(default="", max_length=400)
    decided_by: str = Field(max_length=64)
    decided_at: datetime = Field(sa_column=moment())
    audit_seq: int = Field(foreign_key="audit_row.seq")


class CallOutcome(StrEnum):
    """What came of one try to reach a household that had not answered."""

    WANTS = "wants"
    DECLINES = "declines"
    RECEIVED = "received"
    NOT_RECEIVED = "not_received"
    NOT_REACHED = "not_reached"


class HouseholdCall(SQLModel, table=True):
    """One call, or visit, to a household that was silent; never changed afterwards."""

    __tablename__ = "household_call"

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", index=True)
    match_state: MatchState = Field(sa_column=choice(MatchState))
    outcome: CallOutcome = Field(sa_column=choice(CallOutcome))
    called_by: str = Field(max_length=64)
    called_at: datetime = Field(sa_column=moment())


class FollowUp(SQLModel, table=True):
    """How it went, asked once for each match after the household had confirmed (回访评价). A complaint stays open until
    somebody of the district has settled it. Minutes that nobody told are unknown (NULL), never 0."""

    __tablename__ = "follow_up"
    __table_args__ = (
        check("satisfaction", "satisfaction BETWEEN 1 AND 5"),
        check("minutes", "staff_minutes >= 0 AND helper_minutes >= 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", unique=True)
    answered_by: str = Field(max_length=64)
    own_answer: bool = False
    satisfaction: int
    remains: str = Field(max_length=32)
    staff_minutes: int | None = None
    helper_minutes: int | None = None
    complaint: bool = Field(default=False, index=True)
    settlement: str = Field(default="", max_length=32)
    settled_by: str = Field(default="", max_length=64)
    settled_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    created_at: datetime = Field(sa_column=moment(index=True))


class GiverResult(SQLModel, table=True):
    """What the giver reported after a delivery (反馈结果), with its own people's minutes where it told them. Never
    changed afterwards."""

    __tablename__ = "giver_result"
    __table_args__ = (check("minutes", "minutes >= 0"),)

    id: str = Field(primary_key=True, max_length=32)
    match_id: str = Field(foreign_key="match.id", unique=True)
    outcome: str = Field(max_length=32)
    minutes: int | None = None
    told_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))
