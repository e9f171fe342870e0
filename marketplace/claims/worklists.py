"""An insurer's worklists and the staff's overview, counted and cut into pages in SQL. Called by the pages and files.

A row holds our reference, the kind, the step, the district and the limit: nothing of the household. What the household
consented to is opened one case at a time, each look logged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.claims.cases import CLOCKS, due_on
from marketplace.claims.models import WAITING, CaseState, InsuranceCase
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.organisations.models import Organisation

LISTS: dict[str, tuple[CaseState, ...]] = {
    "enrol": (CaseState.ENROL,),
    "find": (CaseState.FIND,),
    "claim": (CaseState.HELP, CaseState.PAPERS),
    "answer": (CaseState.ANSWER,),
    "over": tuple(state for state in CaseState if state not in WAITING),
}


@dataclass(frozen=True, slots=True)
class Row:
    """One case with the limit of its present step."""

    case: InsuranceCase
    due: date | None
    late: bool


def count_of(session: Session, org_id: str, states: Sequence[CaseState], /) -> int:
    """How many cases of an insurer are in these states."""
    wanted = (col(InsuranceCase.org_id) == org_id, col(InsuranceCase.state).in_(states))
    return session.exec(select(func.count()).select_from(InsuranceCase).where(*wanted)).one()


def find(session: Session, org_id: str, reference: str, /) -> InsuranceCase | None:
    """The insurer's case of this number; another's looks like none."""
    mine = select(InsuranceCase).where(col(InsuranceCase.org_id) == org_id)
    return session.exec(mine.where(col(InsuranceCase.reference) == reference)).first()


def counts_of(session: Session, org_id: str, /) -> dict[str, int]:
    """Worklist ► how many cases it holds."""
    by_state = dict(
        session.execute(
            select(InsuranceCase.state, func.count())
            .where(col(InsuranceCase.org_id) == org_id)
            .group_by(col(InsuranceCase.state))
        ).all()
    )
    return {name: sum(by_state.get(state, 0) for state in states) for name, states in LISTS.items()}


def list_of(
    session: Session, org_id: str, states: Sequence[CaseState], /, *, offset: int, limit: int, now: datetime
) -> list[Row]:
    """One page of them, the longest waiting first."""
    statement = (
        select(InsuranceCase)
        .where(col(InsuranceCase.org_id) == org_id, col(InsuranceCase.state).in_(states))
        .order_by(col(InsuranceCase.updated_at), col(InsuranceCase.id))
        .offset(offset)
        .limit(limit)
    )
    return rows_of(session, session.exec(statement).all(), now=now)


def rows_of(session: Session, cases: Sequence[InsuranceCase], /, *, now: datetime) -> list[Row]:
    """The cases with their limits; one query more however many there are."""
    running = clocks.running_by_object(session, [case.match_id for case in cases if case.state in WAITING])
    return [_row(case, running.get(case.match_id), now=now) for case in cases]


def _row(case: InsuranceCase, clock: Clock | None, *, now: datetime) -> Row:
    return Row(case, due_on(clock), clock is not None and clock.due_at <= now)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one insurer stands: cases by step, those past their limit, and what it has paid."""

    organisation: str
    steps: dict[str, int]
    late: int
    paid: int
    paid_fen: int

    @property
    def waiting(self) -> int:
        """All that waits for the insurer or a household."""
        return sum(self.steps.values())


def standings(session: Session, /, *, actor: Actor, now: datetime) -> list[Standing]:
    """Every insurer with a case in the actor's districts, by name."""
    by_state: dict[str, dict[CaseState, int]] = {}
    paid: dict[str, int] = {}
    statement = select(
        InsuranceCase.org_id, InsuranceCase.state, func.count(), func.sum(InsuranceCase.payout_fen)
    ).where(*_area(actor))
    for org_id, state, number, fen in session.execute(
        statement.group_by(col(InsuranceCase.org_id), col(InsuranceCase.state))
    ):
        by_state.setdefault(org_id, {})[state] = number
        paid[org_id] = paid.get(org_id, 0) + int(fen)
    late = _late(session, actor, now=now)
    names = dict(
        session.execute(select(Organisation.id, Organisation.name).where(col(Organisation.id).in_(by_state))).all()
    )
    found = [
        Standing(
            organisation=names[org_id],
            steps={state.value: states.get(state, 0) for state in WAITING},
            late=late.get(org_id, 0),
            paid=states.get(CaseState.PAID, 0),
            paid_fen=paid[org_id],
        )
        for org_id, states in by_state.items()
    ]
    return sorted(found, key=lambda one: one.organisation)


def _late(session: Session, actor: Actor, *, now: datetime) -> dict[str, int]:
    statement = (
        select(InsuranceCase.org_id, func.count())
        .join(Clock, col(Clock.object_ref) == col(InsuranceCase.match_id))
        .where(col(Clock.ended_at).is_(None), col(Clock.due_at) <= now, col(Clock.step).in_(CLOCKS.values()))
        .where(*_area(actor))
    )
    return dict(session.execute(statement.group_by(col(InsuranceCase.org_id))).all())


def _area(actor: Actor) -> list[Any]:
    return [col(InsuranceCase.district_code).in_(sorted(actor.districts))] if actor.districts else []
