"""The rules at work: every night all of them over everybody, during the day those that new facts can meet.

Enters: the day. Leaves: alerts, at most one open one for each rule and household or person; one that is open already is
counted again when new evidence came. A closed one rests for the rule's quiet days: within them it comes back only on
a newer event, or where an amount has moved by a fifth; after them on new evidence, and a need as long as it is met.
Called by the worker and by the bench; the set of those who meet a rule is found in one statement each.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, MetaData, String, Table, bindparam, insert, literal, union, update
from sqlalchemy import select as rows_of
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day, utc_now
from marketplace.db import Database, chunks, flush, new_id
from marketplace.households.models import Household, Spell
from marketplace.signals import answering, homes
from marketplace.signals.compiling import compile_rule
from marketplace.signals.language import RuleFault
from marketplace.signals.lateness import fresh_days, late_feeds
from marketplace.signals.models import Alert, AlertState, Colour, Fact, Rule, Sweep
from marketplace.signals.parts import evidence_kinds, hears_silence, kinds_of
from marketplace.signals.returning import Held, Unit, comes_back
from marketplace.signals.rules import active_rules, tree_of
from marketplace.signals.scene import DEATH, Scene

log = logging.getLogger("shanqiao.watch")
RANKS = {Colour.RED: 0, Colour.ORANGE: 1, Colour.YELLOW: 2, Colour.BLUE: 3}
AT_ONCE = 2000
"""So many who meet a rule are handled in one transaction of the worker: finding them is a read and holds nobody up."""
MOVED = ""
"""The kind of what is no fact: a category began or ended."""
_ASKED = 500


@dataclass(frozen=True, slots=True)
class Counted:
    """What a sweep found: who met a rule, and how many new alerts came of it."""

    met: int = 0
    raised: int = 0


class Nightly:
    """Once after each midnight of China everything is looked at; in between, what is new."""

    def __init__(self, database: Database, *, clock: Callable[[], datetime]) -> None:
        self._database, self._clock = database, clock

    def __call__(self) -> int:
        """Sweep if there is a reason to; returns how many alerts were raised."""
        now = self._clock()
        with self._database.reading() as session:
            if not active_rules(session):
                return 0
            last = last_sweep(session)
            whole = last is None or last.on < local_day(now)
            if last is not None and not whole and newest_fact(session) <= last.last_fact:
                return 0
            look = _look(session, whole=whole, now=now)
        raised = 0
        for rule, units in look.found:
            for some in chunks(units, AT_ONCE):
                with self._database.transaction() as session:
                    raised += raise_alerts(session, rule, some, actor=SYSTEM, now=now)
        with self._database.transaction() as session:
            return _close(session, look, raised=raised, actor=SYSTEM, now=now).raised


def last_sweep(session: Session, /, *, whole: bool = False) -> Sweep | None:
    """The newest sweep; with `whole`, the newest that looked at everybody."""
    asked = select(Sweep).order_by(col(Sweep.began_at).desc(), col(Sweep.id)).limit(1)
    return session.exec(asked.where(col(Sweep.whole)) if whole else asked).first()


def newest_fact(session: Session, /) -> int:
    """The number of the newest fact; 0 where there is none."""
    return session.exec(select(func.max(Fact.id))).one() or 0


@dataclass(frozen=True, slots=True)
class Look:
    """Who meets each rule, found by reading alone; `newest` is the last fact that was looked at, `failed` the codes of
    rules that could not be asked, such as one whose kind of fact is no longer in the table."""

    whole: bool
    newest: int
    found: list[tuple[Rule, list[Unit]]]
    failed: list[str]


def sweep(session: Session, /, *, whole: bool = True, actor: Actor, now: datetime) -> Counted:
    """Ask every active rule and raise what is new, in the caller's one transaction."""
    look = _look(session, whole=whole, now=now)
    raised = sum(raise_alerts(session, rule, units, actor=actor, now=now) for rule, units in look.found)
    return _close(session, look, raised=raised, actor=actor, now=now)


def _look(session: Session, *, whole: bool, now: datetime) -> Look:
    before, newest = last_sweep(session), newest_fact(session)
    if whole or before is None:
        return Look(True, newest, *_ask(session, None, now=now))
    touched = _touched(session, before)
    found = _ask(session, touched, now=now)
    touched.drop(session.connection())
    return Look(False, newest, *found)


