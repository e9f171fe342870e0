"""What a decision would do: raise the line of 低保, add a category, lose a giver: people, money, what stays unmet.

Enters: the decision as plain numbers. Leaves: a `Cost` counted by set-based SQL over what is known today, with how many
are unknown; whoever is dead costs nothing and is not counted; for a lost giver the plan of the last run is solved again
without it. Nothing is written, nothing is decided. Called by the page of the paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import BigInteger, case, cast, literal
from sqlmodel import Session, col, func, select

from marketplace.actors import Actor
from marketplace.errors import BadInput, NotFound
from marketplace.households.categories import months_later, runs_on
from marketplace.households.models import Household, Spell
from marketplace.needs.models import Need, NeedState
from marketplace.policy import require
from marketplace.proposals import outlook
from marketplace.proposals.models import Run
from marketplace.proposals.outlook import Idea, Trial
from marketplace.reference.standards import standards_on
from marketplace.signals.compiling import compile_rule
from marketplace.signals.lateness import fresh_days
from marketplace.signals.models import LARGEST, Fact, RuleState
from marketplace.signals.rules import get_rule, tree_of
from marketplace.signals.scene import Scene, living, nobody_lives

ASKED = "board:paper"
INCOME, MONTHS = "INCOME", 15
AIDED = ("IN_REGISTER", "DIBIAN_MEMBER", "TEMP_AID", "EIGHTH_UNKNOWN")
MOST_PERCENT = 100


@dataclass(frozen=True, slots=True)
class Cost:
    """Households and people who would newly get aid, fen a month for them, and open needs that those newly aided have
    today; where a line is raised, fen a month more for those who get it already, and households of whom too little is
    known to say."""

    homes: int
    people: int
    new_fen: int
    needs: int
    more_fen: int | None = None
    unknown: int | None = None

    @property
    def year_fen(self) -> int:
        """Fen a year together."""
        return 12 * (self.new_fen + (self.more_fen or 0))


def raise_line(session: Session, percent: int, /, *, on: date, actor: Actor) -> Cost:
    """The line of 低保 goes up by so many per cent. Income is what departments told last; nobody's is invented."""
    require(actor, ASKED)
    if not 1 <= percent <= MOST_PERCENT:
        raise BadInput("paper_percent", field="percent")
    told, known = _incomes(on), standards_on(on)
    line = case((col(Household.urban).is_(True), known.dibao_urban_fen), else_=known.dibao_rural_fen)
    people, lives = _living(on), col(Household.id).not_in(nobody_lives(Scene(on)))
    low, high = line * 12 * people, line * (100 + percent) * 12 * people / 100
    inside = col(Household.id).in_(select(Spell.household_id).where(runs_on(on), col(Spell.category) == AIDED[0]))
    new = (lives, ~inside, told.c.income >= low, told.c.income < high)
    joined = select(Household).join(told, told.c.home == col(Household.id))
    gap = func.coalesce(func.sum(high - told.c.income), 0) / 12
    homes, heads, fen = _totals(session, joined, people, gap, new)
    raised = func.coalesce(func.sum(high - low), 0) / 12
    more = session.execute(joined.with_only_columns(raised).where(lives, inside, told.c.income < low)).scalar_one()
    silent = select(func.count()).select_from(Household).where(lives, col(Household.id).not_in(select(told.c.home)))
    needs = _open_needs(session, joined.with_only_columns(col(Household.id)).where(*new))
    return Cost(homes, heads, fen, needs, int(more), session.exec(silent).one())


def _incomes(on: date) -> Any:
    """Household ► its newest income of a year, as the rules count it: told for several of its people it is one."""
    packed = cast(col(Fact.day), BigInteger) * LARGEST + col(Fact.amount)
    newest: Any = func.max(packed) % literal(LARGEST, BigInteger)
    return (
        select(col(Fact.household_id).label("home"), newest.label("income"))
        .where(
            col(Fact.kind) == INCOME,
            col(Fact.replaced_day).is_(None),
            col(Fact.day) > months_later(on, -MONTHS).toordinal(),
            col(Fact.day) <= on.toordinal(),
        )
        .group_by(col(Fact.household_id))
        .subquery()
    )


def _living(on: date) -> Any:
    """A household's people without its dead."""
    return living(Scene(on), Household.__table__.c)  # type: ignore[attr-defined]


def _totals(session: Session, joined: Any, people: Any, fen: Any, wanted: tuple[Any, ...]) -> tuple[int, int, int]:
    heads = func.coalesce(func.sum(people), 0)
    row = session.execute(joined.with_only_columns(func.count(), heads, fen).where(*wanted)).one()
    return int(row[0]), int(row[1]), int(row[2])


def add_category(session: Session, rule_id: str, /, *, month_fen: int, on: date, actor: Actor) -> Cost:
    """Whoever meets a rule and gets no aid yet would get so much a head and month."""
    require(actor, ASKED)
    if month_fen < 1:
        raise BadInput("paper_amount", field="amount")
    rule = get_rule(session, rule_id)
    if rule.state is RuleState.DRAFT or rule.per == "feed":
        raise BadInput("paper_rule", field="rule")
    met = compile_rule(tree_of(rule), Scene(on, per=rule.per, fresh=fresh_days(session))).subquery()
    aided = select(Spell.household_id).where(runs_on(on), col(Spell.category).in_(AIDED))
    lives = col(Household.id).not_in(nobody_lives(Scene(on)))
    wanted = (lives, col(Household.id).in_(select(met.c[0])), col(Household.id).not_in(aided))
    homes, people, _none = _totals(session, select(Household), _living(on), literal(0), wanted)
    needs = _open_needs(session, select(Household.id).where(*wanted))
    return Cost(homes, people, people * month_fen, needs)


def _open_needs(session: Session, homes: Any) -> int:
    asked = select(func.count()).where(
        col(Need.household_id).in_(homes),
        col(Need.state) == NeedState.VERIFIED,
        col(Need.gap_units) > col(Need.committed_units),
    )
    return int(session.exec(asked).one())


def lose_giver(session: Session, org_id: str, /, *, actor: Actor) -> tuple[Run, Trial]:
    """The last run over the whole city (or, where there is none, the last of any part) solved again without a giver's
    resources: who loses, and by how much of what."""
    require(actor, ASKED)
    try:
        run = outlook.whole_run_to_try(session)
    except NotFound as error:
        raise BadInput("paper_no_run", field="giver") from error
    return run, outlook.attempt(session, run, Idea(outlook.BAN_GIVER, org_id=org_id), actor=actor)
