"""A text that tries to become script is typed into every field of every form; no page then runs it.

Each field of each kind of form is tried by the first role that has it. Afterwards each kind of page is read by one of
the roles that see it, in turn; with TORTURE=1 by each.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import chain
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from marketplace.demo.accounts import ACCOUNTS
from tests.pages.fixtures import Forms, Walk, a_demo, forms, walk, walked
from tests.pages.forms import SeenForm
from tests.pages.reach import signed_in

__all__ = ["forms", "walk", "walked"]
LOGINS = tuple({account.role: account.login for account in reversed(ACCOUNTS)}.values())
"""One of each role."""
MARK = "<script>zq"
KEPT_OUT = ("accounts.sign_out", "accounts.end_sessions", "accounts.account_close", "decisions.not_received")
"""Acts that would end the walk itself."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A demonstration of its own: what is typed leaves it full of rubbish."""
    with a_demo(tmp_path_factory) as app:
        app.config["WTF_CSRF_ENABLED"] = False
        yield app


def _payload(number: int) -> str:
    return f"\"'>{MARK}{number}</script>{{{{7*7}}}}"


def _endpoint(app: Flask, path: str) -> str:
    try:
        return str(app.url_map.bind("localhost").match(urlsplit(path).path, method="POST")[0])
    except HTTPException:
        return ""


def _try_out(client: FlaskClient, form: SeenForm, word: str, payload: str) -> tuple[int, str]:
    """Post the form with the payload in one field and a plain word in the others."""
    data = dict.fromkeys(form.words, "3") | form.values | {word: payload}
    answer = client.post(form.action, data=data)
    return answer.status_code, answer.text if answer.mimetype == "text/html" else ""


def _readers(walk: Walk) -> Iterator[tuple[str, list[str]]]:
    """Login ► the pages that it reads at the end: of each kind of page one, of the roles in turn; or all of its own."""
    ways = {login: walk(login) for login in LOGINS}
    shares: dict[str, list[str]] = {login: [] for login in LOGINS}
    for turn, endpoint in enumerate(sorted(set().union(*ways.values()))):
        see = [login for login in LOGINS if endpoint in ways[login]]
        for login in see if "TORTURE" in os.environ else see[turn % len(see) :][:1]:
            shares[login].append(ways[login][endpoint])
    yield from shares.items()


def _type_into(client: FlaskClient, endpoint: str, form: SeenForm, tried: set[tuple[str, str]]) -> int:
    """Type a payload of its own into each field of this form that was not tried yet; how often it was kept."""
    kept = 0
    for word in form.words:
        if (endpoint, word) not in tried:
            tried.add((endpoint, word))
            status, page = _try_out(client, form, word, _payload(len(tried)))
            assert status < 500, (endpoint, word)
            assert MARK not in page, (endpoint, word)
            kept += status == 303
    return kept


@pytest.mark.threat("T13")
def test_no_text_typed_into_any_form_runs_on_any_page(house: Flask, forms: Forms, walk: Walk) -> None:
    tried: set[tuple[str, str]] = set()
    kept = seen = 0
    for login in LOGINS:
        client, _home = signed_in(house, login)
        for form in chain.from_iterable(forms(login).values()):
            endpoint = _endpoint(house, form.action)
            if form.posts and not form.uploads and endpoint and endpoint not in KEPT_OUT:
                kept += _type_into(client, endpoint, form, tried)
    assert len(tried) > 60
    assert kept >= 15
    for login, paths in _readers(walk):
        client, _home = signed_in(house, login)
        for path in paths:
            page = client.get(path)
            if page.mimetype == "text/html":
                assert MARK not in page.text, path
                assert "\"'>" not in page.text, path
                seen += "&lt;script&gt;zq" in page.text
    assert seen >= 5
