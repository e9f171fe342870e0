"""The values of a rule against helping twice, in words.

Enters: a rule, or a change of one. Leaves: days, limits and sets in the reader's language. Called by the rules' pages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marketplace.ledger.book import SETS
from marketplace.ledger.models import OverlapRule
from marketplace.reference.needs import MONEY, need_kind
from marketplace.web import _
from marketplace.web.codes import amount, word
from matching.overlap_rules import RURAL, Rule


def values_of(rule: Rule | None) -> tuple[str, ...]:
    """Days and limits in words."""
    if rule is None:
        return (_("The rule rests"),)
    found = [_("%(n)s days", n=rule.days)] if rule.days else []
    return (*found, *(_limit(category, units) for category, units in sorted(rule.limits.items())))


def _limit(category: str, units: int) -> str:
    unit = MONEY if category in ("*", RURAL) else need_kind(category).unit
    return f"{limit_name(category)}: {amount(units, unit)}"


def limit_name(category: str) -> str:
    """What a limit is for."""
    if category in ("*", RURAL):
        return str(_("in the country") if category == RURAL else _("in towns"))
    return str(word(category, "need"))


def terms_of(change: OverlapRule) -> str:
    """What a change says, in words."""
    terms: dict[str, Any] = dict(change.terms)
    if terms.get("off"):
        return str(_("The rule rests"))
    days = [_("%(n)s days", n=terms["days"])] if "days" in terms else []
    limits = [_limit(category, units) for category, units in sorted(terms.get("limits", {}).items())]
    sets = [_set(name, terms[name]) for name in SETS if name in terms]
    if "apart" in terms:
        groups = " | ".join(_names(group, "aid_programme") for group in terms["apart"])
        sets.append(str(_("exclude each other: %(groups)s", groups=groups)))
    if "order" in terms:
        sets.append(str(_("payers in this order: %(payers)s", payers=_names(terms["order"], "payer"))))
    if "may_except" in terms:
        sets.append(str(_("a district may allow an exception") if terms["may_except"] else _("no exception")))
    return str(_("; ")).join(str(part) for part in (*days, *limits, *sets))


def binds_of(by_person: frozenset[str]) -> str:
    """Whom a rule counts for, in words."""
    if not by_person:
        return str(_("counts for the whole household"))
    if "*" in by_person:
        return str(_("counts for the person, where one is named"))
    kinds = str(_(", ")).join(str(word(code, "need")) for code in sorted(by_person))
    return str(_("counts for the person, where one is named, in: %(kinds)s; else for the household", kinds=kinds))


def _set(name: str, codes: list[str]) -> str:
    if name == "by_person":
        return str(binds_of(frozenset(codes)))
    titles = {"categories": _("kinds"), "programmes": _("programmes"), "excepted": _("added all the same")}
    table = "need" if name == "categories" else "aid_programme"
    nothing = str(_("none"))
    return f"{titles[name]}: {_names(codes, table) or nothing}"


def _names(codes: Iterable[str], table: str) -> str:
    return str(_(", ")).join(str(word(code, table)) for code in codes)
