"""Lists of matches and lines for the desks of givers and staff: filtered, counted and cut into pages in SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column
from sqlmodel import Session, col, select

from marketplace.accounts.models import Account
from marketplace.actors import Actor
from marketplace.clocks.models import Clock
from marketplace.decisions.models import Match, MatchState, in_states
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation
from marketplace.proposals.models import LineState, ProposedLine


def count_of_giver(
    session: Session,
    org_id: str,
    states: Sequence[MatchState],
    /,
    *,
    without: Sequence[str] = (),
    narrowed: Sequence[ColumnElement[bool]] = (),
) -> int:
    """How many matches of an organisation are in these states; `without` names kinds of need that do not count,
    `narrowed` are more conditions on a match."""
    wanted = _of_giver(org_id, states, without)
    return session.exec(select(func.count()).select_from(Match).where(*wanted, *narrowed)).one()


def list_of_giver(
    session: Session,
    org_id: str,
    states: Sequence[MatchState],
    /,
    *,
    offset: int,
    limit: int,
    without: Sequence[str] = (),
    narrowed: Sequence[ColumnElement[bool]] = (),
) -> list[Match]:
    """One page of them, the longest waiting first."""
    wanted = [*_of_giver(org_id, states, without), *narrowed]
    return _longest_waiting(session, wanted, offset=offset, limit=limit)


def _of_giver(org_id: str, states: Sequence[MatchState], without: Sequence[str]) -> list[ColumnElement[bool]]:
    mine = [col(Match.org_id) == org_id, _now_in(states)]
    if without:
        mine.append(col(Match.need_id).not_in(select(Need.id).where(col(Need.category).in_(without))))
    return mine


def _now_in(states: Sequence[MatchState]) -> ColumnElement[bool]:
    """In one of these states, in the words of the indexes over open matches."""
    return literal_column(in_states(states))


def _longest_waiting(
    session: Session, wanted: Sequence[ColumnElement[bool]], *, offset: int, limit: int
) -> list[Match]:
    """One page; it is found in an index alone, so that a far one costs little, and only its own rows are read."""
    order = (col(Match.updated_at), col(Match.id))
    ids = session.exec(select(Match.id).where(*wanted).order_by(*order).offset(offset).limit(limit)).all()
    return list(session.exec(select(Match).where(col(Match.id).in_(ids)).order_by(*order)))


def of_giver(session: Session, org_id: str, match_ids: Sequence[str], /) -> list[Match]:
    """Those of these matches that belong to the organisation, in the order of their ids."""
    mine = select(Match).where(col(Match.org_id) == org_id, col(Match.id).in_(match_ids))
    return list(session.exec(mine.order_by(col(Match.id))))


MOST_FOUND, LEAST_TYPED = 25, 4


def find_of_giver(session: Session, org_id: str, number: str, /) -> tuple[list[Match], bool]:
    """Matches of the organisation whose number begins so, whatever their state, and whether there are more than these;
    none for fewer than four characters."""
    return _find(session, number, col(Match.org_id) == org_id)


def find_for_staff(session: Session, number: str, /, *, actor: Actor) -> tuple[list[Match], bool]:
    """The same within the actor's districts, whoever gives."""
    return _find(session, number, *_near(actor))


def _find(session: Session, number: str, *within: ColumnElement[bool]) -> tuple[list[Match], bool]:
    if len(number) < LEAST_TYPED:
        return [], False
    asked = select(Match).where(*within, col(Match.id).startswith(number.lower(), autoescape=True))
    found = session.exec(asked.order_by(col(Match.id)).limit(MOST_FOUND + 1)).all()
    return list(found[:MOST_FOUND]), len(found) > MOST_FOUND


@dataclass(frozen=True, slots=True)
class LineFilter:
    """Which proposed lines staff look at; empty means all."""

    district: str = ""
    category: str = ""
    urgency: int | None = None
    run_id: str = ""

    def conditions(self, actor: Actor) -> list[ColumnElement[bool]]:
        """On proposed_line joined with need; always within the actor's districts."""
        wanted: list[ColumnElement[bool]] = [col(ProposedLine.state) == LineState.PROPOSED]
        if actor.districts:
            wanted.append(col(ProposedLine.district_code).in_(sorted(actor.districts)))
        if self.district:
            wanted.append(col(ProposedLine.district_code) == self.district)
        if self.category:
            wanted.append(col(Need.category) == self.category)
        if self.urgency is not None:
            wanted.append(col(ProposedLine.urgency) == self.urgency)
        if self.run_id:
            wanted.append(col(ProposedLine.run_id) == self.run_id)
        return wanted


