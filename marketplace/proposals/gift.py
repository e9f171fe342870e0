"""What would this gift do? A giver's question about a draft offer, answered in numbers that single nobody out.

Enters: the terms of a draft. Leaves: a `GiftQuestion` that a background job answers by solving the stored input of a
run without and with the gift. Called by the giver's pages and by the worker.

A question is made coarse before it is asked, so that nobody can find a household by asking twice: amounts step down to
1, 2, 5, 10 … of their unit; the conditions on households (tags, urgency) and the dates are left out; districts are
whole cells of ten households or more, or the whole city; kinds that point to children are asked for the city only.
All questions of a week are about one run, each giver has a few in a week, and what comes out is hidden under ten and
rounded to five before it is stored.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit, jobs
from marketplace.actors import SYSTEM, Actor
from marketplace.db import Database, flush, new_id
from marketplace.errors import WrongState
from marketplace.offers.demand import CITY_ONLY, rounded, week_of
from marketplace.offers.differencing import LEAST, STEP
from marketplace.offers.terms import LARGEST, Terms
from marketplace.policy import require
from marketplace.proposals.archive import recall_problem
from marketplace.proposals.models import GiftQuestion, GiftState
from marketplace.proposals.outlook import run_to_try
from marketplace.reference.needs import need_kind
from matching.gift import Gain, Home, eligible, gain_of
from matching.model import Problem, Resource

JOB = "gift"
A_WEEK = 20
"""Different questions that one giver may ask in a week; the same one again costs nothing."""
GIFT = "gift"
"""The id of the gift in the problem; no offer has it."""
BUDGET_S = 60.0


@dataclass(frozen=True, slots=True)
class Question:
    """A gift as it is asked about. No district means the whole city."""

    category: str
    stock: int
    lot: int
    least: int
    most_each: int | None
    districts: tuple[str, ...] = ()

    def resource(self, org_id: str) -> Resource:
        """The gift in the allocator's words."""
        kind = need_kind(self.category)
        return Resource(
            resource_id=GIFT,
            org_id=org_id,
            category=self.category,
            unit=kind.unit,
            stock=self.stock,
            lot=self.lot,
            min_per_need=self.least,
            max_per_need=self.most_each,
            max_per_household=None,
            districts=frozenset(self.districts) or frozenset({"*"}),
        )

    @property
    def sha256(self) -> str:
        """Equal questions have equal hashes."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def coarse(units: int) -> int:
    """The next lower step of 1, 2, 5, 10, 20, 50 …

    >>> [coarse(units) for units in (1, 4, 99, 100, 1234)]
    [1, 2, 50, 100, 1000]
    """
    power = int(10 ** (len(str(units)) - 1))
    return power * (1 if units < 2 * power else 2 if units < 5 * power else 5)


def question_of(terms: Terms) -> Question | None:
    """The coarse question about these terms; None while they do not name a kind and a plausible stock."""
    if not terms.category or not 1 <= terms.stock_units <= LARGEST:
        return None
    stock = coarse(terms.stock_units)
    limits = [coarse(units) for units in (terms.max_per_need, terms.max_per_household) if units]
    most = min(limits, default=None)
    least = min(coarse(max(terms.min_per_need, terms.lot, 1)), most or stock, stock)
    lot = min(coarse(max(terms.lot, 1)), least)
    whole = least % lot == 0 and (most is None or most % lot == 0)
    bound = set(terms.districts or terms.donor_districts) & set(terms.donor_districts or terms.districts)
    districts = () if terms.category.startswith(CITY_ONLY) else tuple(sorted(bound))
    return Question(terms.category, stock, lot if whole else 1, least, most, districts)


def find(session: Session, question: Question, /, *, actor: Actor, now: datetime) -> GiftQuestion | None:
    """What the actor's organisation asked about this gift this week."""
    require(actor, "gift:view", org_id=actor.org_id)
    same = [col(GiftQuestion.sha256) == question.sha256, col(GiftQuestion.week_on) == week_of(now)]
    return session.exec(select(GiftQuestion).where(col(GiftQuestion.org_id) == actor.org_id, *same)).first()


def left(session: Session, /, *, actor: Actor, now: datetime) -> int:
    """How many questions the actor's organisation still has this week."""
    mine = [col(GiftQuestion.org_id) == actor.org_id, col(GiftQuestion.week_on) == week_of(now)]
    return max(0, A_WEEK - session.exec(select(func.count()).select_from(GiftQuestion).where(*mine)).one())


