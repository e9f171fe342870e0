"""Signed-in people for page tests: an account with a role, and the cookie that its session travels in."""

from __future__ import annotations

from datetime import UTC, datetime

from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page

from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.db import Database, new_id
from marketplace.households.service import contact_of


def token_of(database: Database, role: Role, *, org_id: str | None = None) -> str:
    """A session of a new account; it lasts as long as any."""
    now = datetime.now(UTC)
    with database.transaction() as session:
        values = {
            "display_name": role.value,
            "role": role,
            "org_id": org_id,
            "now": now,
        }
        account = accounts.create_account(session, f"{role.value}-{new_id()[:6]}", **values)
        return accounts.open_for_account(session, account, now=now)


def client_as(app: Flask, role: Role, *, org_id: str | None = None) -> FlaskClient:
    """A test client that is signed in; forms need no token in it."""
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    client.set_cookie("sid", token_of(app.extensions["database"], role, org_id=org_id))
    return client


def household_client(app: Flask, household_id: str) -> FlaskClient:
    """A test client signed in as the person whom the household's messages reach."""
    app.config["WTF_CSRF_ENABLED"] = False
    client, database = app.test_client(), app.extensions["database"]
    with database.transaction() as session:
        person = contact_of(session, household_id)
        assert person is not None
        token = accounts.open_for_person(session, person.id, household_id, now=datetime.now(UTC))
    client.set_cookie("sid", token)
    return client


def sign_in(page: Page, database: Database, role: Role, *, address: str, org_id: str | None = None) -> None:
    """Sign the browser in."""
    _hold(page, token_of(database, role, org_id=org_id), address=address)


def sign_in_household(page: Page, database: Database, household_id: str, *, address: str) -> None:
    """Sign the browser in as the person whom the household's messages reach."""
    with database.transaction() as session:
        person = contact_of(session, household_id)
        assert person is not None
        token = accounts.open_for_person(session, person.id, household_id, now=datetime.now(UTC))
    _hold(page, token, address=address)


def _hold(page: Page, token: str, *, address: str) -> None:
    page.context.add_cookies([{"name": "sid", "value": token, "url": address}])
