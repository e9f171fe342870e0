"""Try an override on a stored run: who would gain, who would lose, and by how much coverage changes.

Enters: a run, and what a person wants to try. Leaves: a `Trial` for the page: figures, and needs by category, district
and urgency, never by name. Nothing is written. The run's problem is recalled and compiled once and then kept in this
process, for the last run only: the first try of a city takes seconds, later ones do not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from marketplace.actors import Actor
from marketplace.db import chunks
from marketplace.errors import BadInput, NotFound
from marketplace.households.models import Household
from marketplace.needs.models import Need
from marketplace.policy import require
from marketplace.proposals.archive import recall_lines, recall_problem
from marketplace.proposals.models import Run, RunInput, RunState
from marketplace.proposals.problem import Scope
from matching import whatif
from matching.compiled import Compiled, compile_problem
from matching.model import Ban, Pin, levels_first, urgency_first
from matching.plan import Line
from matching.remedies import Way, ways

SHOWN = 50
PAIR, NEED, OFFER, CITY = "pair", "need", "offer", "city"
KINDS = {"pin": PAIR, "ban": PAIR, "ban_need": NEED, "ban_offer": OFFER, "reserve": OFFER, "more": OFFER, "order": CITY}
"""What can be tried, and which side of the pair it is about."""

BAN_GIVER = "ban_giver"
"""Everything of one giver goes to nobody: asked by the paper of decisions, kept by no override."""

_kept: dict[str, tuple[Compiled, tuple[Line, ...]]] = {}
_lock = Lock()


@dataclass(frozen=True, slots=True)
class Idea:
    """One thing to try; what its kind does not use is empty."""

    kind: str
    need_id: str = ""
    offer_id: str = ""
    units: int = 0
    district: str = ""
    org_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One need that would get more or less; `near` says whether it lies in the actor's districts."""

    need: Need
    before: int
    after: int
    near: bool


@dataclass(frozen=True, slots=True)
class Cover:
    """Units more (or, below 0, less) for the needs of one urgency and kind: different goods are never added up."""

    urgency: int
    category: str
    unit: str
    units: int


@dataclass(frozen=True, slots=True)
class Trial:
    """What would change. `coverage` goes by urgency and kind of need; the lists of needs are cut after `SHOWN`."""

    losers: tuple[Change, ...]
    winners: tuple[Change, ...]
    losers_count: int
    losers_people: int
    winners_count: int
    coverage: tuple[Cover, ...]
    score: int
    broken_units: int
    cost_fen: int
    exact: bool
    conflict: tuple[str, ...]


def run_to_try(session: Session, run_id: str, /) -> Run:
    """That run, or the last one that ended well; NotFound if it kept no input."""
    statement = _with_plan().where(col(Run.id) == run_id) if run_id else _with_plan()
    run = session.exec(statement).first()
    if run is None:
        raise NotFound("run")
    return run


def whole_run_to_try(session: Session, /) -> Run:
    """The last run that left out no district and no kind of need; where none is kept, the last of any part."""
    whole = Scope().as_json()
    scopes = session.execute(_with_plan().with_only_columns(col(Run.id), col(Run.scope))).all()
    return run_to_try(session, next((run_id for run_id, scope in scopes if scope == whole), ""))


def _with_plan() -> SelectOfScalar[Run]:
    """The runs with a plan of which the input was kept, the newest first."""
    kept = select(Run).join(RunInput, col(RunInput.run_id) == col(Run.id))
    return kept.where(col(Run.state).in_((RunState.DONE, RunState.CANCELLED))).order_by(col(Run.number).desc())


