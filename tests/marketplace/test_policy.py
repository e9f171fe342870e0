"""The matrix of roles, cell by cell: every role, every action, on an own, a foreign and a missing row."""

from __future__ import annotations

import tomllib
from itertools import product

import pytest
from flask import Flask, g

from marketplace import guards, policy
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


def test_a_view_asks_for_what_the_matrix_has_and_finds_out_who_asks() -> None:
    with pytest.raises(ValueError, match="not in roles"):
        guards.guard("no:such")

    @guards.guard("start:view")
    def view() -> str:
        return guards.current_action()

    app = Flask("guards")
    with app.test_request_context("/"):
        for asks in (guards.own_org, guards.own_household):
            with pytest.raises(NotFound):
                asks()
        assert view() == "start:view"
        g.actor = Actor(id="w", role=Role.CHARITY_WORKER, org_id="org-1", household_id="home-1")
        assert (guards.own_org(), guards.own_household()) == ("org-1", "home-1")


def _asks(action: str, actor: Actor | None, method: str = "GET", *, proved: bool = False) -> str:
    """The code of the refusal of a view behind this action; empty if it ran."""
    with Flask("guards").test_request_context("/", method=method):
        if actor is not None:
            g.actor, g.proved = actor, proved
        try:
            return guards.guard(action)(lambda: "")()
        except NotAllowed as error:
            return error.code


@pytest.mark.threat("T15")
def test_each_refusal_of_a_view_says_which_it_is() -> None:
    approver = Actor(id="a", role=Role.APPROVER)
    home = {"household_id": "home-1"}
    seeing = Actor(id="h", role=Role.HELPER, reads_only=True, **home)
    assert _asks("match:approve", None) == "sign_in"
    assert _asks("match:approve", Actor(id="o", role=Role.OPERATOR)) == "not_allowed"
    assert "match:approve" in policy.FRESH
    for method, proved, told in (
        ("GET", False, ""),
        ("HEAD", False, ""),
        ("POST", False, "step_up"),
        ("POST", True, ""),
    ):
        assert _asks("match:approve", approver, method, proved=proved) == told, (method, proved)
    assert _asks("consent:give", Actor(id="h", role=Role.HOUSEHOLD, **home), "POST") == ""
    act = next(one for one in policy.matrix() if one not in guards.ALWAYS and policy.may(seeing, one).allow)
    assert [_asks(act, seeing, method) for method in ("GET", "HEAD", "POST")] == ["", "", "sees_only"]
    for one in guards.ALWAYS:
        assert _asks(one, seeing, "POST") == "", "what a helper may always press"


def test_a_decision_names_its_rule_and_a_row_of_another_district_is_refused() -> None:
    action = next(one for one, roles in policy.matrix().items() if roles.get("verifier") == "area")
    clerk = Actor(id="v", role=Role.VERIFIER, districts=frozenset({"500103"}))
    assert policy.require(clerk, action, district="500103").allow
    for district in ("500112", None):
        assert policy.decide(clerk, action, district=district).rule == f"{action}:area"
    assert policy.decide(clerk, "no:such").rule == "no_such_action"
    assert not policy.decide(Actor(id="o", role=Role.OPERATOR), action, district="500103").allow


def test_a_helper_acts_in_the_matters_that_the_power_names_and_in_what_is_nobody_s_matter() -> None:
    by_matter: dict[frozenset[str], str] = {}
    for action in policy.matrix():
        if policy.may(Actor(id="h", role=Role.HELPER, household_id="home-1"), action).allow:
            by_matter.setdefault(policy.matters_of(action), action)
    first, second, *_ = sorted(matter for matters in by_matter for matter in matters if len(matters) == 1)
    helper = Actor(id="h", role=Role.HELPER, household_id="home-1", matters=frozenset({first}))
    one, other = by_matter[frozenset({first})], by_matter[frozenset({second})]
    assert policy.may(helper, one).allow
    assert policy.may(helper, other).rule == policy.NOT_IN_POWER
    assert _asks(other, helper) == "not_in_power"
    assert policy.may(helper, by_matter[frozenset()]).allow
    for matter, opened in (("applications", True), ("offers", True), ("checks", False)):
        theirs = Actor(id="h", role=Role.HELPER, household_id="home-1", matters=frozenset({matter}))
        assert policy.may(theirs, "appeal:raise").allow is opened, "either of two matters"
    owner = Actor(id="h", role=Role.HOUSEHOLD, household_id="home-1", matters=frozenset({first}))
    assert policy.may(owner, other).allow, "matters bind helpers only"


@pytest.mark.threat("T15")
def test_a_fresh_proof_is_asked_of_accounts_and_of_no_household() -> None:
    with Flask("guards").test_request_context("/"):
        g.actor = Actor(id="w", role=Role.APPROVER)
        with pytest.raises(NotAllowed, match="step_up"):
            guards.need_fresh_proof()
        g.proved = True
        guards.need_fresh_proof()
        g.proved, g.actor = False, Actor(id="h", role=Role.HOUSEHOLD, household_id="home-1")
        guards.need_fresh_proof()  # a household has no second factor


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
    applying = {"case:enter", "case:notice", "case:object", "case:times", "push:enter", "power:enter", "favours:report"}
    assert public == entering | applying | {"demand:map", "trust:verify", "trust:view", "api:open"}


def test_an_act_that_needs_a_fresh_proof_is_in_the_matrix_and_open_to_nobody_without_an_account() -> None:
    assert set(MATRIX) >= policy.FRESH
    for action in policy.FRESH:
        assert "*" not in MATRIX[action], action
    assert {"match:approve", "household:reveal", "payment:release", "payment:file"} <= policy.FRESH


def test_a_decision_says_its_rule_and_reason_whichever_way_it_went() -> None:
    approver = _actor(Role.APPROVER)
    told = policy.Decision
    assert policy.decide(_actor(Role.OPERATOR), "match:approve", **OWN) == told(
        False, "match:approve", "role operator is not listed"
    )
    outside = told(False, "match:approve:area", "outside the actor's districts")
    assert policy.decide(approver, "match:approve", **FOREIGN) == outside
    assert policy.decide(approver, "match:approve") == outside
    assert policy.decide(approver, "match:approve", **OWN) == told(True, "match:approve", "area")
    assert policy.require(approver, "match:approve", **OWN) == told(True, "match:approve", "area")
    manager = _actor(Role.CHARITY_MANAGER)
    assert policy.decide(manager, "match:reclaim", **FOREIGN) == told(False, "match:reclaim:own", "not the actor's own")
    assert policy.decide(approver, "run:list") == told(True, "run:list", "role")
    assert policy.may(approver, "no:such") == told(False, "no_such_action", "no:such is not in the matrix")


def test_an_actor_that_belongs_to_nobody_owns_no_row_that_belongs_to_nobody() -> None:
    for role in (Role.HOUSEHOLD, Role.CHARITY_MANAGER):
        actor, action = Actor(id="a", role=role), "match:view"
        assert not policy.decide(actor, action, household_id=None, org_id=None).allow