def _ask(session: Session, touched: Table | None, *, now: datetime) -> tuple[list[tuple[Rule, list[Unit]]], list[str]]:
    found: list[tuple[Rule, list[Unit]]] = []
    failed: list[str] = []
    for rule in active_rules(session):
        try:
            only = None if touched is None else _of_rule(touched, rule)
            units = units_of(session, rule, on=local_day(now), only=only)
        except RuleFault as fault:
            log.error("rule %s could not be asked: %s", rule.code, fault.code)
            failed.append(rule.code)
        else:
            found.append((rule, units if touched is None else _without_open(session, rule, units)))
    return found, failed


def _of_rule(touched: Table, rule: Rule) -> Any:
    """The households of which something was said that this rule listens to: a fact of a kind in it, a death, or a
    category that moved. What is said of other things does not make it met."""
    kinds = kinds_of(tree_of(rule)) if rule.per != "feed" else ()
    return select(touched.c.household_id).where(touched.c.kind.in_((*kinds, DEATH, MOVED)))


def _without_open(session: Session, rule: Rule, units: list[Unit]) -> list[Unit]:
    """A rule that hears silence is asked about everybody by day too: who has its alert open already is left out."""
    if rule.per == "feed" or not hears_silence(tree_of(rule)):
        return units
    open_ones = rows_of(col(Alert.household_id), col(Alert.person_id)).where(
        col(Alert.rule_code) == rule.code, col(Alert.closed_at).is_(None)
    )
    held = {(home, person) for home, person in session.execute(open_ones)}
    return [unit for unit in units if unit not in held]


def _close(session: Session, look: Look, *, raised: int, actor: Actor, now: datetime) -> Counted:
    """Write the sweep down and wake what was put off until today."""
    on, met = local_day(now), sum(len(units) for _rule, units in look.found)
    row = Sweep(
        id=new_id(),
        on=on,
        whole=look.whole,
        last_fact=look.newest,
        met=met,
        raised=raised,
        failed=look.failed,
        began_at=now,
        ended_at=utc_now(),
    )
    session.add(row)
    answering.wake(session, on=on, now=now)
    flush(session)
    body = {"met": met, "raised": raised, "whole": int(row.whole), "failed": len(row.failed)}
    audit.record(session, audit.Entry("alert:sweep", object_ref=row.id, body=body), actor=actor, now=now)
    return Counted(met, raised)


def _touched(session: Session, before: Sweep) -> Table:
    """The households of which something new was said, by its kind, or whose categories moved, since the last sweep:
    worked out once for all rules, in a table of this connection alone."""
    keys = (Column(name, String(32), primary_key=True) for name in ("kind", "household_id"))
    held = Table("touched", MetaData(), *keys, prefixes=["TEMPORARY"])
    facts = select(Fact.kind, Fact.household_id).where(col(Fact.id) > before.last_fact)
    spells = select(literal(MOVED), Spell.household_id).where(col(Spell.entered_at) > before.began_at)
    held.create(session.connection())
    session.execute(insert(held).from_select(["kind", "household_id"], union(facts, spells)))
    return held


def units_of(session: Session, rule: Rule, /, *, on: date, only: Any = None) -> list[Unit]:
    """Who meets a rule on a day; with `only`, among these households, unless silence can make the rule met."""
    if rule.per == "feed":
        return [(feed, None) for feed in late_feeds(session, on=on)]
    tree = tree_of(rule)
    narrow = only if only is not None and not hears_silence(tree) else None
    scene = Scene(on, per=rule.per, fresh=fresh_days(session), only=narrow)
    return [(home, person) for home, person in session.execute(compile_rule(tree, scene))]


