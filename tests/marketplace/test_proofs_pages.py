"""Proofs on the screen: ticked, by code, one by one, by table; the file of a grant; numbers of papers."""

from __future__ import annotations

import html
import io
import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from python_calamine import CalamineWorkbook
from sqlmodel import select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.intake import ImportBatch
from marketplace.needs.models import Need
from marketplace.proofs import slips, table
from marketplace.proofs.models import Paper, Proof, ProofKind
from tests import factories as make
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as

DRAWN = "10,20 14,25 30,60;300,40 310,44 320,48"


@pytest.fixture
def scene(sqlite_database: Database, now) -> Scene:
    with sqlite_database.transaction() as session:
        made = a_scene(session)
        made.in_delivery(session, now)
    return made


@pytest.fixture
def app(settings: Settings, sqlite_database: Database, scene: Scene) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def giver(app: Flask, scene: Scene) -> FlaskClient:
    return client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)


@pytest.fixture
def match_id(sqlite_database: Database, scene: Scene) -> str:
    with sqlite_database.reading() as session:
        return session.exec(select(Match.id)).one()


def proofs(database: Database) -> list[ProofKind]:
    with database.reading() as session:
        return sorted(proof.kind for proof in session.exec(select(Proof)))


def code(database: Database) -> str:
    with database.reading() as session:
        return slips.code_of(session, session.exec(select(Match)).one())


def test_one_press_delivers_what_was_ticked(giver, match_id, sqlite_database):
    page = giver.get("/proofs/").text
    assert "食品包" in page
    assert "王" not in page
    assert giver.post("/proofs/").status_code == 422
    assert giver.post("/proofs/", data={"chosen": [match_id]}).status_code == 303
    assert "没有正在送达的发放" in giver.get("/proofs/").text
    assert proofs(sqlite_database) == [ProofKind.BATCH]


def test_deliveries_to_tick_are_found_by_month_kind_number_reference_and_name(giver, scene, sqlite_database, now):
    """Three on their way: of now, of October, and of another kind from another resource."""
    org = scene.organisation
    with sqlite_database.transaction() as session:
        first = session.exec(select(Match)).one()
        october = a_scene(session, phone="10000000011", organisation=org, offer=scene.offer).in_delivery(session, now)
        october.household_answered_at = datetime(2026, 9, 30, 16, 30, tzinfo=UTC)
        books = make.an_offer(session, org, title="冬衣与书本")
        other = a_scene(session, phone="10000000012", organisation=org, offer=books).in_delivery(session, now)
        session.get_one(Need, other.need_id).category = "LIVING.GOODS"
        code = slips.shown(slips.code_of(session, october))
        ids = {"first": first.id, "october": october.id, "other": other.id}
    for query, shown in (
        ({}, set(ids)),
        ({"month": "2026-10"}, {"october"}),
        ({"kind": "LIVING.GOODS"}, {"other"}),
        ({"text": ids["first"][:10].upper()}, {"first"}),
        ({"text": code[:9].lower()}, {"october"}),
        ({"text": "书本"}, {"other"}),
        ({"month": "2026-10", "kind": "LIVING.GOODS"}, set()),
        ({"month": "2026-99"}, set(ids)),
        ({"month": "9999-12"}, set(ids)),
        ({"month": "0001-01"}, set(ids)),
    ):
        page = giver.get("/proofs/", query_string=query).text
        assert {name for name, one in ids.items() if f'value="{one}"' in page} == shown, query
        assert "checked" not in page, "nobody is ticked before somebody asks for it"
    page = giver.get("/proofs/?lang=en&kind=LIVING.FOOD_PACK&ticked=1").text
    assert len(re.findall(r'name="chosen"[^>]* checked', page)) == 2
    assert "Tick all 2 that are shown here" in page
    action = html.unescape(re.findall(r'<form method="post" action="([^"]*proofs/[^"]*)"', page)[0])
    nothing = giver.post(action)
    assert (nothing.status_code, ids["other"] in nothing.text) == (422, False), "the choice stays"
    done = giver.post(action, data={"chosen": [ids["first"], ids["october"]]})
    assert done.headers["Location"].endswith("kind=LIVING.FOOD_PACK")
    assert proofs(sqlite_database) == [ProofKind.BATCH] * 2


def test_a_typed_code_opens_the_delivery_and_its_scan_is_the_proof(giver, match_id, sqlite_database):
    written = slips.shown(code(sqlite_database))
    assert written in giver.get("/proofs/slips").text
    assert giver.post("/proofs/code", data={"code": "AAAA"}).status_code == 422
    opened = giver.post("/proofs/code", data={"code": written.lower()}).headers["Location"]
    assert match_id not in opened
    assert "食品包" in giver.get(opened).text
    assert giver.post(opened).status_code == 303
    assert proofs(sqlite_database) == [ProofKind.SCAN]
    assert giver.get(opened).status_code == 409


