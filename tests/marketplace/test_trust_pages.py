"""Receipts, credentials, checkpoints and the public check on the screen, in both languages."""

from __future__ import annotations

import io
import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import col, select

import shanqiao_verify as verifier
from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import SYSTEM, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.consent.models import ConsentHead
from marketplace.credentials import receipts
from marketplace.db import Database
from marketplace.households.service import contact_of
from marketplace.sharing.models import Disclosure
from marketplace.trail.service import make_checkpoint
from tests import factories as make
from tests.marketplace.trust_scene import Scene, a_scene, issued
from tests.pages.people import client_as

Issued = tuple[Scene, str]


@pytest.fixture
def given(sqlite_database: Database) -> Issued:
    """A consent with its receipt, and a credential under it."""
    now = utc_now() - timedelta(minutes=2)
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now)
        compact = issued(session, scene, now)
        make_checkpoint(session, now=now)
        receipts.give_due(session, now=now)
    return scene, compact


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, given: Issued) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def household(app: Flask, given: Issued) -> FlaskClient:
    return _as_household(app, given[0].household.id)


def _as_household(app: Flask, household_id: str) -> FlaskClient:
    """Signed in as the person whom the household's messages reach."""
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    with app.extensions["database"].transaction() as session:
        person = contact_of(session, household_id)
        assert person is not None
        token = accounts.open_for_person(session, person.id, household_id, now=utc_now())
    client.set_cookie("sid", token)
    return client


def _receipt(household: FlaskClient) -> str:
    found = re.search(r'href="(/my-receipts/\w+/1)"', household.get("/my-receipts/").text)
    assert found is not None
    return found[1]


def test_a_household_sees_its_receipt_with_a_code_and_keeps_the_file(app: Flask, household: FlaskClient) -> None:
    address = _receipt(household)
    page = household.get(address).text
    assert "data:image/svg+xml" in page
    assert "已同意" in page
    answer = household.get(f"{address}.jws")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert verifier.check_receipt(answer.text, _keys(app))


def _keys(app: Flask) -> verifier.Keys:
    return verifier.Keys.read(app.test_client().get("/trust/keys.json").text)


def test_another_household_finds_neither_receipt_nor_credential(app: Flask, household: FlaskClient) -> None:
    with app.extensions["database"].transaction() as session:
        other = make.a_household(session).id
    stranger = _as_household(app, other)
    address = _receipt(household)
    revoke = re.search(r'href="(/my-receipts/credentials/\w+/revoke)"', household.get("/my-receipts/").text)
    assert revoke is not None
    for path in (address, f"{address}.jws", revoke[1], "/my-trail/1.json"):
        assert stranger.get(path).status_code == 404, path
    assert stranger.post(revoke[1]).status_code == 404


def test_the_code_on_a_receipt_leads_a_stranger_to_the_answer(app: Flask, household: FlaskClient) -> None:
    known = re.search(r'href="(/verify/[0-9a-f]{64})"', household.get(_receipt(household)).text)
    assert known is not None
    page = app.test_client().get(known[1]).text
    assert "同意回执" in page
    assert "有效" in page
    assert app.test_client().get("/verify/" + "0" * 64).status_code == 404


@pytest.mark.parametrize("way", ["pasted", "uploaded"])
def test_anybody_checks_a_receipt_a_credential_and_a_checkpoint(
    app: Flask, household: FlaskClient, given: Issued, way: str
) -> None:
    stranger = app.test_client()
    texts = {
        "同意回执": household.get(f"{_receipt(household)}.jws").text,
        "需求凭证": given[1],
        "检查点": stranger.get("/trust/checkpoint.txt").text,
    }
    for kind, text in texts.items():
        page = _judged(stranger, text, way)
        assert f"{kind}: " in page
        assert '<span class="tag tag-done">有效</span>' in page, kind
        assert "王小明" not in page
        page = _judged(stranger, text[:-30] + text[-30:].swapcase(), way)
        assert '<span class="tag tag-late">无效</span>' in page, kind
    assert "无法识别" in _judged(stranger, "hello", way)
    assert "does not hold" in stranger.post("/verify?lang=en", data={"text": "a.b.c"}).text


