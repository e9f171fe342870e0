"""The rules against helping twice as they stand on a day in a district.

Enters: a day and a district. Leaves: `matching` rules; what nobody has changed is as the house's own table says. Called
by the problem of a run, by approval, by quotes, pages and commands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlmodel import Session, col, select

from marketplace.ledger.models import OverlapRule, RuleState
from marketplace.reference.duplicate_rules import DuplicateRule, list_duplicate_rules
from marketplace.reference.tables import in_force
from matching.overlap_rules import Rule

ALWAYS = ("FORBID_OFFSET", "CONFLICT_OF_INTEREST")
"""Kinds that look at every aid, whatever its category or programme."""
SETS = ("categories", "programmes", "excepted", "by_person")
"""Values of a rule that are sets of codes; ``*`` is every kind for which it counts for a person."""


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
            always = [rule for rule in wider if programme or rule.kind in ALWAYS]
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
        return together(below, local.terms)

    def _one(self, row: DuplicateRule, district: str) -> Rule | None:
        terms = self._terms(row.code, district)
        if terms.get("off"):
            return None
        rule = rule_of(row)
        values = {name: terms[name] for name in ("days", "limits", "may_except") if name in terms}
        if "limits" in values:
            values["limits"] = {**rule.limits, **values["limits"]}
        values |= {name: frozenset(terms[name]) for name in SETS if name in terms}
        values |= {"apart": tuple(map(frozenset, terms["apart"]))} if "apart" in terms else {}
        values |= {"order": tuple(terms["order"])} if "order" in terms else {}
        return replace(rule, **values) if values else rule


def together(below: Mapping[str, Any], above: Mapping[str, Any], /) -> dict[str, Any]:
    """What one change leaves of another below it, value by value and limit by limit."""
    limits = {**below.get("limits", {}), **above.get("limits", {})}
    return {**below, **above, **({"limits": limits} if limits else {})}


def _by_programme(rule: Rule) -> bool:
    return not rule.categories and rule.kind not in ALWAYS


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
        by_person=row.by_person,
        alike=row.alike,
    )


def _changes(session: Session) -> list[OverlapRule]:
    wanted = select(OverlapRule).where(col(OverlapRule.state).in_((RuleState.ACTIVE, RuleState.ENDED)))
    return list(session.exec(wanted.order_by(col(OverlapRule.valid_from), col(OverlapRule.decided_at))))
