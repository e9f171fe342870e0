"""The matrix of roles, cell by cell: every role, every action, on an own, a foreign and a missing row."""

from __future__ import annotations

import tomllib
from itertools import product

import pytest

from marketplace import policy
from marketplace.actors import GIVERS, STAFF, Actor, Role
from marketplace.errors import DomainError, NotAllowed, NotFound

AREA = "500103"
OWN = {"household_id": "household-own", "org_id": "org-own", "district": AREA}
FOREIGN = {"household_id": "household-foreign", "org_id": "org-foreign", "district": "500236"}
MISSING: dict[str, str] = {}
ROWS = {"own": OWN, "foreign": FOREIGN, "missing": MISSING}


def _matrix() -> dict[str, dict[str, str]]:
    tables = tomllib.loads(policy.MATRIX.read_text(encoding="utf-8"))
    cells: dict[str, dict[str, str]] = {}
    for action, entries in (pair for table in tables.values() for pair in table.items()):
        cells[action] = {}
        for entry in entries:
            role, _, scope = entry.partition(":")
            cells[action][role] = scope
    return cells


MATRIX = _matrix()


def _actor(role: Role) -> Actor:
    household = "household-own" if role in (Role.HOUSEHOLD, Role.HELPER) else None
    districts = frozenset({AREA}) if role in STAFF else frozenset()
    org_id = "org-own" if role in GIVERS else None
    return Actor(id="a", role=role, org_id=org_id, districts=districts, household_id=household)


def _expected(action: str, role: Role, row: str) -> type[DomainError] | None:
    """What the matrix says: never for this role; only within its scope; else always."""
    roles = MATRIX[action]
    if "*" in roles:
        return None
    if role.value not in roles:
        return NotAllowed
    return NotFound if roles[role.value] and row != "own" else None


@pytest.mark.parametrize("action", sorted(MATRIX))
def test_an_action_is_open_to_exactly_the_roles_and_rows_that_the_matrix_lists(action: str) -> None:
    for role, row in product(Role, ROWS):
        expected, found = _expected(action, role, row), None
        try:
            policy.require(_actor(role), action, **ROWS[row])
        except DomainError as error:
            found = type(error)
        assert found is expected, f"{role.value} {action} {row}"


def test_the_matrix_names_only_roles_and_scopes_that_exist() -> None:
    roles = {role.value for role in Role} | {"*"}
    for action, cells in MATRIX.items():
        assert cells.keys() <= roles, action
        assert set(cells.values()) <= {"", "own", "area"}, action


def test_every_role_that_is_narrowed_to_its_own_can_own_something() -> None:
    owners = {role.value for role in GIVERS} | {"household", "helper"}
    for action, cells in MATRIX.items():
        assert {role for role, scope in cells.items() if scope == "own"} <= owners, action


def test_an_action_that_is_not_in_the_matrix_is_refused_to_everybody() -> None:
    for role in Role:
        assert not policy.may(_actor(role), "need:delete").allow


def test_an_actor_without_districts_serves_the_whole_city_but_no_row_without_one() -> None:
    everywhere = Actor(id="a", role=Role.VERIFIER)
    assert policy.decide(everywhere, "need:view", district="500236").allow
    assert not policy.decide(everywhere, "need:view").allow


def test_a_giver_without_an_organisation_owns_nothing() -> None:
    stray = Actor(id="a", role=Role.CHARITY_WORKER)
    assert not policy.decide(stray, "offer:edit", org_id=None).allow
    assert not policy.decide(stray, "offer:edit", org_id="org-own").allow


def _roles_of(action: str) -> set[str]:
    return set(MATRIX[action])


def test_who_sees_people_does_not_hold_the_log_and_who_holds_the_log_sees_nobody() -> None:
    assert not _roles_of("household:reveal") & {
        "auditor",
        "security_admin",
        "operator",
        "charity_worker",
        "charity_manager",
    }
    assert "auditor" in _roles_of("audit:view")


def test_nobody_may_both_verify_and_approve() -> None:
    assert not _roles_of("need:verify") & _roles_of("match:approve")


def test_only_the_household_itself_says_yes_to_an_offer() -> None:
    assert _roles_of("match:accept") == {"household"}
    assert _roles_of("consent:give") == {"household"}


def test_the_public_may_only_come_in_apply_read_the_map_and_check_a_paper() -> None:
    public = {action for action in MATRIX if policy.may(_actor(Role.PUBLIC), action).allow}
    entering = {"start:view", "account:sign_in", "account:demo", "account:join", "account:prove", "organisation:apply"}
    applying = {"case:enter", "case:notice", "case:object", "case:times", "power:enter", "favours:report"}
    assert public == entering | applying | {"demand:map", "trust:verify", "trust:view", "api:open"}


def test_an_act_that_needs_a_fresh_proof_is_in_the_matrix_and_open_to_nobody_without_an_account() -> None:
    assert set(MATRIX) >= policy.FRESH
    for action in policy.FRESH:
        assert "*" not in MATRIX[action], action
    assert {"match:approve", "household:reveal", "payment:release", "payment:file"} <= policy.FRESH
