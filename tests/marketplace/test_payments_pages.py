"""The pages of payments as a giver, a household and civil affairs use them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from adapters.tabular_writer import write_csv
from marketplace import audit
from marketplace.accounts import service as accounts
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.payments import waiting as payment_waits
from marketplace.payments.models import BatchState, LineState, Payee, PayeeState, PaymentBatch, PaymentLine
from marketplace.sharing import deletions
from tests.marketplace.payment_scene import Month, a_month, card
from tests.pages.people import client_as

WRONG = "6200000000000015"
DAY = f"{local_day(datetime.now(UTC))}"


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


@pytest.fixture
def month(sqlite_database: Database) -> Month:
    """Two payable grants of one foundation, committed; the scene's session is closed and its ids remain."""
    with sqlite_database.transaction() as session:
        return a_month(session, datetime.now(UTC), grants=2)


@pytest.fixture
def clerk(app: Flask, month: Month) -> FlaskClient:
    return client_as(app, Role.CHARITY_WORKER, org_id=month.organisation.id)


@pytest.fixture
def manager(app: Flask, month: Month) -> FlaskClient:
    return client_as(app, Role.CHARITY_MANAGER, org_id=month.organisation.id)


def holder(client: FlaskClient, path: str) -> str:
    """Who has it now, as a page of a match says it."""
    return re.findall(r"现在由谁办</dt>\s*<dd[^>]*>\s*([^<]+?)\s*</dd>", client.get(path).text)[0]


def client_of(app: Flask, person_id: str, household_id: str) -> FlaskClient:
    """The household's own window."""
    app.config["WTF_CSRF_ENABLED"] = False
    with app.extensions["database"].transaction() as session:
        token = accounts.open_for_person(session, person_id, household_id, now=datetime.now(UTC))
    client = app.test_client()
    client.set_cookie("sid", token)
    return client


def batch_of(database: Database) -> PaymentBatch:
    with database.reading() as session:
        return session.exec(select(PaymentBatch).order_by(PaymentBatch.number.desc())).first()  # type: ignore[attr-defined,return-value]


def references(database: Database) -> list[str]:
    with database.reading() as session:
        return references_of(session)


def references_of(session: Session) -> list[str]:
    return list(session.exec(select(PaymentLine.reference).order_by(PaymentLine.reference)))


def prepared(clerk: FlaskClient, database: Database) -> PaymentBatch:
    assert clerk.post("/payments/prepare").status_code == 303
    return batch_of(database)


def sent(clerk: FlaskClient, manager: FlaskClient, database: Database) -> PaymentBatch:
    batch = prepared(clerk, database)
    manager.post(f"/payments/batches/{batch.id}/release", data={"fingerprint": batch.fingerprint})
    assert clerk.post(f"/payments/batches/{batch.id}/file.csv").status_code == 200
    return batch_of(database)


def answer(giver: FlaskClient, rows: list[tuple[str, str, str, str]]) -> str:
    """Upload, confirm and return the receipt page."""
    data = write_csv(("reference", "result", "reason_code", "on_day"), rows)
    checked = giver.post("/payments/import", data={"file": (BytesIO(data), "bank.csv")})
    assert checked.status_code == 303, checked.text
    at = checked.headers["Location"]
    giver.post(f"{at}/confirm")
    return giver.get(at).text


