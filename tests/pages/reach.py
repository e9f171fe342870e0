"""Which pages a role reaches by following links from its home: used to check every page, and that none is cut off.

Walks with the app's own test client (no browser), four pages at most of each kind and one file: lists of hundreds stay
quick. Each page on the way is asked whether its HTML is sound for this role and leads out; every second role walks in
English.
"""

import html
import re
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

from flask import Flask, has_request_context, request
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.exceptions import HTTPException

from tests.pages.sound import faults_of

EACH = 4
DISPLAY = {"lang", "text"}
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
LINK = re.compile(r'<a [^>]*?href="([^"#]+)"')
WRITE = re.compile(r"\s*(INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)


@contextmanager
def writes_of_gets(app: Flask) -> Iterator[list[tuple[str, str]]]:
    """Address and table of each write that a GET does while this is open."""
    engine, written = app.extensions["database"].engine, list[tuple[str, str]]()

    def keep(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if (match := WRITE.match(statement)) and has_request_context() and request.method == "GET":
            written.append((request.path, match[2]))

    event.listen(engine, "before_cursor_execute", keep)
    try:
        yield written
    finally:
        event.remove(engine, "before_cursor_execute", keep)


def signed_in(app: Flask, login: str) -> tuple[FlaskClient, str]:
    """A client signed in by the demonstration's button for that login, and its home."""
    client = app.test_client()
    start = client.get("/").text
    token = TOKEN.search(start)
    action = "/demo/household" if login == "demo-household" else f"/demo/sign-in/{login}"
    answer = client.post(action, data={"csrf_token": token[1] if token else ""})
    assert answer.status_code == 303, f"{login}: {answer.status_code}"
    return client, answer.headers["Location"]


def reach(
    app: Flask, login: str, *, english: bool = False, shown: Callable[[str, str], None] = lambda _path, _text: None
) -> dict[str, str]:
    """Endpoint ► one address of it, for every page within reach; a page that is not sound is an error.

    Each of these pages is told to `shown` when it is opened.
    """
    client, home = signed_in(app, login) if login else (app.test_client(), "/")
    if english:
        client.get(f"{home}?lang=en")
    routes = app.url_map.bind("localhost")
    waiting, queued, visits, found = deque([(home, "home")]), {home}, Counter[str](), {}
    files: set[str] = set()
    while waiting:
        path, source = waiting.popleft()
        try:
            endpoint, _values = routes.match(urlsplit(path).path, method="GET")
        except HTTPException:
            assert client.get(path).status_code < 400, f"{login}: {source} links to {path}, which is not there"
            continue
        if DISPLAY & parse_qs(urlsplit(path).query).keys():
            continue
        visits[endpoint] += 1
        if visits[endpoint] > EACH or endpoint in files:
            continue
        answer = client.get(path)
        assert answer.status_code < 400, f"{login}: {source} links to {path}, which answers {answer.status_code}"
        if answer.mimetype != "text/html" or answer.status_code >= 300:
            files |= {endpoint} if answer.status_code < 300 else set()
            continue
        if endpoint not in found:
            faults = faults_of(answer.text)
            faults += ["no way to sign out"] * (bool(login) and 'action="/sign-out"' not in answer.text)
            assert not faults, f"{login}: {path}: {faults}"
            shown(path, answer.text)
        found.setdefault(endpoint, path)
        for link in LINK.findall(answer.text):
            target = urljoin(path, html.unescape(link))
            if target.startswith("/") and target not in queued:
                queued.add(target)
                waiting.append((target, path))
    return found