def attempt(session: Session, run: Run, idea: Idea, /, *, actor: Actor) -> Trial:
    """What the plan of that run becomes with this idea. What the run did not know is refused as `not_in_run`."""
    require(actor, "override:try")
    compiled, lines = _recalled(session, run)
    sides = ((idea.need_id, compiled.need_ids), (idea.offer_id, compiled.resource_ids))
    if any(side and side not in known for side, known in sides):
        raise BadInput("not_in_run", field="offer")
    tried = _tried(idea, compiled)
    outlook = whatif.preview(compiled, lines, tried=tried)
    return Trial(
        losers=_changes(session, outlook.losers, actor=actor),
        winners=_changes(session, outlook.winners, actor=actor),
        losers_count=len(outlook.losers),
        losers_people=_people(session, outlook.losers),
        winners_count=len(outlook.winners),
        coverage=_covered(compiled, (*outlook.losers, *outlook.winners)),
        score=outlook.score,
        broken_units=outlook.broken_units,
        cost_fen=outlook.cost,
        exact=outlook.exact,
        conflict=tuple(outlook.conflict),
    )


def ways_of(session: Session, run: Run, need_ids: Sequence[str], /, *, actor: Actor) -> dict[str, Way]:
    """Need ► the cheapest change that would serve it in that run, and who would lose if it were served without."""
    require(actor, "override:try")
    compiled, lines = _recalled(session, run)
    return {way.need_id: way for way in ways(compiled, lines, need_ids=need_ids)}


def _tried(idea: Idea, compiled: Compiled) -> whatif.Try:
    """The idea in the allocator's words."""
    if idea.kind == "pin":
        return whatif.Try(pins=(Pin(idea.need_id, idea.offer_id, idea.units),))
    if idea.kind in ("ban", "ban_need", "ban_offer"):
        return whatif.Try(bans=(Ban(idea.need_id or "*", idea.offer_id or "*"),))
    if idea.kind == BAN_GIVER:
        lost = [resource.resource_id for resource in compiled.problem.resources if resource.org_id == idea.org_id]
        if not lost:
            raise BadInput("not_in_run", field="offer")
        return whatif.Try(bans=tuple(Ban("*", resource_id) for resource_id in lost))
    if idea.kind == "reserve":
        return whatif.Try(reserves=(whatif.Reserve(idea.offer_id, idea.district, idea.units),))
    if idea.kind == "more":
        return whatif.Try(more=(whatif.More(idea.offer_id, idea.units),))
    policy = compiled.problem.policy
    other = levels_first if policy.order == urgency_first(policy.levels) else urgency_first
    return whatif.Try(order=other(policy.levels))


def _recalled(session: Session, run: Run) -> tuple[Compiled, tuple[Line, ...]]:
    """The compiled problem and the lines of a run, kept for the next try of the same run."""
    with _lock:
        if run.plan_sha256 + run.id not in _kept:
            compiled = compile_problem(recall_problem(session, run.id))
            _kept.clear()
            _kept[run.plan_sha256 + run.id] = (compiled, recall_lines(session, run.id))
        return _kept[run.plan_sha256 + run.id]


def _covered(compiled: Compiled, shifts: Sequence[whatif.Shift]) -> tuple[Cover, ...]:
    """The shifts added up by urgency, category and unit; what comes out even is left out."""
    asked = {shift.need_id: shift.after - shift.before for shift in shifts}
    found: dict[tuple[int, str, str], int] = {}
    for need in compiled.problem.needs:
        if need.need_id in asked:
            key = (-need.urgency, need.category, need.unit)
            found[key] = found.get(key, 0) + asked[need.need_id]
    return tuple(Cover(-key[0], key[1], key[2], units) for key, units in sorted(found.items()) if units)


def _people(session: Session, shifts: Sequence[whatif.Shift]) -> int:
    """The people of the households whose needs these are, each household once."""
    homes: dict[str, int] = {}
    asked = select(Household.id, Household.size).join(Need, col(Need.household_id) == col(Household.id))
    for some in chunks([shift.need_id for shift in shifts], 500):
        homes.update(session.exec(asked.where(col(Need.id).in_(some))).all())
    return sum(homes.values())


def _changes(session: Session, shifts: Sequence[whatif.Shift], *, actor: Actor) -> tuple[Change, ...]:
    first = shifts[:SHOWN]
    needs = {need.id: need for need in session.exec(select(Need).where(col(Need.id).in_([s.need_id for s in first])))}
    return tuple(
        Change(need, shift.before, shift.after, actor.serves(need.district_code))
        for shift in first
        if (need := needs.get(shift.need_id)) is not None
    )