def test_another_givers_code_is_not_found(app, scene, sqlite_database, now):
    with sqlite_database.transaction() as session:
        other = a_scene(session, phone="10000000002")
        other.in_delivery(session, now)
    stranger = client_as(app, Role.CHARITY_MANAGER, org_id=other.organisation.id)
    with sqlite_database.reading() as session:
        match = session.exec(select(Match).where(Match.org_id == scene.organisation.id)).one()
        foreign = slips.code_of(session, match)
    assert stranger.get(f"/proofs/scan/{foreign}").status_code == 404
    assert stranger.post(f"/proofs/scan/{foreign}").status_code == 404
    assert stranger.get(f"/proofs/grants/{match.id}").status_code == 404
    assert match.state is MatchState.IN_DELIVERY


def test_a_delivery_asks_for_one_proof_and_keeps_what_was_given(giver, match_id, sqlite_database):
    where = f"/proofs/grants/{match_id}/hand-over"
    assert "请至少提供一种凭证" in giver.post(where, data={}).text
    too_much = giver.post(where, data={"units": "11", "slip_number": "A-1"})
    assert too_much.status_code == 422
    assert "不能超过匹配数量" in too_much.text
    bad = giver.post(where, data={"photo": (io.BytesIO(b"GIF89a"), "x.jpg")})
    assert (bad.status_code, proofs(sqlite_database)) == (422, [])
    assert "照片无法读取" in bad.text
    data = {"units": "6", "slip_number": "A-1", "typed_name": "王小明", "drawn": DRAWN}
    assert giver.post(where, data=data).status_code == 303
    assert proofs(sqlite_database) == sorted([ProofKind.SLIP, ProofKind.TYPED, ProofKind.DRAWN])
    with sqlite_database.reading() as session:
        assert session.get_one(Match, match_id).units == 6


def test_the_file_of_a_grant_shows_no_name_until_somebody_looks(app, giver, match_id, sqlite_database):
    giver.post(f"/proofs/grants/{match_id}/hand-over", data={"typed_name": "王小明", "drawn": DRAWN})
    page = giver.get(f"/proofs/grants/{match_id}").text
    assert "/our-consents/receipts.json" in page
    assert "王小明" not in page
    assert "方案哈希" in page
    looks = re.findall(r'action="(/proofs/grants/[^"]+/look/[^"]+)"', page)
    shown = [giver.post(look).text for look in looks]
    assert sum("王小明" in text for text in shown) == 1
    assert sum("data:image/svg+xml" in text for text in shown) == 1
    staff = client_as(app, Role.VERIFIER)
    assert "请选择查看的原因" in staff.post(looks[0]).text
    assert staff.post(looks[0], data={"reason": "VERIFY"}).status_code == 200
    assert giver.post(f"/proofs/grants/{match_id}/look/nothing").status_code == 404


def test_the_file_of_a_grant_goes_out_as_a_table_without_a_name(giver, match_id):
    giver.post(f"/proofs/grants/{match_id}/hand-over", data={"typed_name": "王小明"})
    file = giver.post(f"/proofs/grants/{match_id}/file.xlsx")
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file.data)).get_sheet_by_index(0).to_python()
    assert rows[1][0] == "需求与核实"
    assert "王" not in str(rows)
    assert any("收件人填写姓名" in row for row in rows)


def test_the_table_of_open_lines_comes_back_filled_in(giver, match_id, sqlite_database):
    file = giver.get("/proofs/open.xlsx").data
    rows = CalamineWorkbook.from_filelike(io.BytesIO(file)).get_sheet_by_index(0).to_python()
    assert rows[1][1] == 10
    answer = giver.post("/proofs/import", data={"file": (io.BytesIO(file), "open.xlsx")})
    where = answer.headers["Location"]
    assert "将登记的发放" in giver.get(where).text
    assert giver.post(f"{where}/confirm").status_code == 303
    assert proofs(sqlite_database) == [ProofKind.BATCH]


def test_the_table_of_open_lines_has_every_line_however_many_are_read_at_once(
    giver, scene, sqlite_database, now, monkeypatch
):
    with sqlite_database.transaction() as session:
        for number in range(2):
            again = {"organisation": scene.organisation, "offer": scene.offer}
            a_scene(session, phone=f"1000000001{number}", **again).in_delivery(session, now)
    monkeypatch.setattr(table, "READ_AT_ONCE", 1)
    rows = CalamineWorkbook.from_filelike(io.BytesIO(giver.get("/proofs/open.xlsx").data)).get_sheet_by_index(0)
    assert len(rows.to_python()) == 1 + 3


def brought(giver: FlaskClient, *rows: str) -> str:
    """The address of a checked table of papers."""
    data = "\n".join(("票据种类,票据号码,金额(元),开具日期,资源编号", *rows)).encode()
    return giver.post("/proofs/papers/import", data={"file": (io.BytesIO(data), "papers.csv")}).headers["Location"]


