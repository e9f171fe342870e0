"""A rule tried on the past before it is switched on: how many it would have raised, how many of them right, on whom.

Enters: a rule and a stretch of days. Leaves: a `Trial` of figures. The rule is asked at each month's end with what was
known then, also what was corrected since, and with feeds as fresh as they were; a household (or a feed) counts once.
"Right" is judged only where somebody found out within half a year: a need by an alert of this rule that was closed as
helped, or by a category of aid that the household came into; every other class by an alert that a check confirmed. A
late feed was one if its alert ended because the feed came, and not because somebody called it wrong.
Categories, sizes and places are those known today for that day. Called by the pages of rules.
"""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import end_of_day, local_day
from marketplace.db import chunks, flush, new_id
from marketplace.errors import BadInput, WrongState
from marketplace.households.categories import months_later
from marketplace.households.models import Household, Spell
from marketplace.policy import require
from marketplace.reference.facts import feeds
from marketplace.signals.answering import CAME
from marketplace.signals.compiling import compile_rule
from marketplace.signals.models import Alert, AlertState, Delivery, Rule, RuleClass, RuleState, Trial
from marketplace.signals.rules import get_rule, tree_of
from marketplace.signals.scene import Scene

LONGEST_MONTHS = 24
JUDGED_DAYS = 183
HELPED, CONFIRMED = "helped", "confirmed"
"""What says that a need was one, and that a check found what its alert said."""
AIDED = ("IN_REGISTER", "DIBIAN_MEMBER", "ANTI_RELAPSE", "TEMP_AID", "EIGHTH_UNKNOWN")
_ASKED = 500


def try_rule(session: Session, rule_id: str, /, *, from_on: date, to_on: date, actor: Actor, now: datetime) -> Trial:
    """Ask a rule on past days and keep the figures; a draft becomes tried."""
    require(actor, "warning:try")
    rule = get_rule(session, rule_id, lock=True)
    if rule.state not in (RuleState.DRAFT, RuleState.TRIED):
        raise WrongState("rule_at_work")
    if not from_on <= to_on <= local_day(now) or to_on > months_later(from_on, LONGEST_MONTHS):
        raise BadInput("bad_trial_days", field="from_on")
    first = _first_met(session, rule, month_ends(from_on, to_on))
    outcomes = _outcomes(session, rule, first)
    trial = Trial(
        id=new_id(),
        rule_id=rule.id,
        from_on=from_on,
        to_on=to_on,
        alerts=len(first),
        judged=len(outcomes),
        right=sum(outcomes.values()),
        groups=_on_whom(session, first),
        tried_by=actor.id,
        tried_at=now,
    )
    session.add(trial)
    rule.state, rule.tried_by = RuleState.TRIED, actor.id
    session.add(rule)
    flush(session)
    body = {"alerts": trial.alerts, "judged": trial.judged, "right": trial.right}
    audit.record(session, audit.Entry("warning:try", object_ref=rule.id, body=body), actor=actor, now=now)
    return trial


def list_trials(session: Session, rule_id: str, /) -> list[Trial]:
    """The trials of a rule, the newest first."""
    asked = select(Trial).where(col(Trial.rule_id) == rule_id)
    return list(session.exec(asked.order_by(col(Trial.tried_at).desc(), col(Trial.id))))


def month_ends(from_on: date, to_on: date, /) -> list[date]:
    """The last day of each month of the stretch, and its last day.

    >>> month_ends(date(2026, 1, 15), date(2026, 3, 10))
    [datetime.date(2026, 1, 31), datetime.date(2026, 2, 28), datetime.date(2026, 3, 10)]
    """
    found, first = [], from_on.replace(day=1)
    while (last := months_later(first, 1) - timedelta(days=1)) < to_on:
        found.append(last)
        first = last + timedelta(days=1)
    return [*found, to_on]


def _first_met(session: Session, rule: Rule, days: list[date]) -> dict[str, date]:
    """Household (or feed) ► the first of these days on which it met the rule."""
    found: dict[str, date] = {}
    for on in days:
        fresh = _fresh(session, on)
        if rule.per == "feed":
            met = _late(fresh, on)
        else:
            scene = Scene(on, per=rule.per, fresh=fresh, past=True)
            met = [home for home, _person in session.execute(compile_rule(tree_of(rule), scene))]
        for unit in met:
            found.setdefault(unit, on)
    return found


def _fresh(session: Session, on: date) -> dict[str, int]:
    """Feed ► the day until which it had told by the end of a past day."""
    told = select(Delivery.feed, func.max(Delivery.as_of_day)).where(col(Delivery.received_at) <= end_of_day(on))
    return {feed: int(day) for feed, day in session.exec(told.group_by(col(Delivery.feed))) if day}


def _late(fresh: dict[str, int], on: date) -> list[str]:
    """Feeds that had told something by then and were older than they may be."""
    limits = {code: feed.fresh_days for code, feed in feeds().items() if feed.fresh_days}
    return [code for code, days in limits.items() if code in fresh and on.toordinal() - fresh[code] > days]


def _outcomes(session: Session, rule: Rule, first: dict[str, date]) -> dict[str, bool]:
    """Household ► whether the rule was right, for those of whom it is known."""
    known: dict[str, bool] = {}
    needy = rule.kind is RuleClass.NEED
    about: Any = col(Alert.feed) if rule.per == "feed" else col(Alert.household_id)
    good = CAME if rule.per == "feed" else HELPED if needy else CONFIRMED
    for some in chunks(sorted(first), _ASKED):
        closed = select(about, col(Alert.raised_at), col(Alert.outcome)).where(
            about.in_(some),
            col(Alert.rule_code) == rule.code,
            col(Alert.state) == AlertState.CLOSED,
        )
        for unit, raised_at, outcome in session.exec(closed):
            if first[unit] <= local_day(raised_at) <= first[unit] + timedelta(days=JUDGED_DAYS):
                known[unit] = known.get(unit, False) or outcome == good
        entered = select(Spell).where(col(Spell.household_id).in_(some), col(Spell.category).in_(AIDED))
        for spell in session.exec(entered) if needy else ():
            if first[spell.household_id] < spell.from_on <= first[spell.household_id] + timedelta(days=JUDGED_DAYS):
                known[spell.household_id] = True
    return known


def _on_whom(session: Session, first: dict[str, date]) -> dict[str, Any]:
    """How many households of each district, of town and country, and of each category of the day."""
    groups: dict[str, Counter[str]] = {"district": Counter(), "place": Counter(), "category": Counter()}
    for some in chunks(sorted(first), _ASKED):
        for home in session.exec(select(Household).where(col(Household.id).in_(some))):
            groups["district"][home.district_code] += 1
            groups["place"]["urban" if home.urban else "rural"] += 1
        seen: set[tuple[str, str]] = set()
        for spell in session.exec(select(Spell).where(col(Spell.household_id).in_(some))):
            runs = spell.from_on <= first[spell.household_id] <= (spell.to_on or first[spell.household_id])
            if runs and (spell.household_id, spell.category) not in seen:
                seen.add((spell.household_id, spell.category))
                groups["category"][spell.category] += 1
    return {name: dict(sorted(counted.items())) for name, counted in groups.items()}
