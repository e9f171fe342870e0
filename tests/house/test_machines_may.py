"""Every address of the partner API × every scope × each kind of giver × an own, a foreign and a missing row.

One organisation owns a match with its consent and a deletion order; two others own nothing. A call whose token lacks
the scope, or whose kind of giver the matrix does not name, is refused alike for all rows; with the scope a foreign row
answers like a missing one, byte for byte, and an own row answers otherwise than both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from marketplace import policy
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.organisations.models import OrganisationKind
from marketplace.sharing.clients import SCOPES
from marketplace.sharing.models_api import DeletionOrder
from tests import factories as make
from tests.marketplace.match_scene import a_scene
from tests.marketplace.partner_scene import Machine, let_in

MISSING = "nowhere0000000000000000000"
WORDS = {"purpose": "GOODS", "reason": "stock_gone", "valid_to": "2099-01-01"}
KINDS = {OrganisationKind.CHARITY: Role.CHARITY_MANAGER, OrganisationKind.INSURER: Role.INSURER}


@dataclass(frozen=True)
class World:
    """The app, a machine of each kind that owns nothing, the owner's machine, and the owner's rows by argument."""

    app: Flask
    strangers: dict[OrganisationKind, Machine]
    owner: Machine
    rows: dict[str, str]


@pytest.fixture
def world(sqlite_database: Database, settings: Settings) -> World:
    now = utc_now()
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=now)
        match = scene.in_delivery(session, now)
        owner = let_in(session, scene.organisation)
        order = DeletionOrder(
            id="order-1",
            org_id=scene.organisation.id,
            consent_chain_id=match.consent_chain_id or "",
            match_id=match.id,
            disclosures=1,
            ordered_at=now,
            due_at=now + timedelta(days=5),
        )
        session.add(order)
        strangers = {kind: let_in(session, make.an_organisation(session, kind=kind)) for kind in KINDS}
        rows = {"match_id": match.id, "consent_id": match.consent_chain_id or "", "order_id": order.id}
    return World(create_app(settings, database=sqlite_database), strangers, owner, rows)


def _rules(app: Flask) -> Iterator[tuple[Rule, str, Any]]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        need = getattr(app.view_functions[rule.endpoint], "need", None)
        if need is not None:
            yield from ((rule, method, need) for method in ("GET", "POST") if method in (rule.methods or ()))


def _fitting(shape: Mapping[str, Any], name: str = "") -> Any:
    """The smallest value of a shape, with the words that the house knows."""
    if shape["type"] == "object":
        return {part: _fitting(shape["properties"][part], part) for part in shape["required"]}
    if shape["type"] == "array":
        return [_fitting(shape["items"])] * shape.get("minItems", 0)
    if shape["type"] == "integer":
        return shape["minimum"]
    if name in WORDS:
        return WORDS[name]
    return shape["enum"][0] if "enum" in shape else "2026-11-20" if shape.get("format") == "date" else "x"


def _ask(client: FlaskClient, token: str, rule: Rule, method: str, need: Any, row: str) -> tuple[int, bytes]:
    path = re.sub(r"<(?:\w+:)?\w+>", row, rule.rule)
    sent: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}", "Idempotency-Key": token_hex(8)}}
    if need.takes is not None:
        sent["json"] = _fitting(need.takes)
    elif need.purpose:
        sent["query_string"] = {"purpose": WORDS["purpose"]}
    answer = client.open(path, method=method, **sent)
    return answer.status_code, answer.data.replace(row.encode(), b"ID") if row else answer.data


@pytest.mark.threat("T01")
@pytest.mark.threat("T11")
@pytest.mark.parametrize("kind", KINDS)
def test_a_machine_without_the_scope_or_the_role_is_refused_alike_and_a_foreign_row_is_like_a_missing_one(
    world: World, kind: OrganisationKind
) -> None:
    client, machine = world.app.test_client(), world.strangers[kind]
    tokens = {scope: machine.token(client, scope) for scope in SCOPES}
    foreign_rows = refused = 0
    for rule, method, need in _rules(world.app):
        names = sorted(rule.arguments)
        for scope, token in tokens.items():
            rows = (world.rows[names[0]], MISSING) if names else ("",)
            answers = {_ask(client, token, rule, method, need, row) for row in rows}
            let_in_it_is = scope == need.scope and KINDS[kind].value in policy.matrix()[need.action]
            [(status, said)] = answers
            where = (method, rule.rule, scope, status, said)
            if not let_in_it_is:
                refused += 1
                assert (status, json.loads(said)["error"]) in ((403, "scope"), (403, "role")), where
            elif names:
                foreign_rows += 1
                assert status == 404, where
            else:
                assert status in (200, 201), where
                assert world.rows["match_id"].encode() not in said, where
    assert refused >= len(SCOPES) * 14
    assert foreign_rows >= 9


@pytest.mark.threat("T01")
def test_a_machine_reaches_the_rows_of_its_own_organisation(world: World) -> None:
    client = world.app.test_client()
    token = world.owner.token(client)
    seen = {}
    for rule, method, need in _rules(world.app):
        if rule.arguments:
            [name] = rule.arguments
            seen[rule.endpoint] = _ask(client, token, rule, method, need, world.rows[name])[0]
    assert seen["matches_api.match"] == seen["matches_api.recipient"] == seen["matches_api.deliver"] == 200
    assert seen["partner_api.receipts"] == seen["partner_api.attest"] == 200
    assert 404 not in seen.values()
    assert {status for status in seen.values() if status >= 300} <= {409, 422, 403}, seen


BY_BROWSER = {
    "needs:read": ("decisions.charity_matches", "decisions.recipient"),
    "offers:write": ("offers.mine", "offers.upload"),
    "matches:read": ("decisions.charity_matches", "decisions.matches_xlsx"),
    "matches:act": ("decisions.charity_match", "decisions.giver_results", "sharing.attest"),
    "status:read": ("sharing.own_consents", "sharing.own_consents_file", "sharing.own_deletions"),
    "credentials:read": (),
    "receipts:read": ("sharing.own_receipts",),
    "aid:report": ("ledger.given.reports",),
}
"""Scope ► where a person of the same giver does it by browser or table; a credential is bound to a machine's key."""


def test_whatever_a_machine_may_do_a_person_of_the_giver_does_by_browser(world: World) -> None:
    assert BY_BROWSER.keys() == set(SCOPES)
    for endpoint in {one for pages in BY_BROWSER.values() for one in pages}:
        act = world.app.view_functions[endpoint].guarded_action  # type: ignore[attr-defined]
        assert Role.CHARITY_MANAGER.value in policy.matrix()[act] or "*" in policy.matrix()[act], endpoint


def test_without_a_token_every_address_says_the_same_401(world: World) -> None:
    client = world.app.test_client()
    answers = {_ask(client, "", rule, method, need, MISSING) for rule, method, need in _rules(world.app)}
    assert [status for status, _said in answers] == [401]