@dataclass(frozen=True, slots=True)
class LineRow:
    """A proposed line with what a table row shows."""

    line: ProposedLine
    need: Need
    offer: Offer
    organisation: Organisation


def count_lines(session: Session, wanted: LineFilter, /, *, actor: Actor) -> int:
    """How many undecided lines the filter leaves."""
    statement = select(func.count()).select_from(ProposedLine)
    if wanted.category:
        statement = statement.join(Need, col(Need.id) == col(ProposedLine.need_id))
    return session.exec(statement.where(*wanted.conditions(actor))).one()


def list_lines(session: Session, wanted: LineFilter, /, *, actor: Actor, offset: int, limit: int) -> list[LineRow]:
    """One page of undecided lines, the most urgent first: found in an index alone, and only then read."""
    order = (col(ProposedLine.urgency).desc(), col(ProposedLine.id).desc())
    ids = select(ProposedLine.id)
    if wanted.category:
        ids = ids.join(Need, col(Need.id) == col(ProposedLine.need_id))
    found = session.exec(ids.where(*wanted.conditions(actor)).order_by(*order).offset(offset).limit(limit)).all()
    return [LineRow(*row) for row in session.execute(_rows().where(col(ProposedLine.id).in_(found)).order_by(*order))]


def rows_of(session: Session, line_ids: Sequence[str], /, *, actor: Actor) -> list[LineRow]:
    """Named lines within the actor's districts with their facts, in the order of their ids."""
    statement = _rows().where(col(ProposedLine.id).in_(line_ids)).order_by(col(ProposedLine.id))
    rows = [LineRow(*row) for row in session.execute(statement)]
    return [row for row in rows if actor.serves(row.line.district_code)]


def _rows() -> Any:
    return (
        select(ProposedLine, Need, Offer, Organisation)
        .join(Need, col(Need.id) == col(ProposedLine.need_id))
        .join(Offer, col(Offer.id) == col(ProposedLine.offer_id))
        .join(Organisation, col(Organisation.id) == col(Offer.org_id))
    )


def list_matches(
    session: Session, states: Sequence[MatchState], /, *, actor: Actor, offset: int, limit: int
) -> list[Match]:
    """Matches in these states within the actor's districts, the longest waiting first."""
    return _longest_waiting(session, _matches(states, actor), offset=offset, limit=limit)


def count_matches(session: Session, states: Sequence[MatchState], /, *, actor: Actor) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(Match).where(*_matches(states, actor))).one()


def _matches(states: Sequence[MatchState], actor: Actor) -> list[ColumnElement[bool]]:
    return [_now_in(states), *_near(actor)]


def _near(actor: Actor) -> list[ColumnElement[bool]]:
    """In one of the actor's districts; in any, for the whole city's staff."""
    return [col(Match.district_code).in_(sorted(actor.districts))] if actor.districts else []


@dataclass(frozen=True, slots=True)
class UnclaimedRow:
    """A need that nobody has claimed: its clock, and the officer named for it, if there is one."""

    need: Need
    clock: Clock
    officer: Account | None


def list_unclaimed(session: Session, /, *, actor: Actor, offset: int = 0, limit: int = 25) -> list[UnclaimedRow]:
    """Unclaimed needs within the actor's districts, the first to be late first; the meeting (会商) works from this."""
    statement = (
        select(Need, Clock, Account)
        .join(Clock, col(Clock.object_ref) == col(Need.id))
        .outerjoin(Account, col(Account.id) == col(Clock.account_id))
        .where(*_unclaimed(actor))
        .order_by(col(Clock.due_at), col(Clock.id))
    )
    return [UnclaimedRow(*row) for row in session.execute(statement.offset(offset).limit(limit))]


def count_unclaimed(session: Session, /, *, actor: Actor) -> int:
    """How many there are."""
    return session.exec(select(func.count()).select_from(Clock).where(*_unclaimed(actor))).one()


def _unclaimed(actor: Actor) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = [col(Clock.step) == "unclaimed", col(Clock.ended_at).is_(None)]
    if actor.districts:
        wanted.append(col(Clock.district_code).in_(sorted(actor.districts)))
    return wanted