def raise_alerts(
    session: Session, rule: Rule, units: Sequence[Unit], /, *, actor: Actor = SYSTEM, now: datetime
) -> int:
    """Alerts for those who have none open of this rule; open ones with newer evidence are counted again."""
    raised = 0
    kinds = evidence_kinds(tree_of(rule)) if rule.per != "feed" else ()
    for some in chunks(sorted(units, key=str), _ASKED):
        known = _known(session, rule, some)
        seen = _evidence(session, rule, some, kinds)
        fresh: list[dict[str, Any]] = []
        again: list[tuple[str, int, int]] = []
        for unit in some:
            alert, newest = known.get(unit), seen.get(unit, (0, 0))
            if alert is not None and alert.closed_at is None:
                again += [(alert.id, *newest)] if newest[0] > alert.evidence_fact else []
            elif alert is None or comes_back(session, alert, rule, unit, newest, now=now):
                fresh.append(_row(rule, unit, newest, now=now))
        _count_again(session, again)
        _insert(session, rule, fresh, now=now)
        raised += len(fresh)
    if raised:
        homes.renew(session, [home for home, _person in units] if rule.per != "feed" else [])
        entry = audit.Entry("alert:raise", object_ref=rule.id, rule_id=rule.code, body={"raised": raised})
        audit.record(session, entry, actor=actor, now=now)
    return raised


def _known(session: Session, rule: Rule, units: Sequence[Unit]) -> dict[Unit, Held]:
    """The newest alert of each unit."""
    about: Any = col(Alert.feed) if rule.per == "feed" else col(Alert.household_id)
    told = [col(Alert.id), col(Alert.evidence_fact), col(Alert.evidence_day), col(Alert.closed_at), col(Alert.outcome)]
    asked = rows_of(about, col(Alert.person_id), *told).where(
        col(Alert.rule_code) == rule.code, about.in_({home for home, _ in units})
    )
    rows = session.execute(asked.order_by(col(Alert.raised_at), col(Alert.id)))
    return {(row[0], row[1]): Held(*row[2:]) for row in rows}


def _evidence(session: Session, rule: Rule, units: Sequence[Unit], kinds: Sequence[str]) -> dict[Unit, tuple[int, int]]:
    """The newest fact of the rule's kinds, and its day, for each unit."""
    if not kinds:
        return {}
    person = rule.per == "person"
    by: list[Any] = [col(Fact.household_id), col(Fact.person_id)] if person else [col(Fact.household_id)]
    asked = rows_of(*by, func.max(Fact.id), func.max(Fact.day)).where(
        col(Fact.household_id).in_({home for home, _ in units}),
        col(Fact.kind).in_(kinds),
        col(Fact.replaced_day).is_(None),
    )
    rows = session.execute(asked.group_by(*by))
    return {((row[0], row[1]) if person else (row[0], None)): (int(row[-2]), int(row[-1])) for row in rows}


def _count_again(session: Session, seen: Sequence[tuple[str, int, int]]) -> None:
    """Open alerts that newer evidence speaks for: counted once more, all in one statement."""
    if seen:
        table = Alert.__table__  # type: ignore[attr-defined]
        newer = {"evidence_fact": bindparam("fact"), "evidence_day": bindparam("day"), "times": table.c.times + 1}
        rows = [{"alert": alert, "fact": fact, "day": day} for alert, fact, day in seen]
        session.execute(update(table).where(table.c.id == bindparam("alert")).values(newer), rows)


def _row(rule: Rule, unit: Unit, newest: tuple[int, int], *, now: datetime) -> dict[str, Any]:
    about_feed = rule.per == "feed"
    return {
        "id": new_id(),
        "rule_id": rule.id,
        "rule_code": rule.code,
        "kind": rule.kind,
        "colour": rule.colour,
        "rank": RANKS[rule.colour],
        "household_id": None if about_feed else unit[0],
        "person_id": unit[1],
        "feed": unit[0] if about_feed else "",
        "evidence_fact": newest[0],
        "evidence_day": newest[1],
        "state": AlertState.OPEN,
        "raised_at": now,
    }


def _insert(session: Session, rule: Rule, fresh: list[dict[str, Any]], *, now: datetime) -> None:
    """Write the alerts with their places, and start the clock of each household or feed."""
    if not fresh:
        return
    told = {row["household_id"] for row in fresh if row["household_id"]}
    places = {
        home: (district, street)
        for home, district, street in session.exec(
            select(Household.id, Household.district_code, Household.street_code).where(col(Household.id).in_(told))
        )
    }
    for row in fresh:
        row["district_code"], row["street_code"] = places.get(row["household_id"], ("", ""))
    session.execute(insert(Alert), fresh)
    answering.start_clocks(session, rule.colour, places, now=now)
    for row in fresh:
        if row["feed"]:
            answering.start_feed_clock(session, row["feed"], now=now)
