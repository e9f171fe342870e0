"""The rules against helping twice as they stand on a day in a district, and how two people change one.

Enters: a day, a district, or a draft. Leaves: `matching` rules; drafts, and rules in force that end the older one. What
nobody has changed is as the house's own table says. Called by the problem of a run, by approval, by pages and commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger.models import OverlapRule, RuleState
from marketplace.needs.service import today_of
from marketplace.policy import require
from marketplace.reference.duplicate_rules import DuplicateRule, duplicate_rule, list_duplicate_rules
from marketplace.reference.tables import UnknownCode, in_force
from matching.overlap_rules import Rule

MOST_DAYS = 3650
_ALWAYS = ("FORBID_OFFSET", "CONFLICT_OF_INTEREST")
"""Kinds that look at every aid, whatever its category or programme."""
MOST_UNITS = 10**12


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to change: only the values that change are filled."""

    code: str
    district_code: str
    valid_from: date
    source: str
    days: int | None = None
    limits: Mapping[str, int] | None = None
    off: bool = False


class Book:
    """The rules of one day, for every district: read once, asked many times."""

    def __init__(self, session: Session, *, on: date) -> None:
        changes = [row for row in _changes(session) if in_force(row.valid_from, row.valid_to, on=on)]
        self._city = {row.code: row for row in changes if not row.district_code}
        self._local = {(row.code, row.district_code): row for row in changes if row.district_code}
        self._by_district: dict[str, tuple[Rule, ...]] = {}
        self._for: dict[tuple[str, str, bool], tuple[Rule, ...]] = {}

    def of(self, district: str, /) -> tuple[Rule, ...]:
        """Every rule of a district, in the order of the codes."""
        if district not in self._by_district:
            found = (self._one(row, district) for row in list_duplicate_rules())
            self._by_district[district] = tuple(rule for rule in found if rule is not None)
        return self._by_district[district]

    def about(self, district: str, category: str, programme: str = "", /) -> tuple[Rule, ...]:
        """Those that may look at aid of a category and, if it has one, of a programme."""
        key = (district, category, bool(programme))
        if key not in self._for:
            wider = [rule for rule in self.of(district) if not rule.categories]
            always = [rule for rule in wider if programme or rule.kind in _ALWAYS]
            self._for[key] = (*always, *(rule for rule in self.of(district) if category in rule.categories))
        return self._for[key]

    def cool_offs(self) -> dict[str, int]:
        """Category ► days, where every district has the same; the judge holds the others need by need."""
        local = {code for code, _district in self._local}
        rules = [rule for rule in self.of("") if rule.kind == "COOLDOWN" and rule.code not in local]
        return {category: rule.days for rule in rules for category in sorted(rule.categories)}

    def change(self, code: str, district: str, /) -> OverlapRule | None:
        """The change that holds there, if any."""
        return self._local.get((code, district)) or self._city.get(code)

    def _one(self, row: DuplicateRule, district: str) -> Rule | None:
        change = self.change(row.code, district)
        terms: Mapping[str, Any] = change.terms if change else {}
        if terms.get("off"):
            return None
        rule = rule_of(row)
        values = {name: terms[name] for name in ("days", "limits") if name in terms}
        return replace(rule, **values) if values else rule


def rule_of(row: DuplicateRule, /) -> Rule:
    """The table's row in the words of `matching`."""
    return Rule(
        code=row.code,
        kind=row.kind,
        categories=row.categories,
        days=row.days,
        limits=dict(row.limits),
        programmes=row.programmes,
        apart=row.apart,
        excepted=row.excepted,
        per_member=row.per_member,
        may_except=row.may_except,
    )


def _changes(session: Session) -> list[OverlapRule]:
    wanted = select(OverlapRule).where(col(OverlapRule.state).in_((RuleState.ACTIVE, RuleState.ENDED)))
    return list(session.exec(wanted.order_by(col(OverlapRule.valid_from), col(OverlapRule.decided_at))))


def history(session: Session, code: str, /) -> list[OverlapRule]:
    """Every change of a rule that anybody drafted, the newest first."""
    wanted = select(OverlapRule).where(col(OverlapRule.code) == code)
    return list(session.exec(wanted.order_by(col(OverlapRule.drafted_at).desc(), col(OverlapRule.id))))