def test_a_month_is_paid_through_the_browser(
    clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    assert "¥2,000" in clerk.get("/payments/").text
    batch = prepared(clerk, sqlite_database)
    own = clerk.get(f"/payments/batches/{batch.id}").text
    assert "/release" not in own, "who prepared it is not offered to release it"
    assert batch.fingerprint[:16].upper() in own
    assert f'value="{batch.fingerprint}"' in manager.get(f"/payments/batches/{batch.id}").text
    manager.post(f"/payments/batches/{batch.id}/release", data={"fingerprint": batch.fingerprint})
    file = clerk.post(f"/payments/batches/{batch.id}/file.csv")
    assert card(1) in file.text
    assert batch.fingerprint[:8] in file.headers["Content-Disposition"]
    assert file.headers["Cache-Control"] == "no-store"
    with sqlite_database.reading() as session:
        taken = select(audit.AuditRow.object_ref).where(audit.AuditRow.action == "file:take")
        assert session.exec(taken).all() == ["payments.file"]
    first, second = references(sqlite_database)
    receipt = answer(manager, [(first, "paid", "", DAY), (second, "failed", "account_closed", DAY)])
    assert re.search(r"1</span>\s*<span class=\"stat-label\">其中已付款", receipt)
    books = clerk.get(f"/payments/months/{batch.month}").text
    assert "台账与银行分毫不差" in books
    table = clerk.get(f"/payments/months/{batch.month}/lines.csv?lang=zh_Hans")
    heads, *rows = [row.split(",") for row in table.text.removeprefix("\ufeff").splitlines()]
    assert {row[0] for row in rows} == {first, second}
    assert sum(float(row[heads.index("收支(元)")]) for row in rows) == 1000, "what the bank's statement says"
    assert not {card(1), month.grants[0].name} & {cell for row in rows for cell in row}
    assert "账户已注销" in table.text
    assert clerk.get("/payments/months/2020-01/lines.xlsx").status_code == 404
    found = clerk.get(f"/payments/find?reference={second.lower()}").text
    assert "账户已注销" in found
    assert "没有这个编号" in clerk.get("/payments/find?reference=SQ1").text
    match_id = re.findall(r'href="/our-matches/(\w{26})"', found)[0]
    at = clerk.get(f"/our-matches/find?number={match_id[:8].upper()}").headers["Location"]
    assert at == f"/our-matches/{match_id}"
    assert "没有以此开头" in clerk.get("/our-matches/find?number=0000").text
    assert "至少输入" in clerk.get(f"/our-matches/find?number={match_id[:3]}").text, "that nothing fits is not known"
    for page in ("/payments/", "/our-matches/household", "/deliveries/", f"/payments/batches/{batch.id}"):
        assert "find" in clerk.get(page).text, page
    assert "户家庭待更正账户" in clerk.get("/payments/").text


def test_no_page_shows_an_account_number(
    clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    batch = sent(clerk, manager, sqlite_database)
    for path in ("/payments/", f"/payments/batches/{batch.id}", f"/payments/months/{batch.month}"):
        page = clerk.get(path)
        assert page.status_code == 200
        assert card(1) not in page.text
        assert month.grants[0].name not in page.text


def test_a_stale_fingerprint_is_refused_with_a_sentence(
    clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database
) -> None:
    batch = prepared(clerk, sqlite_database)
    refused = manager.post(f"/payments/batches/{batch.id}/release", data={"fingerprint": "0" * 64})
    assert (refused.status_code, "请再查看" in refused.text) == (409, True)
    assert batch_of(sqlite_database).state is BatchState.DRAFT


def test_what_may_not_be_paid_is_named_before_the_file_is_given(
    app: Flask, clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    batch = prepared(clerk, sqlite_database)
    manager.post(f"/payments/batches/{batch.id}/release", data={"fingerprint": batch.fingerprint})
    with sqlite_database.transaction() as session:
        month.session = session
        month.type_account(month.grants[0], account=card(555))
    first = clerk.post(f"/payments/batches/{batch.id}/file.csv", follow_redirects=True)
    assert "家庭更换了账户" in first.text
    assert card(1) not in first.text
    second = clerk.post(f"/payments/batches/{batch.id}/file.csv")
    assert card(2) in second.text
    assert card(1) not in second.text


def test_another_giver_finds_nothing(app: Flask, clerk: FlaskClient, sqlite_database: Database) -> None:
    batch = prepared(clerk, sqlite_database)
    with sqlite_database.transaction() as session:
        other = a_month(session, datetime.now(UTC)).organisation.id
    stranger = client_as(app, Role.CHARITY_MANAGER, org_id=other)
    assert stranger.get(f"/payments/batches/{batch.id}").status_code == 404
    assert stranger.post(f"/payments/batches/{batch.id}/file.csv").status_code == 404
    assert stranger.post(f"/payments/batches/{batch.id}/drop").status_code == 404
    assert stranger.get("/payments/months/2026-11").status_code == 404


def test_a_draft_can_lose_a_line_and_a_batch_can_be_given_up(clerk: FlaskClient, sqlite_database: Database) -> None:
    batch = prepared(clerk, sqlite_database)
    with sqlite_database.reading() as session:
        line = session.exec(select(PaymentLine)).first()
    assert line is not None
    left = clerk.post(f"/payments/batches/{batch.id}/lines/{line.id}/leave-out", follow_redirects=True)
    assert "准备人移出" in left.text
    assert "批次已作废" in clerk.post(f"/payments/batches/{batch.id}/drop", follow_redirects=True).text


def test_a_line_that_the_bank_did_not_pay_is_stopped(
    clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database
) -> None:
    batch = sent(clerk, manager, sqlite_database)
    with sqlite_database.reading() as session:
        line = session.exec(select(PaymentLine)).first()
    assert line is not None
    asked = manager.post(f"/payments/batches/{batch.id}/lines/{line.id}/stop", follow_redirects=True).text
    assert "请另一人" in asked, "the same person is not asked again"
    assert f"{line.id}/stop" not in asked
    assert f"{line.id}/stop" in clerk.get(f"/payments/batches/{batch.id}").text
    clerk.post(f"/payments/batches/{batch.id}/lines/{line.id}/stop")
    with sqlite_database.reading() as session:
        assert session.get_one(PaymentLine, line.id).state is LineState.DROPPED


def test_every_batch_can_be_reached_however_many_came_after_it(
    clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database
) -> None:
    first = sent(clerk, manager, sqlite_database)
    with sqlite_database.transaction() as session:
        batch = session.get_one(PaymentBatch, first.id)
        for number in range(2, 32):
            values = {**batch.model_dump(), "id": f"b{number}", "number": number, "state": BatchState.DROPPED}
            session.add(PaymentBatch(**values))
    page = clerk.get("/payments/").text
    assert (f"/payments/batches/{first.id}" in page, "?page=2" in page) == (False, True)
    assert f"/payments/batches/{first.id}" in clerk.get("/payments/?page=2").text


def test_opening_the_month_is_one_press(clerk: FlaskClient) -> None:
    assert "结转" in clerk.get("/payments/").text
    # Both grants were accepted in this month: nothing comes over from the one before.
    assert "结转 0 笔" in clerk.post("/payments/months/open", follow_redirects=True).text


def test_own_accounts_are_kept_without_their_number_and_can_be_removed(clerk: FlaskClient) -> None:
    wrong = clerk.post("/payments/own-accounts", data={"account": "12x"})
    assert (wrong.status_code, "8 至 30 位" in wrong.text) == (422, True)
    page = clerk.post("/payments/own-accounts", data={"account": card(1), "staff": "y"}, follow_redirects=True).text
    assert card(1)[-4:] in page
    assert card(1) not in page
    assert "已登记过" in clerk.post("/payments/own-accounts", data={"account": card(1)}).text
    column = [card(1), card(2), "", card(3)]
    wrong = clerk.post("/payments/own-accounts", data={"account": "\n".join([*column, "12x"])})
    assert "第 5 行" in wrong.text
    assert card(3)[-4:] not in clerk.get("/payments/own-accounts").text, "all of them or none"
    many = clerk.post("/payments/own-accounts", data={"account": "\n".join(column)}, follow_redirects=True).text
    assert [many.count(f"尾号 {card(n)[-4:]}</td>") for n in (1, 2, 3)] == [1, 1, 1]
    assert "已保存 2 个" in many, "the first one was on the list"
    same = clerk.post("/payments/own-accounts", data={"account": "\n".join(column)}, follow_redirects=True).text
    assert "没有新的" in same
    assert "您机构或员工的" in clerk.get("/payments/").text
    action = re.search(r'action="(/payments/own-accounts/\w+/remove)"', page)
    assert action is not None
    assert "已移除" in clerk.post(action[1], follow_redirects=True).text


def test_the_columns_of_the_file_are_typed_one_a_line(
    clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database
) -> None:
    wrong = clerk.post("/payments/columns", data={"columns": "户名 = holder"})
    assert (wrong.status_code, "reference" in wrong.text) == (422, True)
    clerk.post("/payments/columns", data={"columns": "流水号 = reference\n金额分 = amount_fen"})
    batch = prepared(clerk, sqlite_database)
    manager.post(f"/payments/batches/{batch.id}/release", data={"fingerprint": batch.fingerprint})
    file = clerk.post(f"/payments/batches/{batch.id}/file.csv").text
    assert file.lstrip("\ufeff").splitlines()[0] == "流水号,金额分"


def test_a_household_types_its_account_and_lets_the_giver_see_it_on_one_screen(
    app: Flask, clerk: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    with sqlite_database.transaction() as session:
        month.session = session
        grant = month.grant(number=9, account=False)
    home = client_of(app, grant.person.id, grant.household.id)
    assert "填写我的账户" in home.get("/payments/my-account").text
    answers = {
        "holder": grant.name,
        "relation": "SELF",
        "bank": "示例银行",
        "kind": "card",
        "account": card(9),
        "again": card(9),
        "matches": [grant.match.id],
    }
    wrong = home.post("/payments/my-account/edit", data={**answers, "again": card(8)})
    assert (wrong.status_code, "不一致" in wrong.text) == (422, True)
    wrong = home.post(
        "/payments/my-account/edit", data={**answers, "account": "6200000000000015", "again": "6200000000000015"}
    )
    assert (wrong.status_code, "末位校验不符" in wrong.text) == (422, True)
    kept = home.post("/payments/my-account/edit", data=answers, follow_redirects=True).text
    assert f"尾号 {card(9)[-4:]}" in kept
    assert card(9) not in kept
    assert "资料齐全" in kept
    assert "¥3,000" in clerk.get("/payments/").text


def test_a_household_lets_a_giver_see_an_account_that_is_on_record(
    app: Flask, sqlite_database: Database, month: Month
) -> None:
    with sqlite_database.transaction() as session:
        month.session = session
        grant = month.grant(number=9, account=False)
        month.type_account(grant)
    home = client_of(app, grant.person.id, grant.household.id)
    assert "同意这家机构查看您的账户" in home.get("/payments/my-account").text
    assert home.post("/payments/my-account/allow", data={}).status_code == 422
    done = home.post("/payments/my-account/allow", data={"matches": [grant.match.id]}, follow_redirects=True).text
    assert "资料齐全" in done
    assert "都已可以看到您的账户" in home.get("/payments/my-account/allow").text


def test_a_household_reads_what_became_of_its_payment(
    app: Flask, clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    sent(clerk, manager, sqlite_database)
    first, second = references(sqlite_database)
    with sqlite_database.reading() as session:
        lines = {line.reference: line.household_id for line in session.exec(select(PaymentLine))}
    homes = {g.household.id: client_of(app, g.person.id, g.household.id) for g in month.grants}
    assert "对方已准备付款" in homes[lines[first]].get("/payments/my-account").text
    answer(manager, [(first, "paid", "", DAY), (second, "failed", "name_mismatch", DAY)])
    assert "收到了吗" in homes[lines[first]].get("/payments/my-account").text
    assert "户名与账号不符" in homes[lines[second]].get("/payments/my-account").text
    answer(manager, [(first, "returned", "", DAY)])
    assert "银行把款退回了对方" in homes[lines[first]].get("/payments/my-account").text


def test_accounts_of_payments_that_were_made_are_deleted_and_attested_in_one_press(
    app: Flask, clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    sent(clerk, manager, sqlite_database)
    assert "下载付款文件" in manager.get("/charity").text, "the bank's answer is awaited"
    answer(manager, [(reference, "paid", "", DAY) for reference in references(sqlite_database)])
    assert deletions.look(sqlite_database, now=datetime.now(UTC)) == 2
    assert "待删除" in manager.get("/charity").text
    (until,) = re.findall(r'name="until" value="([^"]+)"', manager.get("/our-deletions/").text)
    assert manager.post("/our-deletions/attest", data={"until": "yesterday"}).status_code == 422
    home = client_of(app, month.grants[0].person.id, month.grants[0].household.id)
    assert "已要求删除" in home.get("/my-consents").text
    assert manager.post("/our-deletions/attest", data={"until": until}).status_code == 303
    assert "待删除" not in manager.get("/charity").text
    seen = home.get("/my-consents").text
    assert "说明全部删除" in seen
    assert "可以为此保存一份" in seen


def test_a_worker_types_an_account_with_the_household_and_a_verifier_settles_it(
    app: Flask, clerk: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    with sqlite_database.transaction() as session:
        month.session = session
        grant = month.grant(number=9, account=False)
    path = f"/payments/households/{grant.household.id}/account"
    answers = {
        "holder": grant.name,
        "relation": "SELF",
        "bank": "示例银行",
        "kind": "card",
        "account": card(9),
        "again": card(9),
    }
    home, offer = client_of(app, grant.person.id, grant.household.id), f"/offers-to-me/{grant.match.id}"
    assert "现在需要您办理：请填写收款账户" in home.get(offer).text
    assert holder(home, offer) == "您", "at once, and not when the sweep has asked"
    payment_waits.look(sqlite_database, now=datetime.now(UTC))
    match = f"/our-matches/{grant.match.id}"
    assert (holder(home, offer), holder(clerk, match)) == ("您", "家庭")
    assert "现在由您办理" in home.get("/home").text
    assert f"/our-matches/{grant.match.id}" in clerk.get("/payments/").text, "the giver reads which grants wait"
    worker = client_as(app, Role.WORKER)
    assert worker.get(path).status_code == 200
    assert worker.post(path, data=answers | {"matches": [grant.match.id]}).status_code == 303
    assert (holder(home, offer), holder(clerk, match)) == ("民政部门", "民政部门"), "an account is looked at"
    assert "回访" in home.get(offer).text, "and the leave waits for its call-back, so nobody is asked for it again"
    verifier = client_as(app, Role.VERIFIER)
    listed = verifier.get("/payments/accounts").text
    assert "由工作人员代录" in listed
    with sqlite_database.reading() as session:
        payee = session.exec(select(Payee).where(Payee.state == PayeeState.TO_CHECK)).one()
    at = f"/payments/accounts/{payee.id}"
    assert card(9) not in verifier.get(at).text
    assert card(9) in verifier.post(f"{at}/show").text
    assert verifier.post(f"{at}/decide", data={"verdict": "refuse"}).status_code == 422
    assert verifier.post(f"{at}/decide", data={"verdict": "refuse", "reason_code": "mistyped"}).status_code == 303
    assert "录入有误" in home.get("/payments/my-account").text
    with sqlite_database.reading() as session:
        acts = set(session.exec(select(audit.AuditRow.action)))
    assert {"payee:type", "payee:show", "payee:refuse"} <= acts


def test_a_namesake_of_the_giver_s_staff_reads_that_civil_affairs_looks(
    app: Flask, sqlite_database: Database, month: Month, now: datetime
) -> None:
    grant = month.grants[0]
    with sqlite_database.transaction() as session:
        org_id, role = month.organisation.id, Role.CHARITY_WORKER
        accounts.create_account(session, "somebody", display_name=grant.name, role=role, org_id=org_id, now=now)
    home = client_of(app, grant.person.id, grant.household.id)
    assert "民政部门正在核对您的账户" in home.get(f"/offers-to-me/{grant.match.id}").text
    assert "资料齐全" not in home.get("/payments/my-account").text


def test_civil_affairs_sees_figures_of_givers_and_can_change_nothing(
    app: Flask, clerk: FlaskClient, manager: FlaskClient, sqlite_database: Database, month: Month
) -> None:
    batch = sent(clerk, manager, sqlite_database)
    answer(manager, [(references(sqlite_database)[0], "paid", "", DAY)])
    auditor = client_as(app, Role.AUDITOR)
    page = auditor.get("/payments/overview").text
    assert month.organisation.name in page
    assert "¥1,000" in page
    assert "分毫不差" in auditor.get(f"/payments/overview/{month.organisation.id}/{batch.month}").text
    assert auditor.post("/payments/prepare").status_code == 403
    assert auditor.get(f"/payments/batches/{batch.id}").status_code == 403
    assert auditor.get("/payments/accounts").status_code == 403


def test_every_page_says_what_to_do_while_it_is_empty(app: Flask, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        org_id = a_month(session, datetime.now(UTC)).organisation.id
    giver, verifier = client_as(app, Role.CHARITY_MANAGER, org_id=org_id), client_as(app, Role.VERIFIER)
    assert "还没有批次" in giver.get("/payments/").text
    for page in ("/payments/", "/deliveries/", "/our-matches/household"):
        assert 'role="search"' in giver.get(page).text, "what is looked for may stand on no list"
    assert "现在没有可以付款的资助" in giver.post("/payments/prepare", follow_redirects=True).text
    assert "还没有账户" in giver.get("/payments/own-accounts").text
    assert "这个月没有付款" in verifier.get("/payments/overview").text
    assert "没有待核对的账户" in verifier.get("/payments/accounts").text


def test_a_closed_month_keeps_its_figures_and_the_bank_answers_stand_in_the_month_of_their_day(
    app: Flask, sqlite_database: Database
) -> None:
    with sqlite_database.transaction() as session:
        old = a_month(session, datetime.now(UTC) - timedelta(days=40), grants=2)
        old.sent()
        org_id, references_then = old.organisation.id, references_of(session)
    manager, auditor = client_as(app, Role.CHARITY_MANAGER, org_id=org_id), client_as(app, Role.AUDITOR)
    manager.post("/payments/months/open")
    answer(manager, [(references_then[0], "paid", "", DAY)])
    then, this = batch_of(sqlite_database).month, DAY[:7]
    for path in ("/payments/months", f"/payments/overview/{org_id}"):
        reader = manager if path.endswith("months") else auditor
        assert paid_on(reader.get(f"{path}/{then}").text) == ["¥0", "¥0"], "as it is now, as it was closed"
        assert paid_on(reader.get(f"{path}/{this}").text) == ["¥1,000"]
        assert "结账" in reader.get(f"{path}/{then}").text
    assert "¥1,000" in auditor.get(f"/payments/overview?month={this}").text


def paid_on(page: str) -> list[str]:
    """The sums that a page of books gives for what was paid."""
    assert "分毫不差" in page
    paid = re.search(r"<td[^>]*>已付款</td>(.*?)</tr>", page, re.DOTALL)
    assert paid is not None
    return re.findall(r"¥[\d,]+", paid[1])