def _judged(client: FlaskClient, text: str, way: str) -> str:
    data = {"text": text} if way == "pasted" else {"file": (io.BytesIO(text.encode()), "receipt.jws")}
    answer = client.post("/verify", data=data, content_type="multipart/form-data")
    assert answer.status_code == 200
    return answer.text


def test_a_credential_that_the_household_ended_is_told_as_ended(
    app: Flask, household: FlaskClient, given: Issued
) -> None:
    revoke = re.search(r'href="(/my-receipts/credentials/\w+/revoke)"', household.get("/my-receipts/").text)
    assert revoke is not None
    assert "让这份凭证失效" in household.get(revoke[1]).text
    assert household.post(revoke[1]).status_code == 303
    assert "it is revoked" in _judged(app.test_client(), given[1], "pasted")
    assert "已失效" in household.get("/my-receipts/").text


def test_the_status_list_is_public_and_names_nobody(app: Flask, given: Issued) -> None:
    answer = app.test_client().get("/trust/status/1")
    assert answer.mimetype == "application/statuslist+jwt"
    claims = verifier.check_credential(given[1], _keys(app), now=int(utc_now().timestamp())).payload
    entry = claims["status"]["status_list"]
    at = int(utc_now().timestamp())
    assert verifier.status_of(answer.text, _keys(app), uri=entry["uri"], index=entry["idx"], now=at) == "valid"
    assert app.test_client().get("/trust/status/2").status_code == 404


def test_a_household_takes_the_proof_of_its_own_row_home(app: Flask, household: FlaskClient) -> None:
    found = [household.get(f"/my-trail/{seq}.json") for seq in range(1, 10)]
    own = [json.loads(answer.text) for answer in found if answer.status_code == 200]
    assert {verifier.check_row(proof, _keys(app))[0]["action"] for proof in own} >= {"consent:give", "credential:issue"}
    assert "日志行的证明" in _judged(app.test_client(), json.dumps(own[0]), "pasted")


def test_a_household_takes_home_the_proof_of_a_list_in_which_it_stood(
    app: Flask, household: FlaskClient, given: Issued
) -> None:
    now, home = utc_now(), given[0].household.id
    with app.extensions["database"].transaction() as session:
        head = session.exec(select(ConsentHead).where(col(ConsentHead.household_id) == home)).first()
        seqs = [audit.record(session, audit.Entry("share:disclose_list"), actor=SYSTEM, now=now) for _ in range(2)]
        session.add(
            Disclosure(
                id="seen", at=now, household_id=home, recipient_org_id=make.an_organisation(session).id, actor_id="x",
                purpose="PAYMENT", consent_chain_id=head.chain_id, audit_seq=seqs[0],
            )
        )  # fmt: skip
        make_checkpoint(session, now=now)
    mine, anothers = (household.get(f"/my-trail/{seq}.json") for seq in seqs)
    assert verifier.check_row(json.loads(mine.text), _keys(app))[0]["action"] == "share:disclose_list"
    assert anothers.status_code == 404


def test_the_auditor_sees_checkpoints_and_computes_them_again(app: Flask) -> None:
    auditor = client_as(app, Role.AUDITOR)
    page = auditor.get("/audit/checkpoints").text
    assert "没有指定见证方" in page
    assert auditor.post("/audit/checkpoints/check").status_code == 303
    assert "与已签名的全部一致" in auditor.get("/audit/checkpoints").text
    assert client_as(app, Role.OPERATOR).get("/audit/checkpoints").status_code == 403


def test_everybody_sees_how_to_check_the_house(app: Flask) -> None:
    stranger = app.test_client()
    assert "/trust/" in stranger.get("/").text
    page = stranger.get("/trust/?lang=en").text
    assert "How to check us" in page
    assert "credential:issue" in page
    assert "/trust/checkpoint.txt" in page