def ask(session: Session, question: Question, /, *, actor: Actor, now: datetime) -> GiftQuestion:
    """Write the question and the job that will answer it; the same question of the same week is only found again.

    Raises
    ------
    WrongState
        `gift_limit` if the week's questions are used up; `no_run` before the first run.
    """
    require(actor, "gift:ask", org_id=actor.org_id)
    known = find(session, question, actor=actor, now=now)
    if known is not None:
        return known
    if not left(session, actor=actor, now=now):
        raise WrongState("gift_limit", most=A_WEEK)
    row = GiftQuestion(
        id=new_id(),
        org_id=actor.org_id or "",
        run_id=_run_of_week(session, week_of(now)),
        week_on=week_of(now),
        sha256=question.sha256,
        asked=asdict(question),
        asked_by=actor.id,
        asked_at=now,
    )
    session.add(row)
    flush(session)
    jobs.enqueue(session, JOB, row.id, now=now)
    body = {"category": question.category, "stock": question.stock}
    audit.record(session, audit.Entry("gift:ask", object_ref=row.id, body=body), actor=actor, now=now)
    return row


def _run_of_week(session: Session, week: date) -> str:
    """The run that this week's questions are about: two runs side by side would tell what changed in between."""
    first = select(GiftQuestion.run_id).where(col(GiftQuestion.week_on) == week)
    run_id = session.exec(first.order_by(col(GiftQuestion.asked_at), col(GiftQuestion.id)).limit(1)).first()
    return run_id or run_to_try(session, "").id


def lost(session: Session, row: GiftQuestion, /) -> bool:
    """Whether the work on this question was given up."""
    return row.state is GiftState.WAITING and jobs.is_lost(session, JOB, row.id)


def work(database: Database, question_id: str, /, *, clock: Callable[[], datetime]) -> None:
    """Answer one question; what was answered before is left alone. Solves outside any transaction."""
    with database.reading() as session:
        row = session.get_one(GiftQuestion, question_id)
        if row.state is not GiftState.WAITING:
            return
        problem = recall_problem(session, row.run_id)
    question = Question(**{**row.asked, "districts": tuple(row.asked["districts"])})
    answer = answer_of(problem, question, org_id=row.org_id)
    with database.transaction() as session:
        row = session.get_one(GiftQuestion, question_id)
        row.answer, row.answered_at = answer, clock()
        row.state = GiftState.DONE if answer else GiftState.TOO_FEW
        session.add(row)
        entry = audit.Entry("gift:answer", object_ref=row.id, decision=row.state.value)
        audit.record(session, entry, actor=SYSTEM, now=clock())


def answer_of(problem: Problem, question: Question, /, *, org_id: str) -> dict[str, Any]:
    """The rounded answer; nothing if the gift may reach fewer than ten households."""
    places = Counter(eligible(problem, replace(question, districts=()).resource(org_id)).values())
    asked = whole_cells(question.districts, places)
    if asked is None or sum(places[place] for place in asked or places) < LEAST:
        return {}
    gain = gain_of(problem, replace(question, districts=asked).resource(org_id), budget_s=BUDGET_S)
    mapped = not question.category.startswith(CITY_ONLY)
    return {"districts_asked": list(asked), **_figures(gain.homes, mapped=mapped), **_proof(gain)}


def whole_cells(districts: Sequence[str], places: Counter[str]) -> tuple[str, ...] | None:
    """The districts that a gift may be asked for: those with ten households or more, or () for the whole city if the
    rest of the city would be fewer than ten; None if no district is left. Both sides of every cut are ten or more."""
    if not districts:
        return ()
    kept = tuple(sorted(place for place in set(districts) if places[place] >= LEAST))
    if not kept:
        return None
    return kept if sum(places.values()) - sum(places[place] for place in kept) >= LEAST else ()


def _figures(homes: Sequence[Home], *, mapped: bool) -> dict[str, Any]:
    """Households newly and better served, the districts in which ten or more gain, and the fill of the tenth worst off
    of those whom the gift may serve."""
    gaining = [home for home in homes if home.after > home.before]
    newly = {home.household_id for home in gaining if home.before == 0}
    better = {home.household_id for home in gaining} - newly
    reached = Counter(home.district for home in gaining if mapped)
    return {
        "newly": shown(len(newly)),
        "better": shown(len(better)),
        "reached": {place: rounded(count) for place, count in sorted(reached.items()) if count >= LEAST},
        "worst_before": _worst([100 * home.before // home.gap for home in homes if home.near and home.gap]),
        "worst_after": _worst([100 * home.after // home.gap for home in homes if home.near and home.gap]),
    }


def shown(count: int) -> int:
    """A number of households that may be shown; 0 is under ten."""
    return rounded(count) if count >= LEAST else 0


def _worst(percents: list[int]) -> int:
    """The mean of the tenth that has least, of ten households at least, to five percent."""
    some = sorted(percents)[: max(LEAST, -(-len(percents) // 10))]
    return rounded(sum(some) // len(some)) if some else 0


def _proof(gain: Gain) -> dict[str, Any]:
    """What is certain: the gain of the best plans, as percent of the one shown, outwards to five percent."""
    if gain.proven or not gain.score:
        return {"proven": gain.proven, "least": 100, "most": 100}
    least, most = 100 * gain.least // gain.score, -(-100 * gain.most // gain.score)
    return {"proven": False, "least": least // STEP * STEP, "most": -(-most // STEP) * STEP}
