"""Second factors: passkeys, code apps, fresh proofs and sign-ins that are listed and ended, through the real pages."""

from __future__ import annotations

import html
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, col, select

from marketplace.accounts import passkeys, passwords, proving, sso, totp
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account, AccountSession, Passkey
from marketplace.actors import PUBLIC, Actor, Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput, NotAllowed, NotFound
from marketplace.sealed import Vault
from marketplace.web import assets
from marketplace.wiring import identity_of
from tests.adapters.identity_provider import CLIENT, SECRET, SUBJECT, Lie, Provider
from tests.marketplace.authenticator import ORIGIN, Authenticator, text_of

PASSWORD = "long enough to test"
NEW = "another sentence of mine"
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
OPTIONS = re.compile(r'data-options="([^"]+)"')


@pytest.fixture
def real(settings: Settings) -> Settings:
    """Settings of a real installation, as far as signing in goes."""
    return replace(settings, demo=False, base_url=ORIGIN, trusted_hosts=("aid.example",))


@pytest.fixture
def house(real: Settings, sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    shutil.copy(sqlite_template, tmp_path / "house.db")
    opened = Database(f"sqlite:///{tmp_path / 'house.db'}", info={"vault": Vault(real.kek), "settings": real})
    with opened.transaction() as session:
        for login in ("zhou", "wu"):
            accounts.create_account(
                session, login, display_name=login, role=Role.APPROVER, password=PASSWORD, now=utc_now()
            )
    yield opened
    opened.close()


@pytest.fixture
def app(real: Settings, house: Database) -> Flask:
    return create_app(real, database=house)


class Browser:
    """A client of the https site that carries forms' tokens."""

    def __init__(self, app: Flask) -> None:
        self.client: FlaskClient = app.test_client()

    def get(self, path: str):
        return self.client.get(path, base_url=ORIGIN)

    def post(self, path: str, **data: str):
        token = TOKEN.search(self.get("/sign-in").text)
        form = data | {"csrf_token": token[1] if token else ""}
        return self.client.post(path, data=form, base_url=ORIGIN, headers={"Referer": f"{ORIGIN}/"})

    def cookie(self) -> str:
        held = self.client.get_cookie("__Host-sid", domain="aid.example")
        return held.value if held else ""

    def sign_in(self, login: str = "zhou"):
        return self.post("/sign-in", login=login, password=PASSWORD)

    def enrol_app(self) -> pyotp.TOTP:
        page = self.post("/security/app").text
        secret = re.search(r'<p class="num">(\w+)</p>', page)
        assert secret is not None
        clock = pyotp.TOTP(secret[1])
        assert self.post("/security/app/confirm", digits=clock.now()).status_code == 303
        return clock

    def enrol_key(self, key: Authenticator):
        options = html.unescape(OPTIONS.search(self.post("/security/passkey").text)[1])
        return self.post("/security/passkey/confirm", label="phone", answer=key.create(options))

    def use_key(self, key: Authenticator):
        options = html.unescape(OPTIONS.search(self.post("/prove/passkey").text)[1])
        return self.post("/prove", answer=key.get(options))


@pytest.fixture
def browser(app: Flask) -> Browser:
    return Browser(app)


def age(house: Database, minutes: int) -> None:
    """Let every proof and sign-in be that old."""
    with house.transaction() as session:
        for held in session.exec(select(AccountSession)).all():
            held.created_at -= timedelta(minutes=minutes)
            if held.proved_at is not None:
                held.proved_at -= timedelta(minutes=minutes)
            session.add(held)


ODD_PASSWORDS = (
    " two blanks around me ",
    "只有汉字也可以做密码的吧",
    "lower case and nothing else",
    "河水清清一天又一天" * 14,
    "Tr0ub4dor&3xyl",
    "482910573648",
)


@pytest.mark.parametrize("password", ODD_PASSWORDS)
def test_a_password_of_any_signs_is_taken_as_typed_and_never_grows_old(
    browser: Browser, house: Database, password: str
) -> None:
    with house.transaction() as session:
        accounts.create_account(session, "li", display_name="li", role=Role.APPROVER, password=password, now=utc_now())
    assert browser.post("/sign-in", login="li", password=password).status_code == 303
    with house.transaction() as session:
        given = {"network": "n", "now": utc_now() + timedelta(days=3_000)}
        assert accounts.sign_in(session, "li", password, **given)
        for near in (password.strip() + " ", password[:-1], password.swapcase() + "x", password + password[0]):
            with pytest.raises(NotAllowed):
                accounts.sign_in(session, "li", near, **given)


GUESSED = (
    "shanqiao-2026!",
    "qwertyuiop123",
    "民政民政民政民政密码密码",
    "zhouzhouzhou",
    "Password1234!",
    "aaaaaaaaaaaaaaaa",
)


@pytest.mark.parametrize("password", GUESSED)
def test_a_password_that_everybody_would_try_first_is_taken_nowhere(house: Database, password: str) -> None:
    with house.transaction() as session:
        given = {"display_name": "li", "role": Role.APPROVER, "password": password, "now": utc_now()}
        with pytest.raises(BadInput, match="password_weak"):
            accounts.create_account(session, "zhou.li", **given)
        account = session.exec(select(Account).where(Account.login == "zhou")).one()
        actor = Actor(id=account.id, role=account.role)
        with pytest.raises(BadInput, match="password_weak"):
            passwords.change_password(session, old=PASSWORD, new=password, actor=actor, now=utc_now())


def test_a_password_is_masked_may_be_pasted_and_no_question_stands_beside_it(browser: Browser) -> None:
    page = browser.get("/sign-in").text
    asked = re.findall(r"<input[^>]*>", page)
    (secret,) = [field for field in asked if 'name="password"' in field]
    assert 'type="password"' in secret
    assert 'autocomplete="current-password"' in secret
    assert "maxlength" not in secret
    names = {name for field in asked for name in re.findall(r' name="(\w+)"', field)}
    assert names == {"csrf_token", "next", "login", "password"}
    scripts = Path(assets.SOURCE).glob("*.js")
    assert [path.name for path in scripts if "paste" in path.read_text(encoding="utf-8")] == []


@pytest.mark.threat("T14")
def test_every_cookie_is_bound_to_this_host_and_to_tls(browser: Browser) -> None:
    browser.sign_in()
    set_there = browser.client.get("/sign-in?lang=en&text=large", base_url=ORIGIN).headers.getlist("Set-Cookie")
    set_there += browser.client.get("/start", base_url=ORIGIN).headers.getlist("Set-Cookie")
    names = {cookie.key for cookie in browser.client._cookies.values()}
    assert names == {"__Host-sid", "__Host-form", "__Host-lang", "__Host-text"}
    for line in set_there:
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(line.split("; ")), line
        assert "Domain" not in line


@pytest.mark.threat("T15")
def test_what_was_refused_is_a_line_of_the_log_without_the_name(
    browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    browser.post("/sign-in", login="zhou", password="a wrong one, surely")
    browser.post("/enter/code", code="123456")
    browser.sign_in()
    browser.post("/prove", digits="000000")
    browser.get("/approvals-nowhere")
    told = [record.getMessage() for record in caplog.records if record.name == "shanqiao.sign_in"]
    shape = r"(password refused: sign_in_failed|code refused: code_wrong|second factor refused: proof_failed)"
    assert [bool(re.fullmatch(shape + r", by [0-9a-f]{16}, request [0-9a-f]{16}", line)) for line in told] == [True] * 3
    assert "zhou" not in caplog.text


@pytest.mark.threat("T15")
def test_a_password_alone_opens_nothing_until_a_second_factor_is_set_up(browser: Browser) -> None:
    answer = browser.sign_in()
    assert "/prove" in answer.headers["Location"]
    assert browser.get("/security/").status_code == 303
    assert "验证器应用" in browser.get("/prove").text
    browser.enrol_app()
    assert browser.get("/security/").status_code == 200


@pytest.mark.threat("T15")
def test_after_a_password_the_code_app_is_asked_and_a_code_works_once(app: Flask, house: Database) -> None:
    first = Browser(app)
    first.sign_in()
    clock = first.enrol_app()
    second = Browser(app)
    second.sign_in()
    assert second.get("/sessions/").status_code == 303
    assert second.post("/prove", digits=clock.now()).status_code == 422, "the code of the set-up was used already"
    later = clock.at(utc_now() + timedelta(seconds=30))
    assert second.post("/prove", digits=later).status_code == 303
    assert second.get("/sessions/").status_code == 200


@pytest.mark.threat("T14")
def test_signing_in_and_proving_each_move_the_session_to_a_new_cookie(app: Flask) -> None:
    browser = Browser(app)
    browser.sign_in()
    first = browser.cookie()
    clock = browser.enrol_app()
    second = browser.cookie()
    browser.post("/prove", digits=clock.at(utc_now() + timedelta(seconds=30)))
    third = browser.cookie()
    assert len({first, second, third}) == 3
    for dead in (first, second):
        other = Browser(app)
        other.client.set_cookie("__Host-sid", dead, domain="aid.example")
        assert other.get("/security/").status_code == 303
    assert browser.get("/security/").status_code == 200


@pytest.mark.threat("T14")
def test_the_cookie_is_bound_to_this_host_and_to_tls_and_hidden_from_scripts(browser: Browser) -> None:
    cookie = browser.sign_in().headers["Set-Cookie"]
    assert cookie.startswith("__Host-sid=")
    for word in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert word in cookie
    assert "Domain" not in cookie


@pytest.mark.threat("T14")
def test_a_sensitive_act_asks_for_a_proof_of_the_last_five_minutes(browser: Browser, house: Database) -> None:
    browser.sign_in()
    browser.enrol_app()
    assert browser.post("/matches/approve").status_code != 303
    age(house, 6)
    refused = browser.post("/matches/approve")
    assert (refused.status_code, "/prove" in refused.headers["Location"]) == (303, True)
    assert browser.get("/matches/").status_code == 200


@pytest.mark.threat("T23")
def test_a_file_with_rows_of_people_and_the_heavy_acts_ask_for_a_proof_of_the_last_five_minutes(
    browser: Browser, house: Database
) -> None:
    browser.sign_in()
    browser.enrol_app()
    reads = ("/meetings/none/sheet.xlsx", "/meetings/none/print", "/meetings/papers/runs/none")
    writes = ("/proofs/grants/none/file.xlsx", "/aid/rules/changes/none/approve", "/assessments/none/approve")
    before = [browser.get(path) for path in reads] + [browser.post(path) for path in writes]
    assert not [answer for answer in before if "/prove" in answer.headers.get("Location", "")]
    age(house, 6)
    after = [browser.get(path) for path in reads] + [browser.post(path) for path in writes]
    assert [answer.headers.get("Location", "").partition("?")[0] for answer in after] == ["/prove"] * 6


@pytest.mark.threat("T15")
def test_a_passkey_is_set_up_used_and_removed(browser: Browser, house: Database) -> None:
    key = Authenticator()
    browser.sign_in()
    assert browser.enrol_key(key).status_code == 303
    age(house, 6)
    assert browser.post("/matches/approve").status_code == 303
    assert browser.use_key(key).status_code == 303
    assert browser.post("/matches/approve").status_code != 303
    assert "phone" in browser.get("/security/").text
    assert browser.post("/security/remove", passkey=text_of(key.key_id)).status_code == 303
    with house.reading() as session:
        assert session.exec(select(Passkey)).all() == []


def test_factors_do_not_change_without_a_fresh_proof(browser: Browser, house: Database) -> None:
    browser.sign_in()
    browser.enrol_app()
    age(house, 6)
    for path in ("/security/app", "/security/passkey", "/security/remove", "/security/app/confirm"):
        assert "/prove" in browser.post(path, digits="000000").headers.get("Location", ""), path


def test_sign_ins_are_listed_and_ended_by_their_holder_only(app: Flask) -> None:
    one, other, stranger = Browser(app), Browser(app), Browser(app)
    one.sign_in()
    clock = one.enrol_app()
    other.sign_in()
    other.post("/prove", digits=clock.at(utc_now() + timedelta(seconds=30)))
    stranger.sign_in("wu")
    stranger.enrol_app()
    assert stranger.post("/sessions/end").status_code == 303
    assert other.get("/sessions/").status_code == 200
    assert one.post("/sessions/end").status_code == 303
    assert other.get("/sessions/").status_code == 303
    assert one.get("/sessions/").status_code == 200


def test_a_closed_account_is_out_at_its_next_request(browser: Browser, house: Database) -> None:
    browser.sign_in()
    browser.enrol_app()
    with house.transaction() as session:
        account = session.exec(select(Account).where(Account.login == "zhou")).one()
        account.active = False
        session.add(account)
    assert browser.get("/security/").status_code == 303
    with pytest.raises(NotAllowed), house.reading() as session:
        proving.held_by(session, browser.cookie(), now=utc_now())


@pytest.mark.threat("T15")
def test_ten_wrong_codes_lock_the_proof_for_a_time_that_grows(house: Database, browser: Browser) -> None:
    browser.sign_in()
    clock = browser.enrol_app()
    token, now = browser.cookie(), utc_now()
    waits = []
    with house.session(writes=True) as session:
        for _lock in range(2):
            for _try in range(10):
                with pytest.raises(NotAllowed, match="proof_failed"):
                    proving.prove(session, token, digits="12345", now=now)
            with pytest.raises(NotAllowed, match="too_many_tries"):
                proving.prove(session, token, digits=clock.at(now), now=now)
            began = now
            while True:
                now += timedelta(minutes=5)
                session.get_one(AccountSession, accounts.hash_of(token)).seen_at = now
                try:
                    proving.prove(session, token, digits="12345", now=now)
                except NotAllowed as error:
                    if error.code == "proof_failed":
                        break
            waits.append((now - began).total_seconds() / 60)
            now += timedelta(minutes=15)
            session.get_one(AccountSession, accounts.hash_of(token)).seen_at = now
    assert waits == [15, 30]


WRONG_PROOFS = {
    "another site": {"origin": "https://evil.example"},
    "the site without tls": {"origin": "http://aid.example"},
    "another host's key": {"host": "evil.example"},
    "nobody verified": {"flags": 0x01},
    "nobody present": {"flags": 0x04},
    "an enrolment's answer": {"kind": "webauthn.create"},
    "a challenge of its own": {"challenge": text_of(b"x" * 32)},
    "a counter that went back": {"count": -3},
    "another key": {"key": Authenticator().key},
    "an unknown key": {"key_id": b"unknown"},
}


@pytest.mark.threat("T15")
@pytest.mark.parametrize("wrong", WRONG_PROOFS)
def test_a_passkey_s_wrong_answer_is_refused(house: Database, wrong: str, now: datetime) -> None:
    good = Authenticator(count=5)
    with house.session(writes=True) as session:
        account, held = _enrolled(session, good, now=now)
        bad = replace(good, **WRONG_PROOFS[wrong])
        bad.count = good.count + WRONG_PROOFS[wrong].get("count", 0)
        options = passkeys.sign_options(session, account.id, held, now=now)
        assert not passkeys.signed(session, account.id, held, answer=bad.get(options), now=now)
        again = passkeys.sign_options(session, account.id, held, now=now)
        good.count += 10
        assert passkeys.signed(session, account.id, held, answer=good.get(again), now=now), "the good one must work"


@pytest.mark.threat("T15")
def test_a_challenge_works_once_in_its_own_session_in_its_time_and_for_its_own_account(
    house: Database, now: datetime
) -> None:
    key = Authenticator()
    with house.session(writes=True) as session:
        account, held = _enrolled(session, key, now=now)
        wu = session.exec(select(Account).where(Account.login == "wu")).one()

        def answered() -> str:
            return key.get(passkeys.sign_options(session, account.id, held, now=now))

        given = answered()
        assert passkeys.signed(session, account.id, held, answer=given, now=now)
        assert not passkeys.signed(session, account.id, held, answer=given, now=now), "twice"
        assert not passkeys.signed(session, account.id, "another session", answer=answered(), now=now)
        assert not passkeys.signed(session, wu.id, held, answer=answered(), now=now), "another account"
        late = now + timedelta(minutes=2)
        assert not passkeys.signed(session, account.id, held, answer=answered(), now=late), "late"
        given = answered()
        made = passkeys.enrol(session, account.id, held, answer=given, label="x", now=now)
        assert made is None, "a proof is no enrolment"


@pytest.mark.parametrize(
    "answer", ["", "none", "[]", "{}", '{"id": 1}', "x" * 30_000, '{"id": "a", "response": []}', "\ud800"]
)
def test_a_broken_answer_is_a_no_and_no_fault(house: Database, answer: str, now: datetime) -> None:
    with house.session(writes=True) as session:
        account, held = _enrolled(session, Authenticator(), now=now)
        passkeys.sign_options(session, account.id, held, now=now)
        assert not passkeys.signed(session, account.id, held, answer=answer, now=now)
        passkeys.enrol_options(session, account, held, now=now)
        assert passkeys.enrol(session, account.id, held, answer=answer, label="x", now=now) is None


def test_one_s_passkey_is_not_another_s_to_remove_and_no_key_is_taken_twice(house: Database, now: datetime) -> None:
    key = Authenticator()
    with house.session(writes=True) as session:
        _enrolled(session, key, now=now)
        wu = session.exec(select(Account).where(Account.login == "wu")).one()
        with pytest.raises(NotFound):
            proving.remove_passkey(session, wu.id, text_of(key.key_id), now=now)
        options = passkeys.enrol_options(session, wu, "their session", now=now)
        assert passkeys.enrol(session, wu.id, "their session", answer=key.create(options), label="x", now=now) is None


@pytest.mark.threat("T15")
def test_a_code_of_a_used_or_older_step_is_refused(house: Database, now: datetime) -> None:
    with house.session(writes=True) as session:
        account = session.exec(select(Account).where(Account.login == "zhou")).one()
        clock = pyotp.parse_uri(totp.begin(session, account))
        assert not totp.fits(session, account.id, clock.at(now), now=now), "not confirmed yet"
        assert totp.confirm(session, account.id, clock.at(now), now=now)
        assert not totp.fits(session, account.id, clock.at(now), now=now)
        assert not totp.fits(session, account.id, clock.at(now - timedelta(seconds=30)), now=now)
        assert totp.fits(session, account.id, clock.at(now + timedelta(seconds=30)), now=now)
        assert not totp.fits(session, account.id, clock.at(now + timedelta(seconds=30)), now=now)


def _enrolled(session: Session, key: Authenticator, *, now: datetime) -> tuple[Account, str]:
    account = session.exec(select(Account).where(Account.login == "zhou")).one()
    held = accounts.hash_of(accounts.open_for_account(session, account, now=now))
    options = passkeys.enrol_options(session, account, held, now=now)
    assert passkeys.enrol(session, account.id, held, answer=key.create(options), label="phone", now=now)
    return account, held


@pytest.fixture
def office(real: Settings, house: Database) -> Iterator[tuple[Provider, Browser]]:
    """A browser of a site whose staff come from a provider; zhou is linked."""
    with Provider() as provider:
        known = replace(real, oidc_issuer=provider.url, oidc_client_id=CLIENT, oidc_client_secret=SECRET)
        with house.transaction() as session:
            sso.link(session, "zhou", issuer=provider.url, subject=SUBJECT, now=utc_now())
        yield provider, Browser(create_app(known, database=house, identity=identity_of(known)))


def leave(browser: Browser) -> str:
    """Where the button of the sign-in page leads."""
    button = re.search(r'href="(/sign-in/office[^"]*)"', browser.get("/sign-in").text)
    assert button is not None
    return browser.get(button[1]).headers["Location"]


def come_back(provider: Provider, browser: Browser):
    away = leave(browser)
    return browser.get(provider.return_address(away).removeprefix(ORIGIN))


@pytest.mark.threat("T14")
def test_nothing_is_answered_to_who_comes_without_tls(app: Flask) -> None:
    plain, browser = ORIGIN.replace("https", "http"), Browser(app)
    for path in ("/", "/sign-in", "/api/v1/openapi.json", "/static/no.css"):
        answer = browser.client.get(path, base_url=plain)
        assert (answer.status_code, "HTTPS" in answer.text, "Location" in answer.headers) == (403, True, False), path
        assert "Set-Cookie" not in answer.headers
    assert browser.client.post("/sign-in", data={"login": "zhou"}, base_url=plain).status_code == 403
    assert browser.client.get("/health", base_url=plain).status_code == 200
    assert browser.get("/sign-in").status_code == 200


@pytest.mark.threat("T14")
def test_a_link_from_elsewhere_leads_to_the_sign_in_page_and_to_no_provider(office: tuple[Provider, Browser]) -> None:
    provider, browser = office
    for address in ("/sign-in/office", "/sign-in/office?word=", "/sign-in/office?word=猜"):
        assert browser.get(address).headers["Location"] == "/sign-in"
    other = Browser(browser.client.application)
    button = re.search(r'href="(/sign-in/office[^"]*)"', other.get("/sign-in").text)
    assert button is not None
    assert browser.get(button[1]).headers["Location"] == "/sign-in", "another browser's button does not lead away here"
    assert leave(browser).startswith(provider.url)


@pytest.mark.threat("T10")
def test_staff_come_in_from_the_provider_and_a_second_factor_there_is_enough(
    office: tuple[Provider, Browser], house: Database
) -> None:
    provider, browser = office
    assert "/sign-in/office" in browser.get("/sign-in").text
    assert "/prove" not in come_back(provider, browser).headers["Location"]
    assert browser.get("/security/").status_code == 200
    with house.transaction() as session:
        sso.unlink(session, SUBJECT, issuer=provider.url, now=utc_now())
        with pytest.raises(BadInput, match="subject_unknown"):
            sso.unlink(session, SUBJECT, issuer=provider.url, now=utc_now())
    assert browser.get("/security/").status_code == 303, "who was linked by mistake is out"
    assert come_back(provider, browser).status_code == 403


@pytest.mark.threat("T10")
def test_coming_back_from_the_provider_is_no_proof_of_now(office: tuple[Provider, Browser], house: Database) -> None:
    provider, browser = office
    shown = int(utc_now().timestamp()) - 3 * 3600
    provider.lie = Lie({"auth_time": shown})
    assert "/prove" not in come_back(provider, browser).headers["Location"]
    with house.reading() as session:
        newest = select(AccountSession.proved_at).order_by(col(AccountSession.created_at).desc())
        assert session.exec(newest).first() == datetime.fromtimestamp(shown, tz=UTC)
    provider.lie = Lie({"auth_time": None})
    assert "/prove" in come_back(provider, browser).headers["Location"]
    provider.lie, provider.methods = Lie(), ["hwk"]
    assert "/prove" in come_back(provider, browser).headers["Location"], "one key alone is one factor"


@pytest.mark.threat("T10")
def test_a_password_alone_at_the_provider_is_not_enough_here(office: tuple[Provider, Browser]) -> None:
    provider, browser = office
    provider.methods = ["pwd", "sms"]
    assert "/prove" in come_back(provider, browser).headers["Location"]
    assert browser.get("/security/").status_code == 303


@pytest.mark.threat("T10")
def test_every_failure_is_the_same_plain_page_and_opens_no_session(
    office: tuple[Provider, Browser], house: Database, caplog: pytest.LogCaptureFixture
) -> None:
    provider, browser = office
    shown = set()
    provider.subject = "nobody linked this"
    shown.add((come_back(provider, browser).status_code, _words(come_back(provider, browser).text)))
    provider.subject, provider.lie = SUBJECT, Lie({"aud": "another", "azp": CLIENT})
    answer = come_back(provider, browser)
    shown.add((answer.status_code, _words(answer.text)))
    answer = browser.get("/sign-in/office/return?code=x&state=y")
    shown.add((answer.status_code, _words(answer.text)))
    assert len(shown) == 1
    assert shown.pop()[0] == 403
    assert "staff sign-in refused" in caplog.text
    assert SUBJECT not in caplog.text
    with house.reading() as session:
        assert session.exec(select(AccountSession)).all() == []


@pytest.mark.threat("T14")
def test_the_way_back_works_once_and_only_in_the_browser_that_left(
    office: tuple[Provider, Browser], app: Flask
) -> None:
    provider, browser = office
    away = leave(browser)
    back = provider.return_address(away).removeprefix(ORIGIN)
    victim = Browser(browser.client.application)
    assert victim.get(back).status_code == 403
    assert browser.get(back).status_code == 303
    assert browser.get(back).status_code == 403
    assert Browser(app).get("/sign-in/office").status_code == 404, "without a provider the address does not exist"


def _words(page: str) -> str:
    return re.sub(r"\s+|csrf_token\" value=\"[^\"]+", " ", page.partition("<main")[2].partition("</main>")[0])


def test_who_signs_in_and_with_what_is_in_the_audit(browser: Browser, house: Database) -> None:
    browser.sign_in()
    browser.enrol_app()
    with house.reading() as session:
        acts = list(session.exec(select(AuditRow.action).order_by(col(AuditRow.seq))).all())
        assert acts[-3:] == ["account:sign_in", "account:factor_add", "account:prove"]
        assert accounts.actor_of(session, "no token", now=utc_now()) == PUBLIC


@pytest.mark.threat("T15")
def test_a_changed_password_ends_the_other_sign_ins_and_the_old_one_opens_nothing(app: Flask, house: Database) -> None:
    browser, other = Browser(app), Browser(app)
    browser.sign_in()
    clock = browser.enrol_app()
    other.sign_in()
    with house.transaction() as session:
        held = session.exec(select(AccountSession).where(col(AccountSession.pending))).one()
        held.pending = False
        session.add(held)
    assert clock
    assert other.get("/security/").status_code == 200
    for old, new in (
        (PASSWORD, "short"),
        (PASSWORD, PASSWORD),
        (PASSWORD, "aaaaaaaaaaaaaaaa"),
        ("wrong one here", NEW),
    ):
        assert browser.post("/security/password", old=old, new=new).status_code == 422
    assert browser.post("/security/password", old=PASSWORD, new="zhou is my name here").status_code == 422
    assert browser.post("/security/password", old=PASSWORD, new=NEW).status_code == 303
    assert browser.get("/security/").status_code == 200
    assert other.get("/security/").status_code == 303
    with house.transaction() as session:
        with pytest.raises(NotAllowed, match="sign_in_failed"):
            accounts.sign_in(session, "zhou", PASSWORD, network="x", now=utc_now())
        assert accounts.sign_in(session, "zhou", NEW, network="x", now=utc_now())
        actions = session.exec(select(AuditRow.action)).all()
        assert "account:password" in actions


def test_ten_wrong_old_passwords_lock_the_page_although_each_was_refused(app: Flask, house: Database) -> None:
    browser = Browser(app)
    browser.sign_in()
    browser.enrol_app()
    pages = [browser.post("/security/password", old="wrong one here", new=NEW).text for _ in range(11)]
    assert "这不是您的密码" in pages[9]
    assert "尝试次数太多" in pages[10]
    assert "尝试次数太多" in browser.post("/security/password", old=PASSWORD, new=NEW).text


@pytest.mark.parametrize("path", ["/security/password"])
def test_a_password_is_changed_only_with_a_fresh_proof(app: Flask, house: Database, path: str) -> None:
    browser = Browser(app)
    browser.sign_in()
    browser.enrol_app()
    age(house, 6)
    answer = browser.post(path, old=PASSWORD, new=NEW)
    assert (answer.status_code, "/prove" in answer.headers["Location"]) == (303, True)