def drafts(session: Session, /) -> list[OverlapRule]:
    """What waits for a second person, the oldest first."""
    wanted = select(OverlapRule).where(col(OverlapRule.state) == RuleState.DRAFT)
    return list(session.exec(wanted.order_by(col(OverlapRule.drafted_at), col(OverlapRule.id))))


def get_change(session: Session, rule_id: str, /, *, lock: bool = False) -> OverlapRule:
    """One change, or NotFound."""
    found = session.get(OverlapRule, rule_id, with_for_update=lock, populate_existing=True)
    if found is None:
        raise NotFound("overlap_rule")
    return found


def draft(session: Session, wanted: Draft, /, *, actor: Actor, now: datetime) -> OverlapRule:
    """Write a change down; it changes nothing until another person approves it."""
    require(actor, "rule:draft")
    _check(wanted, today=today_of(now))
    terms: dict[str, object] = {"off": True} if wanted.off else {}
    if wanted.days is not None:
        terms["days"] = wanted.days
    if wanted.limits is not None:
        terms["limits"] = dict(wanted.limits)
    row = OverlapRule(
        id=new_id(),
        code=wanted.code,
        district_code=wanted.district_code,
        terms=terms,
        source=wanted.source.strip(),
        valid_from=wanted.valid_from,
        state=RuleState.DRAFT,
        drafted_by=actor.id,
        drafted_at=now,
    )
    session.add(row)
    flush(session)
    _record(session, row, "rule:draft", actor=actor, now=now)
    return row


def _check(wanted: Draft, *, today: date) -> None:
    try:
        kind = duplicate_rule(wanted.code).kind
    except UnknownCode as error:
        raise NotFound("overlap_rule") from error
    if not wanted.source.strip():
        raise BadInput("source_missing", field="source")
    if wanted.valid_from < today:
        raise BadInput("date_in_past", field="valid_from")
    if wanted.days is not None and not (kind == "COOLDOWN" and 1 <= wanted.days <= MOST_DAYS):
        raise BadInput("days_outside", field="days")
    if wanted.limits is not None and not all(0 <= limit <= MOST_UNITS for limit in wanted.limits.values()):
        raise BadInput("limit_outside", field="limit")
    if wanted.days is None and wanted.limits is None and not wanted.off:
        raise BadInput("nothing_changed", field="days")


def approve(session: Session, rule_id: str, /, *, actor: Actor, now: datetime) -> OverlapRule:
    """A second person puts a change in force; the one before it, for the same district, ends on that day."""
    row = _waiting(session, rule_id, actor=actor)
    if row.valid_from < today_of(now):
        raise WrongState("date_in_past")
    for older in session.exec(
        select(OverlapRule).where(
            col(OverlapRule.code) == row.code,
            col(OverlapRule.district_code) == row.district_code,
            col(OverlapRule.state) == RuleState.ACTIVE,
        )
    ):
        older.valid_to, older.state = max(older.valid_from, row.valid_from), RuleState.ENDED
        session.add(older)
    return _decide(session, row, RuleState.ACTIVE, "rule:approve", actor=actor, now=now)


def refuse(session: Session, rule_id: str, /, *, actor: Actor, now: datetime) -> OverlapRule:
    """A second person says no; the draft stays in the history."""
    row = _waiting(session, rule_id, actor=actor)
    return _decide(session, row, RuleState.REFUSED, "rule:refuse", actor=actor, now=now)


def _waiting(session: Session, rule_id: str, *, actor: Actor) -> OverlapRule:
    require(actor, "rule:approve")
    row = get_change(session, rule_id, lock=True)
    if row.state is not RuleState.DRAFT:
        raise WrongState("rule_decided")
    if row.drafted_by == actor.id:
        raise WrongState("same_person_twice")
    return row


def _decide(
    session: Session, row: OverlapRule, state: RuleState, action: str, *, actor: Actor, now: datetime
) -> OverlapRule:
    row.state, row.decided_by, row.decided_at = state, actor.id, now
    session.add(row)
    flush(session)
    _record(session, row, action, actor=actor, now=now)
    return row


def _record(session: Session, row: OverlapRule, action: str, *, actor: Actor, now: datetime) -> None:
    audit.record(session, audit.Entry(action, object_ref=row.id, rule_id=row.code), actor=actor, now=now)
