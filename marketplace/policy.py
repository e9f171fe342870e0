"""Who may do what: plain functions over one matrix, each answer with its rule and reason.

Enters: an actor, an action and what the row says about itself (its household, organisation, district). Leaves: a
`Decision`. Deny by default. Views ask through `guards.guard`; services ask again with the row's facts in `require`.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from marketplace.actors import Actor, Role
from marketplace.errors import NotAllowed, NotFound

MATRIX = Path(__file__).with_name("roles.toml")

FRESH = frozenset(tomllib.loads(MATRIX.with_name("fresh.toml").read_text(encoding="utf-8"))["acts"])
"""Acts for which an account shows a second factor of the last five minutes: approving, revealing, exporting, keys."""


NOT_IN_POWER = "not_in_power"
MATTERS = {
    "case": ("applications",),
    "match": ("offers",),
    "consent": ("offers",),
    "credential": ("offers",),
    "appointment": ("offers",),
    "appeal": ("applications", "offers"),
    "right": ("applications",),
    "claim": ("papers",),
    "payee": ("papers",),
    "proof": ("papers",),
    "survival": ("checks",),
}
"""The first word of an action ► the matters of a written power that cover it: any of them does."""


@dataclass(frozen=True, slots=True)
class Decision:
    """`allow`, the rule that decided, and a short reason for the log."""

    allow: bool
    rule: str
    reason: str


@cache
def matrix() -> dict[str, dict[str, str]]:
    """Action ► role ► scope word (empty: unscoped)."""
    tables = tomllib.loads(MATRIX.read_text(encoding="utf-8"))
    rules: dict[str, dict[str, str]] = {}
    for table in tables.values():
        for action, entries in table.items():
            rules[action] = {role: scope for role, _, scope in (entry.partition(":") for entry in entries)}
    return rules


def matters_of(action: str, /) -> frozenset[str]:
    """In which matters of a written power an action lies; empty where every helper may."""
    return frozenset(MATTERS.get(action.partition(":")[0], ()))


def may(actor: Actor, action: str) -> Decision:
    """Whether the role may do this at all; scope is asked with the row, by `decide`."""
    roles = matrix().get(action)
    if roles is None:
        return Decision(False, "no_such_action", f"{action} is not in the matrix")
    asked = matters_of(action)
    if actor.role is Role.HELPER and actor.matters and asked and not asked & actor.matters:
        return Decision(False, NOT_IN_POWER, "the written power does not name this matter")
    if "*" in roles or actor.role.value in roles:
        return Decision(True, action, "role")
    return Decision(False, action, f"role {actor.role.value} is not listed")


def decide(
    actor: Actor,
    action: str,
    *,
    household_id: str | None = None,
    org_id: str | None = None,
    district: str | None = None,
) -> Decision:
    """Whether this actor may do this to a row of this household, organisation and district."""
    first = may(actor, action)
    if not first.allow:
        return first
    roles = matrix()[action]
    scope = roles.get(actor.role.value, "")
    if scope == "area" and (district is None or not actor.serves(district)):
        return Decision(False, f"{action}:area", "outside the actor's districts")
    if scope == "own" and not _owns(actor, household_id=household_id, org_id=org_id):
        return Decision(False, f"{action}:own", "not the actor's own")
    return Decision(True, action, scope or "role")


def _owns(actor: Actor, *, household_id: str | None, org_id: str | None) -> bool:
    if actor.role in (Role.HOUSEHOLD, Role.HELPER):
        return household_id is not None and actor.household_id == household_id
    return org_id is not None and actor.org_id == org_id


def require(
    actor: Actor,
    action: str,
    *,
    household_id: str | None = None,
    org_id: str | None = None,
    district: str | None = None,
) -> Decision:
    """`decide`, or raise: NotAllowed where the role may never, NotFound where only this row is foreign.

    A foreign row answers like a missing one, so that nobody learns that it exists.
    """
    if not may(actor, action).allow:
        raise NotAllowed("not_allowed", action=action)
    decision = decide(actor, action, household_id=household_id, org_id=org_id, district=district)
    if not decision.allow:
        raise NotFound("not_found")
    return decision
