"""A text that tries to become script is typed into every field of every form; no page of any role then runs it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from marketplace.config import demo_settings
from marketplace.demo import command
from marketplace.demo.accounts import ACCOUNTS
from marketplace.wiring import open_database
from tests.pages.forms import SeenForm, forms_of
from tests.pages.reach import reach, signed_in

LOGINS = tuple({account.role: account.login for account in reversed(ACCOUNTS)}.values())
"""One of each role."""
MARK = "<script>zq"
KEPT_OUT = ("accounts.sign_out", "accounts.end_sessions", "accounts.account_close", "decisions.not_received")
"""Acts that would end the walk itself."""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A small demonstration of its own: this walk leaves it full of rubbish."""
    settings = demo_settings(tmp_path_factory.mktemp("typed"), seed=5)
    command.play(settings, size="tiny", seed=5, now=datetime.now(UTC))
    database = open_database(settings)
    app = command.site(settings, database)
    app.config["WTF_CSRF_ENABLED"] = False
    yield app
    database.close()


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


@pytest.mark.threat("T13")
def test_no_text_typed_into_any_form_runs_on_any_page(house: Flask) -> None:
    tried: set[tuple[str, str]] = set()
    pages: dict[str, dict[str, list[SeenForm]]] = {login: {} for login in LOGINS}
    for login, forms in pages.items():
        reach(house, login, shown=lambda path, text, forms=forms: forms.update({path: forms_of(text, path)}))  # type: ignore[misc]
    kept = number = 0
    for login in LOGINS:
        client, _home = signed_in(house, login)
        for forms in pages[login].values():
            for form in forms:
                endpoint = _endpoint(house, form.action)
                if not form.posts or form.uploads or not endpoint or endpoint in KEPT_OUT:
                    continue
                for word in form.words:
                    if (endpoint, word) in tried:
                        continue
                    tried.add((endpoint, word))
                    number += 1
                    status, page = _try_out(client, form, word, _payload(number))
                    assert status < 500, (endpoint, word)
                    assert MARK not in page, (endpoint, word)
                    kept += status == 303
    assert len(tried) > 60
    assert kept >= 15
    seen = 0
    for login in LOGINS:
        client, _home = signed_in(house, login)
        for path in pages[login]:
            page = client.get(path)
            if page.mimetype == "text/html":
                assert MARK not in page.text, path
                assert "\"'>" not in page.text, path
                seen += "&lt;script&gt;zq" in page.text
    assert seen >= 5
