"""Every route is guarded; no GET writes, whoever asks; a page that is not yours answers, but never with a fault."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from marketplace import policy
from marketplace.actors import Role
from marketplace.app import UNGUARDED
from marketplace.demo.accounts import ACCOUNTS
from tests.pages.fixtures import Walk, demo_app, walk, walked
from tests.pages.reach import signed_in, writes_of_gets

__all__ = ["demo_app", "walk", "walked"]
LOGINS = ("", *(account.login for account in ACCOUNTS))
ALLOWED = {"audit_row", "audit_body", "audit_head", "account_session", "rate_count"}
"""A look at a sealed field is written down; a session is seen; a rate is counted."""
NOT_BY_LINK = {"health", "favicon"}
"""Addresses that no page links to: machines and browsers know them."""


@pytest.fixture(scope="module")
def roles(demo_app: Flask) -> dict[str, str]:
    """Login ► its role in the matrix."""
    return {"": Role.PUBLIC.value} | {account.login: account.role for account in ACCOUNTS}


def _lets_in(app: Flask, endpoint: str, role: str) -> bool:
    """Does the matrix let this role try this page? Whom it does not, `test_who_may.py` asks at every address."""
    allowed = policy.matrix().get(getattr(app.view_functions[endpoint], "guarded_action", ""), {"*": ""})
    return "*" in allowed or role in allowed


@pytest.fixture(scope="module")
def clients(demo_app: Flask) -> dict[str, FlaskClient]:
    """One client for each role of the demonstration, and a stranger."""
    return {login: signed_in(demo_app, login)[0] if login else demo_app.test_client() for login in LOGINS}


@pytest.fixture(scope="module")
def pages(walk: Walk) -> dict[str, set[str]]:
    """Endpoint ► addresses of it, from every role's walk along the links."""
    found: dict[str, set[str]] = {}
    for login in LOGINS:
        for endpoint, path in walk(login).items():
            found.setdefault(endpoint, set()).add(path)
    return found


def test_every_view_names_an_action_of_the_matrix(demo_app: Flask) -> None:
    for endpoint, view in demo_app.view_functions.items():
        if endpoint not in UNGUARDED:
            assert getattr(view, "guarded_action", None) in policy.matrix(), endpoint


def test_every_action_of_the_matrix_is_asked_somewhere(demo_app: Flask) -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in Path(policy.__file__).parent.rglob("*.py"))
    assert [action for action in policy.matrix() if f'"{action}"' not in source] == []


def test_no_get_on_the_way_of_any_role_writes(walked: Callable[[str], dict[str, Any]]) -> None:
    asked = {login: walked(login) for login in LOGINS}
    assert sum(len(met["pages"]) for met in asked.values()) > 200
    for login, met in asked.items():
        assert {(path, table) for path, table in met["writes"] if table not in ALLOWED} == set(), login
    assert any(met["writes"] for met in asked.values())


def test_no_get_writes_whoever_asks_and_none_ends_in_a_fault(
    demo_app: Flask, clients: dict[str, FlaskClient], pages: dict[str, set[str]], roles: dict[str, str], walk: Walk
) -> None:
    """One address of each page is asked by whom no link leads there: the let in, a stranger, one more role in turn."""
    ways = {login: walk(login) for login in clients}
    assert len(pages) > 20
    for turn, (endpoint, paths) in enumerate(sorted(pages.items())):
        for place, (login, client) in enumerate(clients.items()):
            in_turn = "TORTURE" in os.environ or not login or turn % len(clients) == place
            if ways[login].get(endpoint) == min(paths) or not (in_turn or _lets_in(demo_app, endpoint, roles[login])):
                continue
            with writes_of_gets(demo_app) as written:
                answer = client.get(min(paths))
            assert answer.status_code < 500, f"{login}: {min(paths)} answers {answer.status_code}"
            wrote = {table for _path, table in written} - ALLOWED
            assert not wrote, f"{login}: GET {min(paths)} ({endpoint}) writes {wrote}"


def test_a_stranger_is_sent_to_the_sign_in_from_every_page_that_is_not_public(
    demo_app: Flask, pages: dict[str, set[str]]
) -> None:
    stranger = demo_app.test_client()
    for endpoint, paths in pages.items():
        action = getattr(demo_app.view_functions[endpoint], "guarded_action", "")
        if action and "*" not in policy.matrix()[action]:
            for path in paths:
                answer = stranger.get(path)
                assert (answer.status_code, "sign" in answer.headers.get("Location", "")) == (303, True), path


def test_an_address_that_was_never_given_out_is_not_found(
    demo_app: Flask, clients: dict[str, FlaskClient], roles: dict[str, str]
) -> None:
    for rule in demo_app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.arguments or rule.endpoint in NOT_BY_LINK:
            continue
        path = re.sub(r"<(?:(\w+):)?\w+>", lambda m: "987654" if m[1] == "int" else "nobody", rule.rule)
        for login, client in clients.items():
            if not path.startswith("/api/") and not _lets_in(demo_app, rule.endpoint, roles[login]):
                continue
            status = client.get(path).status_code
            if path.startswith("/api/"):
                assert status == 401, f"{login}: a cookie, or none, opens {path}: {status}"
                continue
            assert status in (200, 303, 308, 403, 404, 422), f"{login}: {path} answers {status}"
            assert status != 200 or "static" in rule.endpoint or not login.startswith("demo-household"), path
