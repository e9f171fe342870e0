"""The door of the house: guards, errors, headers, hashed files, and what a page never says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Blueprint, Flask, request
from flask.testing import FlaskClient

from marketplace import errors
from marketplace.app import UnguardedView, create_app, refuse_unguarded
from marketplace.config import Settings, demo_settings
from marketplace.db import Database
from marketplace.guards import guard
from marketplace.web import current_session, writes
from tests.pages import gallery

FAULTS = {
    "missing": (errors.NotFound("need"), 404),
    "refused": (errors.NotAllowed("not_allowed"), 403),
    "moved": (errors.WrongState("need_state"), 409),
    "consent": (errors.ConsentMissing(), 403),
    "taken": (errors.Conflict(), 409),
    "input": (errors.BadInput("bad_input", field="amount"), 422),
    "bug": (KeyError("张晓三 509901199001010018"), 500),
}


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    app = gallery.install(create_app(settings, database=sqlite_database))
    bp = Blueprint("probe", __name__)

    @bp.route("/fault/<name>")
    @bp.route("/api/fault/<name>")
    def fault(name: str) -> str:
        raise FAULTS[name][0]

    @bp.route("/write/<int:status>", methods=["POST"])
    @writes
    def write(status: int) -> tuple[str, int]:
        current_session().connection().exec_driver_sql("CREATE TABLE IF NOT EXISTS probe (n INTEGER)")
        current_session().connection().exec_driver_sql("INSERT INTO probe VALUES (1)")
        return "written", status

    @bp.route("/count")
    def count() -> str:
        tables = current_session().connection().exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'probe'")
        return str(len(tables.all()))

    app.register_blueprint(bp)
    return app


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as client:
        yield client


@pytest.mark.parametrize("name", FAULTS)
def test_each_error_has_its_status_and_tells_nothing_but_a_reference(client: FlaskClient, name: str) -> None:
    for path in (f"/fault/{name}", f"/api/fault/{name}"):
        answer = client.get(path)
        assert answer.status_code == FAULTS[name][1]
        assert "5099" not in answer.text
        assert "Traceback" not in answer.text
        assert re.search(r"[0-9a-f]{8}", answer.text)
        assert answer.is_json == path.startswith("/api/")


def test_the_log_of_a_bug_has_the_reference_shown_on_the_page(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    reference = re.search(r"num\">([0-9a-f]{8})<", client.get("/fault/bug").text)
    assert reference is not None
    assert reference[1] in caplog.text


def test_a_refusal_is_a_line_of_the_log_with_who_and_which_request(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", logger="marketplace.app")
    client.get("/matches/")
    client.post("/sign-in", data={"login": "x"})
    client.get("/fault/bug")
    refused, bare, fault = (record.getMessage() for record in caplog.records if record.name == "marketplace.app")
    assert re.fullmatch(r"NotAllowed on [\w.]+: sign_in, by public, request [0-9a-f]{16}", refused)
    assert bare == "form without its token on accounts.sign_in_submit"
    assert re.match(r"reference [0-9a-f]{8}: \w+ on [\w.]+, by public, request [0-9a-f]{16}\n", fault)


def test_the_app_does_not_start_with_an_unguarded_view(settings: Settings) -> None:
    app = create_app(settings)
    app.add_url_rule("/open", "open", lambda: "open")
    with pytest.raises(UnguardedView, match="open"):
        refuse_unguarded(app)


def test_a_guarded_view_is_let_in(settings: Settings) -> None:
    app = create_app(settings)
    app.add_url_rule("/start-again", "again", guard("start:view")(lambda: "start"))
    refuse_unguarded(app)
    assert app.test_client().get("/start-again").text == "start"


def test_every_answer_carries_the_strict_headers(client: FlaskClient) -> None:
    for path in ("/start", "/nowhere", "/fault/bug", "/health"):
        headers = client.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_a_secure_request_is_told_to_stay_secure(client: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in client.get("/start").headers
    assert "max-age=63072000" in client.get("/start", base_url="https://localhost").headers["Strict-Transport-Security"]


def test_a_request_for_another_host_is_refused(client: FlaskClient) -> None:
    assert client.get("/start", base_url="http://evil.example").status_code == 400


def test_a_form_without_its_token_is_refused(client: FlaskClient) -> None:
    answer = client.post("/parts", data={"reason": "x"})
    assert answer.status_code == 400
    assert "表单" in answer.text


def test_static_files_carry_their_hash_and_are_kept_for_good(client: FlaskClient) -> None:
    address = re.search(r"/static/app\.[0-9a-f]{12}\.css", client.get("/start").text)
    assert address is not None
    answer = client.get(address[0], headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert "immutable" in answer.headers["Cache-Control"]
    answer.close()
    assert client.get("/static/app.css").status_code == 404
    with client.get("/favicon.ico", follow_redirects=True) as icon:
        assert icon.mimetype == "image/svg+xml"


def test_an_oversized_request_is_refused(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    field = {"reason": "x" * 300_000}
    assert client.post("/parts", data=field, content_type="multipart/form-data").status_code == 413
    assert client.post("/parts", data={"reason": "x" * 9_500_000}).status_code == 413


def test_a_writing_view_commits_below_400_and_rolls_back_above(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    assert client.post("/write/422").status_code == 422
    assert client.get("/count").text == "0"
    assert client.post("/write/200").status_code == 200
    assert client.get("/count").text == "1"


def test_health_says_whether_the_database_answers(client: FlaskClient) -> None:
    assert client.get("/health").json == {"status": "ok"}


def test_language_and_text_size_are_kept_in_cookies_and_nonsense_is_ignored(client: FlaskClient) -> None:
    assert 'lang="zh-Hans"' in client.get("/start").text
    assert 'lang="en" class="large"' in client.get("/start?lang=en&text=large").text
    assert 'lang="en" class="large"' in client.get("/start").text
    assert 'lang="en" class="large"' in client.get("/start?lang=xx&text=huge").text


def test_the_switches_keep_the_rest_of_the_address(client: FlaskClient) -> None:
    assert "?page=3&amp;text=large&amp;lang=zh_Hans" in client.get("/parts?page=3").text


def test_the_product_has_no_gallery(tmp_path: Path) -> None:
    app = create_app(demo_settings(tmp_path, seed=1))
    assert not any(rule.endpoint.startswith("gallery") for rule in app.url_map.iter_rules())
    with app.test_request_context(base_url="http://localhost"):
        assert request.host == "localhost"