def test_numbers_of_papers_come_in_as_a_table_go_out_and_come_in_again_unchanged(giver, scene, sqlite_database):
    row = f"捐赠票据,cq 2026-0001,1200.50,2026-01-05,{scene.offer.id}"
    where = brought(giver, row, "发票,FP-77,80,2026-01-06,")
    assert "将登记的号码" in giver.get(where).text
    assert giver.post(f"{where}/confirm").status_code == 303
    with sqlite_database.reading() as session:
        kept = session.exec(select(Paper).order_by(Paper.number)).all()
        assert [(one.number, one.amount_fen, one.offer_id) for one in kept] == [
            ("CQ2026-0001", 120_050, scene.offer.id),
            ("FP-77", 8_000, None),
        ]
    for kind in ("xlsx", "csv"):
        file = giver.get(f"/proofs/papers/numbers.{kind}").data
        again = giver.post("/proofs/papers/import", data={"file": (io.BytesIO(file), f"papers.{kind}")})
        with sqlite_database.reading() as session:
            batch = session.get_one(ImportBatch, again.headers["Location"].rsplit("/", 1)[-1])
            assert (batch.counts["new"], batch.counts["same"], batch.counts["faults"]) == (0, 2, 0)


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("捐赠票据,FP-78,0,2026-01-06,", "数量必须大于零"),
        ("捐赠票据,F!!!,80,2026-01-06,", "4 至 32 位"),
        ("捐赠票据,FP-78,80,2999-01-06,", "日期在今天之后"),
        ("捐赠票据,FP-78,80,2026-01-06,nobody", "没有这个编号的资源"),
        ("发票,FP-77,81,2026-01-06,", "已登记，但金额"),
        ("收据,FP-78,80,2026-01-06,", "没有这个选项"),
    ],
)
def test_a_table_of_papers_is_checked_as_the_form_is(giver, row, told):
    data = {"kind": "invoice", "number": "FP-77", "amount": "80", "issued_on": "2026-01-06"}
    assert giver.post("/proofs/papers/new", data=data).status_code == 303
    where = brought(giver, row)
    assert told in giver.get(where).text
    assert giver.post(f"{where}/confirm").status_code == 409


def test_a_number_is_kept_and_the_same_again_is_told(giver):
    assert "还没有登记号码" in giver.get("/proofs/papers/").text
    data = {"kind": "invoice", "number": "cq 001234", "amount": "1200", "issued_on": "2026-01-05"}
    assert giver.post("/proofs/papers/new", data=data).status_code == 303
    assert "CQ001234" in giver.get("/proofs/papers/").text
    again = giver.post("/proofs/papers/new", data=data)
    assert again.status_code == 422
    assert "这个号码已登记：¥1,200" in again.text
    (strike,) = set(re.findall(r"/proofs/papers/\w+/strike", giver.get("/proofs/papers/").text))
    assert "登记有误" in giver.get(strike).text
    assert giver.post(strike, data={"reason_code": ""}).status_code == 422
    assert "已作废" in giver.post(strike, data={"reason_code": "mistyped"}, follow_redirects=True).text
    assert giver.get(strike).status_code == 404
    assert giver.post("/proofs/papers/new", data=data).status_code == 303, "its number is free again"


def test_the_household_shows_its_code_only_while_help_is_on_its_way(app, scene, giver, match_id, sqlite_database):
    from datetime import UTC, datetime

    from marketplace.accounts import service as accounts

    with sqlite_database.transaction() as session:
        token = accounts.open_for_person(session, scene.person.id, scene.household.id, now=datetime.now(UTC))
    home = app.test_client()
    home.set_cookie("sid", token)
    page = home.get(f"/proofs/mine/{match_id}/code").text
    assert slips.shown(code(sqlite_database)) in page
    giver.post("/proofs/", data={"chosen": [match_id]})
    assert home.get(f"/proofs/mine/{match_id}/code").status_code == 409
    assert "王" not in home.get(f"/proofs/grants/{match_id}").text


def test_a_household_ticks_what_may_be_public_and_nothing_is_ticked_before(app, scene, match_id, sqlite_database):
    from datetime import UTC, datetime

    from marketplace.accounts import service as accounts

    with sqlite_database.transaction() as session:
        token = accounts.open_for_person(session, scene.person.id, scene.household.id, now=datetime.now(UTC))
    app.config["WTF_CSRF_ENABLED"] = False
    home = app.test_client()
    home.set_cookie("sid", token)
    where = f"/proofs/mine/{match_id}/publicity"
    page = home.get(where).text
    assert page.count('type="checkbox" name="data_fields"') == 3
    assert "checked" not in page
    assert home.post(where).status_code == 422
    assert home.post(where, data={"data_fields": ["photo", "story"]}).status_code == 303
    assert "照片、故事" in home.get(where).text
    assert client_as(app, Role.CHARITY_MANAGER, org_id=scene.organisation.id).get(where).status_code == 403
