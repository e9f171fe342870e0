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
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.tables import UnknownCode, in_force
from marketplace.reference.words import list_codes
from matching.overlap_rules import Rule

MOST_DAYS = 3650
_ALWAYS = ("FORBID_OFFSET", "CONFLICT_OF_INTEREST")
"""Kinds that look at every aid, whatever its category or programme."""
MOST_UNITS = 10**12
SETS = ("categories", "programmes", "excepted")
"""Values of a rule that are sets of codes."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to change: only the values that change are filled. `excepted` are programmes that may be
    added although the rule forbids it; `may_except` says whether a district may except a need."""

    code: str
    district_code: str
    valid_from: date
    source: str
    days: int | None = None
    limits: Mapping[str, int] | None = None
    off: bool = False
    categories: frozenset[str] | None = None
    programmes: frozenset[str] | None = None
    excepted: frozenset[str] | None = None
    may_except: bool | None = None

    @property
    def terms(self) -> dict[str, object]:
        """The values that change, as they are kept."""
        sets = {"categories": self.categories, "programmes": self.programmes, "excepted": self.excepted}
        plain = {"days": self.days, "limits": None if self.limits is None else dict(self.limits)}
        told: dict[str, object] = {name: value for name, value in plain.items() if value is not None}
        told |= {name: sorted(codes) for name, codes in sets.items() if codes is not None}
        told |= {"off": True} if self.off else {}
        return told if self.may_except is None else {**told, "may_except": self.may_except}


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

    def binding(self, district: str, category: str, /) -> list[tuple[Rule, frozenset[str]]]:
        """Every rule that could bind on aid of a category, with the programmes under which it does (empty: under any,
        or none). A rule that names categories looks at no other."""
        return [
            (rule, rule.programmes.union(*rule.apart) if _by_programme(rule) else frozenset())
            for rule in self.of(district)
            if not rule.categories or category in rule.categories
        ]

    def resting(self, district: str, category: str, /) -> list[DuplicateRule]:
        """The rules of the house that would bear on aid of a category, and rest on this day in this district."""
        awake = {rule.code for rule in self.of(district)}
        rows = [row for row in list_duplicate_rules() if row.code not in awake]
        return [row for row in rows if not row.categories or category in row.categories]

    def changes(self, code: str, district: str, /) -> list[OverlapRule]:
        """What people have changed of a rule and is in force in a district: the city's change, then the district's."""
        return [row for row in (self._city.get(code), self._local.get((code, district))) if row is not None]

    def cool_offs(self) -> dict[str, int]:
        """Category ► days, where every district has the same; the judge holds the others need by need."""
        local = {code for code, _district in self._local}
        rules = [rule for rule in self.of("") if rule.kind == "COOLDOWN" and rule.code not in local]
        return {category: rule.days for rule in rules for category in sorted(rule.categories)}

    def _terms(self, code: str, district: str) -> Mapping[str, Any]:
        """The city's values under the district's, value by value; a district that changes a rule has it on again."""
        city, local = self._city.get(code), self._local.get((code, district))
        below = dict(city.terms) if city else {}
        if local is None:
            return below
        below.pop("off", None)
        return {**below, **local.terms}

    def _one(self, row: DuplicateRule, district: str) -> Rule | None:
        terms = self._terms(row.code, district)
        if terms.get("off"):
            return None
        rule = rule_of(row)
        values = {name: terms[name] for name in ("days", "limits", "may_except") if name in terms}
        values |= {name: frozenset(terms[name]) for name in SETS if name in terms}
        return replace(rule, **values) if values else rule


def _by_programme(rule: Rule) -> bool:
    return not rule.categories and rule.kind not in _ALWAYS


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
    row = OverlapRule(
        id=new_id(),
        code=wanted.code,
        district_code=wanted.district_code,
        terms=_standing(session, wanted) | wanted.terms,
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


def _standing(session: Session, wanted: Draft) -> dict[str, object]:
    """What an earlier change for the same district says and the new one does not touch; a rest ends unless repeated."""
    for row in session.exec(
        select(OverlapRule).where(
            col(OverlapRule.code) == wanted.code,
            col(OverlapRule.district_code) == wanted.district_code,
            col(OverlapRule.state) == RuleState.ACTIVE,
        )
    ):
        return {name: value for name, value in row.terms.items() if name != "off"}
    return {}


def _check(wanted: Draft, *, today: date) -> None:
    try:
        rule = duplicate_rule(wanted.code)
    except UnknownCode as error:
        raise NotFound("overlap_rule") from error
    if not wanted.source.strip():
        raise BadInput("source_missing", field="source")
    if wanted.valid_from < today:
        raise BadInput("date_in_past", field="valid_from")
    if wanted.days is not None and not (rule.kind == "COOLDOWN" and 1 <= wanted.days <= MOST_DAYS):
        raise BadInput("days_outside", field="days")
    if wanted.limits is not None and not all(0 <= limit <= MOST_UNITS for limit in wanted.limits.values()):
        raise BadInput("limit_outside", field="limit")
    _check_sets(wanted, rule)
    if protects(rule):
        _check_protection(wanted, rule)
    if not wanted.terms:
        raise BadInput("nothing_changed", field="days")


def protects(rule: DuplicateRule, /) -> bool:
    """Rules that the law sets up for the household, not for the purse: they never rest and are never narrowed."""
    return rule.kind in _ALWAYS


def _check_protection(wanted: Draft, rule: DuplicateRule) -> None:
    narrowed = wanted.programmes is not None and not rule.programmes <= wanted.programmes
    if wanted.off or wanted.may_except or narrowed:
        raise BadInput("rule_protects", field="off")


def _check_sets(wanted: Draft, rule: DuplicateRule) -> None:
    """A rule keeps its shape: it looks at categories or at programmes as before, at one of them at least."""
    kinds, programmes = {kind.code for kind in list_need_kinds()}, set(list_codes("aid_programme"))
    known = {"categories": (rule.categories, kinds), "programmes": (_programmes(rule), programmes)}
    known["excepted"] = (rule.excepted, programmes)
    for name, (before, codes) in known.items():
        told: frozenset[str] | None = getattr(wanted, name)
        if told is not None and not (before and told and told <= codes):
            raise BadInput("codes_outside", field=name)


def _programmes(rule: DuplicateRule) -> frozenset[str]:
    """Programmes that may be changed; groups that exclude each other are of one piece."""
    return frozenset() if rule.apart else rule.programmes


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
    if row.drafted_by in actor.people:
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
