"""The walls of the web door, checked for every address: form tokens, headers, sizes, words that try to become code."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from markupsafe import escape

from adapters.tabular_cells import harmless_text
from adapters.tabular_writer import write_csv
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.web import headers
from marketplace.web.headers import ALWAYS
from tests.pages import gallery

STATE_CHANGING = {"POST", "PUT", "PATCH", "DELETE"}
PARTS = re.compile(r"<(?:(\w+)(?:\(([^)]*)\))?:)?(\w+)>")


@pytest.fixture(scope="module")
def app(settings: Settings) -> Flask:
    return create_app(settings)


@pytest.fixture
def site(settings: Settings, sqlite_database: Database) -> Flask:
    return gallery.install(create_app(settings, database=sqlite_database))


@pytest.fixture
def client(site: Flask) -> Iterator[FlaskClient]:
    with site.test_client() as opened:
        yield opened


def _address(rule: str) -> str:
    def part(match: re.Match[str]) -> str:
        return match[2].split(",")[0] if match[2] else "1"

    return PARTS.sub(part, rule)


def _changing(app: Flask) -> list[tuple[str, str]]:
    return [
        (method, _address(rule.rule))
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith(("/api/", "/oauth/", "/parts"))
        for method in sorted(STATE_CHANGING & (rule.methods or set()))
    ]


@pytest.mark.threat("T14")
def test_every_address_that_changes_something_refuses_a_form_without_its_token(
    site: Flask, client: FlaskClient
) -> None:
    asked = _changing(site)
    assert len(asked) > 100
    for method, path in asked:
        assert client.open(path, method=method).status_code == 400, f"{method} {path}"
        forged = client.open(path, method=method, data={"csrf_token": "forged"})
        assert forged.status_code == 400, f"{method} {path}"


@pytest.mark.threat("T14")
def test_only_forms_and_reading_exist(app: Flask) -> None:
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/api/"):
            assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS", "POST"}, rule.rule


CLASSES = {
    200: ("GET", "/start"),
    303: ("GET", "/matches/"),
    308: ("GET", "/favicon.ico"),
    400: ("POST", "/sign-in"),
    404: ("GET", "/nowhere"),
    405: ("DELETE", "/start"),
}


@pytest.mark.threat("T13")
@pytest.mark.threat("T14")
@pytest.mark.parametrize("status", CLASSES)
def test_every_class_of_answer_carries_every_header(client: FlaskClient, status: int) -> None:
    method, path = CLASSES[status]
    answer = client.open(path, method=method, base_url="https://localhost")
    assert answer.status_code == status
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value, name
    assert "max-age=63072000" in answer.headers["Strict-Transport-Security"]
    assert "no-store" in answer.headers["Cache-Control"]
    policy = answer.headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self'" in policy
    if answer.data:
        assert answer.headers["Content-Type"] in ("text/html; charset=utf-8", "application/json")


@pytest.mark.threat("T40")
def test_nothing_of_the_source_its_history_or_its_folders_is_served(client: FlaskClient) -> None:
    for path in (
        *("/.git/HEAD", "/.git/", "/.env", "/pyproject.toml", "/marketplace/app.py", "/static/", "/static/vendor/"),
        *("/static/../pyproject.toml", "/static/%2e%2e/shanqiao.db", "/static//etc/passwd", "/instance/", "/docs/"),
    ):
        assert client.get(path).status_code in (308, 404), path
        assert client.get(path, follow_redirects=True).status_code == 404, path


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ('attachment; filename="row-7.json"', 'attachment; filename="row-7.json"'),
        ('attachment; filename="a"; filename="b.exe"', "attachment"),
        ('attachment; filename="../../etc/passwd"', "attachment"),
        ('attachment; filename="x.html\\""', "attachment"),
        ("inline", "attachment"),
        (None, None),
    ],
)
def test_a_file_goes_out_under_a_plain_name_or_under_none(site: Flask, asked: str | None, sent: str | None) -> None:
    with site.test_request_context("/"):
        answer = headers.protect(Response("x", headers={"Content-Disposition": asked} if asked else {}))
    assert answer.headers.get("Content-Disposition") == sent


def test_a_request_is_not_echoed(client: FlaskClient) -> None:
    assert {client.open(path, method="TRACE").status_code for path in ("/start", "/sign-in", "/api/v1/token")} == {405}


def test_what_comes_in_is_decoded_once(client: FlaskClient) -> None:
    page = client.get("/sign-in?next=%252Fstart%2526amp%253B").text
    assert 'value="%2Fstart%26amp%3B"' in page


@pytest.mark.threat("T13")
@pytest.mark.parametrize(
    "value", ["a\r\nSet-Cookie: sid=x", "a\nLocation: //evil.example", "a\x00b", "//evil.example", "/\\evil"]
)
def test_a_way_back_never_becomes_a_header_or_another_site(client: FlaskClient, value: str) -> None:
    for path in ("/sign-in", "/start"):
        answer = client.get(path, query_string={"next": value, "lang": value})
        assert answer.status_code < 500
        assert "sid=x" not in str(answer.headers)
        assert "evil" not in answer.headers.get("Location", "")


QUOTES = ('"', "'", "`", "")
SCRIPTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe src=javascript:alert(1)>",
    "<body onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "<math><mi xlink:href='javascript:alert(1)'>",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "<!--<script>-->alert(1)",
    "<style>@import'//evil.example'</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "{{ 7 * 7 }}",
]
PAYLOADS = [f"{quote}>{script}" if quote else script for script in SCRIPTS for quote in QUOTES]


@pytest.mark.threat("T13")
@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_text_that_somebody_types_becomes_code(client: FlaskClient, payload: str) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
    assert token is not None
    data = {"csrf_token": token[1], "login": payload, "next": payload, "phone": payload, "code": payload}
    for path in ("/sign-in", "/enter", "/enter/code", "/join"):
        page = client.post(path, data=data).text
        assert payload not in page or payload == str(escape(payload)), path
        assert "49" not in re.findall(r'value="([^"]*)"', page), path
    assert payload not in client.get("/sign-in", query_string={"next": payload}).text or "<" not in payload


def test_there_are_sixty_such_texts() -> None:
    assert len(set(PAYLOADS)) == 60


FORMULAS = [
    "=1+1",
    "+1+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "=cmd|'/c calc'!A0",
    '=HYPERLINK("http://evil.example")',
    "＝1+1",
    "=IMPORTXML(A1)",
    "-2+3+cmd|' /C calc'!A0",
    "@A1",
]


@pytest.mark.threat("T17")
@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_of_a_text_table_begins_a_formula(formula: str) -> None:
    text = write_csv(["name", formula], [[formula, "x"], ["x", formula]]).decode("utf-8-sig")
    for line in text.replace("\r\n", "\n").split("\n"):
        assert not line.startswith(("=", "+", "-", "@", "\t", "\r")), line
        assert not re.search(r',"?[=+\-@\t\r]', line), line
    assert harmless_text(formula)


@pytest.mark.threat("T33")
@pytest.mark.parametrize("kind", ["parts", "field", "body", "deep"])
def test_too_much_is_refused_early(client: FlaskClient, kind: str) -> None:
    given: dict[str, object] = {
        "parts": {f"f{number}": (None, "x") for number in range(400)},
        "field": {"login": "x" * 400_000},
        "body": {"login": "x" * 9_600_000},
        "deep": {"login": "[" * 200_000},
    }
    content = "multipart/form-data" if kind in ("parts", "field") else "application/x-www-form-urlencoded"
    data = given[kind] if kind != "parts" else {name: value for name, (_none, value) in given["parts"].items()}  # type: ignore[attr-defined]
    assert client.post("/sign-in", data=data, content_type=content).status_code in (400, 413)


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "evil.example:80", "127.0.0.1.evil.example"]
)
def test_another_host_is_refused_on_every_page(client: FlaskClient, host: str) -> None:
    for path in ("/start", "/sign-in", "/nowhere", "/health"):
        assert client.get(path, headers={"Host": host}).status_code == 400
