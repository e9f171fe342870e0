"""The pages of visits: one tap, the plain form, two edits, parcels of a telephone, temporary aid, a handover."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import select

from marketplace import addressing
from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.audit import AuditRow
from marketplace.calendar import local_day, utc_now
from marketplace.cases.models import CaseItem
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households.service import PersonFacts, register_household
from marketplace.notices import Notice
from marketplace.portraits import ranking
from marketplace.reference.districts import streets_of
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import Vault
from marketplace.sharing.looks import staff_looks
from marketplace.signals import answering, sweeping
from marketplace.visits import service as visits
from marketplace.visits.models import EntryState, HomeVisit, VisitEntry, VisitState
from tests import factories as make
from tests.marketplace.signal_scene import CLERK, at_work, told
from tests.marketplace.test_signal_pages import a_client
from tests.pages.people import household_client


@pytest.fixture
def app(sqlite_database: Database, settings: Settings) -> Flask:
    """An app over a fresh database."""
    built = create_app(settings, database=sqlite_database)
    built.config["WTF_CSRF_ENABLED"] = False
    return built


@pytest.fixture
def home_id(app: Flask) -> str:
    """A household of 渝中 with a telephone and a red alert."""
    number, now, today = make_id_number("509910", date(1950, 3, 7), seq=5), utc_now(), local_day(utc_now())
    person = PersonFacts(
        ref="1", name="欧阳小芳", phone="10000000009", id_number=number, address="解放碑1号", contact=True
    )
    with app.extensions["database"].transaction() as session:
        home = register_household(
            session, source="test", source_ref="h", district_code="500103", people=(person,), actor=CLERK, now=now
        )
        at_work(session, "W05", now=now)
        told(session, "MEDICAL_BILLS", (number, "OWN_COST", today, 60_000), as_of=today, now=now)
        sweeping.sweep(session, actor=CLERK, now=now)
        return home.id


@pytest.mark.parametrize(
    ("lang", "asked", "fact"),
    [("en", "By need score", "Lives alone at 65 or older"), ("zh", "按困难程度分", "六十五岁以上独自居住")],
)
def test_both_lists_show_the_need_score_with_its_reason(
    app: Flask, home_id: str, lang: str, asked: str, fact: str
) -> None:
    client, database = a_client(app, Role.WORKER, "500103", lang=lang), app.extensions["database"]
    tap(client, home_id)
    assert ranking.look(database, now=utc_now()) == 1
    assert ranking.look(database, now=utc_now()) == 0, "a score stands for some days"
    for path in ("/alerts/", "/home-visits/"):
        assert asked in client.get(path).text
        page = client.get(f"{path}?order=score").text
        assert (fact in page, "order=score" in page) == (True, True), path


def tap(client: FlaskClient, home_id: str, kind: str = "visit") -> str:
    """One tap; the address of the visit."""
    answer = client.post(f"/home-visits/of-alert/{home_id}/{kind}")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def test_whoever_calls_or_goes_opens_the_telephone_or_the_address_and_the_household_sees_it(
    app: Flask, home_id: str
) -> None:
    worker = a_client(app, Role.WORKER, "500103")
    call, visit = tap(worker, home_id, "call"), tap(worker, home_id)
    page = worker.get(call).text
    assert (f"{call}/reach/phone" in page, "/reach/address" in page, "10000000009" in page) == (True, False, False)
    shown = worker.post(f"{call}/reach/phone").text
    assert 'href="tel:10000000009"' in shown
    assert worker.post(f"{call}/reach/address").status_code == 404, "a call needs no address"
    assert "解放碑1号" in worker.post(f"{visit}/reach/address").text
    assert worker.get(f"{visit}/reach/address").status_code == 405
    assert a_client(app, Role.WORKER, "500106").post(f"{visit}/reach/phone").status_code == 404
    with app.extensions["database"].reading() as session:
        looks = [row for row in staff_looks(session, home_id) if row.action == "household:reveal"]
        assert [row.fields for row in looks] == ["address", "phone"]
    sent = {"base": "0", "outcome": "REACHED_FINE", "act": "done"}
    assert worker.post(call, data=sent).status_code == 303
    assert worker.post(f"{call}/reach/phone").status_code == 409, "after the call nobody needs the number"
    assert "/reach/phone" not in worker.get(call).text


def test_the_plain_form_keeps_goes_on_and_is_done(app: Flask, home_id: str) -> None:
    worker = a_client(app, Role.WORKER, "500103")
    path = tap(worker, home_id)
    page = worker.get(path).text
    assert re.search(r"Departments tell: ¥60,000, [^<]+ \(from: Own cost after three layers\)", page)
    assert "The register tells: 1" in page
    assert "欧阳小芳" not in page
    assert worker.post(path, data={"base": "0", "act": "done"}).status_code == 422
    assert worker.post(path, data={"base": "0", "debt": "80000", "act": "keep"}).status_code == 303
    assert worker.post(path, data={"base": "x", "debt": "80000"}).status_code == 422
    sent = {"base": "1", "debt": "80000", "outcome": "REACHED_NEEDS_HELP", "act": "done"}
    assert worker.post(path, data=sent).status_code == 303
    page = worker.get(path).text
    assert page.index("Begin temporary aid") < page.index("Say of each alert"), "help comes first"
    closing = re.search(r"/alerts/\w+/close", page)
    assert closing, "the visit asks what came of the alerts"
    assert worker.post(closing[0], data={"outcome": "helped"}).status_code == 303
    assert "Begin temporary aid" in worker.get(path).text
    begun = worker.post(f"/alerts/households/{home_id}/temporary-aid")
    assert begun.status_code == 303, "what was found outlives the alert"
    assert "Another sudden hardship" in worker.get(begun.headers["Location"]).text
    assert worker.post(begun.headers["Location"], data={"cause": "living"}).status_code == 303
    with app.extensions["database"].reading() as session:
        assert visits.help_is_needed(session, home_id, now=utc_now() + timedelta(days=13))
        assert not visits.help_is_needed(session, home_id, now=utc_now() + timedelta(days=15))
    assert worker.post(path, data=sent).status_code == 409
    assert f"{path}" in worker.get("/home-visits/?whose=done").text


def test_a_form_that_was_open_while_somebody_wrote_lays_its_words_beside(app: Flask, home_id: str) -> None:
    one, two = a_client(app, Role.WORKER, "500103"), a_client(app, Role.VERIFIER, "500103")
    path = tap(one, home_id)
    assert two.post(path, data={"base": "0", "outcome": "REACHED_FINE", "act": "keep"}).status_code == 303
    late = {"base": "0", "outcome": "DECLINED", "debt": "0", "act": "done"}
    assert one.post(path, data=late).status_code == 303
    page = one.get(path).text
    assert page.count("This counts:") == 2
    chosen = re.findall(r"/home-visits/entries/(\w+)/choose", page)[1]
    assert one.post(f"/home-visits/entries/{chosen}/choose").status_code == 303
    with app.extensions["database"].reading() as session:
        assert session.exec(select(HomeVisit.state)).one() is VisitState.OPEN
    assert "This counts:" not in one.get(path).text


def test_a_parcel_needs_its_token_is_taken_once_and_bad_ones_are_refused(app: Flask, home_id: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    worker = a_client(app, Role.WORKER, "500103")
    path = tap(worker, home_id)
    change = {"value": "REACHED_FINE", "at": utc_now().isoformat()}
    parcel = {"key": "a" * 36, "base": 0, "finish": True, "changes": {"outcome": change}}
    assert worker.post(f"{path}/parcels", json=parcel).json == {"answer": "done", "version": 1}
    assert worker.post(f"{path}/parcels", json=parcel).json == {"answer": "done", "version": 1}
    for bad in ({}, {**parcel, "changes": {"name": change}}, {**parcel, "base": "x"}, {**parcel, "key": "short"}):
        assert worker.post(f"{path}/parcels", json=bad).status_code == 422
    without_zone = {"outcome": {"value": "DECLINED", "at": "2026-11-26T10:00:00"}}
    assert worker.post(f"{path}/parcels", json={**parcel, "changes": without_zone}).status_code == 422
    app.config["WTF_CSRF_ENABLED"] = True
    assert worker.post(f"{path}/parcels", json={**parcel, "key": "b" * 36}).status_code == 400


def test_of_a_parcel_the_sound_fields_are_kept_and_the_others_named(app: Flask, home_id: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    worker = a_client(app, Role.WORKER, "500103")
    path, at = tap(worker, home_id), utc_now().isoformat()

    def sent(key: str, base: int, **values: str) -> Any:
        changes = {name: {"value": value, "at": at} for name, value in values.items()}
        return worker.post(
            f"{path}/parcels", json={"key": key * 36, "base": base, "finish": True, "changes": changes}
        ).json

    told = sent("a", 0, note="屋头漏雨，瓦都烂了", debt="8万", outcome="REACHED_FINE")
    assert (told["answer"], told["version"], [*told["wrong"]]) == ("mend", 2, ["debt"])
    assert sent("a", 0, note="屋头漏雨，瓦都烂了", debt="8万", outcome="REACHED_FINE") == told
    assert sent("b", 2, debt="80,000") == {"answer": "done", "version": 3}
    with app.extensions["database"].reading() as session:
        assert session.exec(select(HomeVisit.outcome)).one() == "REACHED_FINE"
        assert session.exec(select(VisitEntry.value).where(VisitEntry.field == "debt")).one() == "80000"
    verifier, asked = a_client(app, Role.VERIFIER, "500103"), path.replace("/home-visits", "/needs/from-visit")
    assert asked in verifier.get(path).text
    assert verifier.post(asked).status_code == 422, "why is it read?"
    read = verifier.post(asked, data={"reason": "VERIFY"}).text
    assert f"/needs/new?category=HOUSING.REPAIR&amp;household={home_id}" in read
    assert a_client(app, Role.VERIFIER, "500106").post(asked, data={"reason": "VERIFY"}).status_code == 404


def test_a_telephone_is_led_to_the_visit_that_got_its_words_and_an_old_page_to_the_open_one(
    app: Flask, home_id: str
) -> None:
    worker, other = a_client(app, Role.WORKER, "500103"), a_client(app, Role.VERIFIER, "500103")
    old, now, today = tap(worker, home_id), utc_now(), local_day(utc_now())
    with app.extensions["database"].transaction() as session:
        answering.close(
            session, answering.open_alerts(session, home_id)[0].id, outcome="wrong_data", actor=CLERK, now=now
        )
    assert "An open one" not in worker.get(old).text
    with app.extensions["database"].transaction() as session:
        number = make_id_number("509910", date(1950, 3, 7), seq=5)
        told(session, "MEDICAL_BILLS", (number, "OWN_COST", today, 90_000), as_of=today, now=now)
        sweeping.sweep(session, actor=CLERK, now=now)
    anew = tap(worker, home_id)
    page = worker.get(old).text
    assert (anew != old, f'href="{anew}"' in page, "An open one" in page) == (True, True, True)
    assert other.post(anew, data={"base": "0", "outcome": "REACHED_FINE", "act": "keep"}).status_code == 303

    def sent(key: str, **values: str) -> Any:
        changes = {name: {"value": value, "at": now.isoformat()} for name, value in values.items()}
        body = {"key": key * 36, "base": 0, "finish": True, "changes": changes}
        return worker.post(f"{old}/parcels", json=body).json

    assert sent("a", outcome="REACHED_NEEDS_HELP", debt="8万")["answer"] == "mend"
    for _time in range(2):  # the answer to the first was lost on the way
        assert sent("b", debt="80000") == {"answer": "choose", "version": 3, "path": anew}
    assert worker.get(anew).text.count("This counts:") == 2


NOTE = "独居，腿脚不便"


def looks_at_notes(app: Flask) -> list[tuple[str, str]]:
    with app.extensions["database"].reading() as session:
        rows = session.exec(select(AuditRow).where(AuditRow.action == "visit:note_look")).all()
        return [(row.actor_role, row.rule_id) for row in rows]


def test_nobody_reads_a_sealed_note_without_a_reason_and_a_row_that_the_household_sees(
    app: Flask, home_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    plain = Vault.open

    def counted(self: Vault, *given: Any, column: str, **named: Any) -> str:
        opened.append(column)
        return plain(self, *given, column=column, **named)

    worker, verifier = a_client(app, Role.WORKER, "500103"), a_client(app, Role.VERIFIER, "500103")
    path = tap(worker, home_id)
    assert worker.post(path, data={"base": "0", "note": NOTE, "act": "keep"}).status_code == 303
    monkeypatch.setattr(Vault, "open", counted)
    seen = [who.get(at).text for who in (worker, verifier) for at in (path, "/home-visits/", f"{path}/state")]
    assert not any(NOTE in page for page in seen)
    assert "visit_entry.note" not in opened, "no page that only shows opens one"
    assert verifier.post(f"{path}/note").status_code == 422
    assert looks_at_notes(app) == []
    page = verifier.post(f"{path}/note", data={"reason": "VERIFY"}).text
    assert page.count(NOTE) == 2, "in the form and among what was written"
    assert looks_at_notes(app) == [("verifier", "VERIFY")]
    assert "走访备注" in household_client(app, home_id).get("/who-saw?lang=zh_Hans").text
    assert a_client(app, Role.VERIFIER, "500106").post(f"{path}/note", data={"reason": "VERIFY"}).status_code == 404


def test_a_note_that_was_not_opened_is_not_emptied_by_the_form_around_it(app: Flask, home_id: str) -> None:
    worker = a_client(app, Role.WORKER, "500103")
    path = tap(worker, home_id)
    worker.post(path, data={"base": "0", "note": NOTE, "act": "keep"})
    worker.post(path, data={"base": "1", "note": "", "debt": "5", "act": "keep"})
    assert NOTE in worker.post(f"{path}/note", data={"reason": "VERIFY"}).text
    worker.post(path, data={"base": "2", "opened": "1", "note": "", "debt": "5", "act": "keep"})
    with app.extensions["database"].reading() as session:
        assert session.exec(select(VisitEntry.field).where(VisitEntry.state == EntryState.STANDING)).all() == [
            "debt",
            "note",
        ]
        assert [row.note for row in session.exec(select(VisitEntry).order_by(VisitEntry.no)).all()][2] is None


def test_a_parcel_without_an_outcome_is_kept_and_ends_nothing(app: Flask, home_id: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    worker = a_client(app, Role.WORKER, "500103")
    path = tap(worker, home_id)
    changes = {"debt": {"value": "5", "at": utc_now().isoformat()}}
    told = worker.post(f"{path}/parcels", json={"key": "a" * 36, "base": 0, "finish": True, "changes": changes}).json
    assert (told["answer"], told["version"], [*told["wrong"]]) == ("mend", 1, ["outcome"])


@pytest.mark.threat("T43")
def test_the_keeper_is_ours_and_signing_out_wipes_what_the_browser_kept(app: Flask) -> None:
    worker = a_client(app, Role.WORKER, "500103")
    keeper = worker.get("/home-visits/keeper.js")
    assert keeper.mimetype == "text/javascript"
    assert "script-src 'self'" in keeper.headers["Content-Security-Policy"]
    assert app.test_client().get("/home-visits/keeper.js").status_code == 303
    assert '"storage"' in worker.post("/sign-out").headers["Clear-Site-Data"]


def test_temporary_aid_begins_with_one_tap_and_is_decided_by_the_street(app: Flask, home_id: str) -> None:
    worker = a_client(app, Role.WORKER, "500103")
    assert worker.get(f"/cases/of-alert/{home_id}").status_code == 404
    begun = worker.post(f"/alerts/households/{home_id}/temporary-aid")
    assert begun.status_code == 303
    page = begun.headers["Location"]
    assert worker.post(page, data={"medical_fen": "60000"}).status_code == 422
    reading = worker.post(page, data={"cause": "illness", "medical_fen": "60000"}).headers["Location"]
    shown = worker.get(f"{reading}?lang=en").text
    assert "¥60,000" in shown
    assert "a month and" not in shown, "no income was asked"
    heard = {"channel": "home_visit", "dialect": "chongqing", "signed": "thumbprint", "evidence": "档案 3"}
    heard |= {"shown": re.findall(r'name="shown"[^>]*value="([^"]+)"', shown)[0], "typed_name": "欧阳小芳"}
    assert worker.post(f"{reading}?lang=en", data=heard).status_code == 422, "it was not read aloud"
    sent = worker.post(f"{reading}?lang=en", data={**heard, "read_aloud": "y", "hand_on": "y"})
    assert sent.headers["Location"].endswith("/print")
    with app.extensions["database"].reading() as session:
        item = session.exec(select(CaseItem.id)).one()
        assert [task.result for task in answering.tasks_of(session, home_id)] == ["APPLIED"]
    granted = {"verdict": "granted", "amount_fen": "500"}
    assert worker.post(f"/cases/items/{item}/fast", data=granted).status_code == 403, "it was taken down by the same"
    assert "another officer goes on" in worker.get(f"/cases/items/{item}").text
    another = a_client(app, Role.VERIFIER, "500103")
    assert another.post(f"/cases/items/{item}/fast", data=granted).status_code == 303
    for who, answer in ((worker, 403), (another, 403), (a_client(app, Role.VERIFIER, "500103"), 303)):
        paid = {"voucher": "记-2026-1", "paid_on": local_day(utc_now()).isoformat()}
        assert who.post(f"/cases/items/{item}/pay", data=paid).status_code == answer
    with app.extensions["database"].reading() as session:
        assert session.get_one(CaseItem, item).amount_fen == 50_000
    assert a_client(app, Role.VERIFIER).post(f"/alerts/households/{home_id}/temporary-aid").status_code == 403


def test_a_handover_writes_to_the_household_who_comes(app: Flask, home_id: str, settings: Settings) -> None:
    worker, path = a_client(app, Role.WORKER, "500103"), f"/home-visits/homes/{home_id}/hand-over"
    tap(worker, home_id)
    a_client(app, Role.VERIFIER, "500103")
    with app.extensions["database"].transaction() as session:
        heir = session.exec(select(Account).where(Account.role == Role.VERIFIER)).one()
        heir.display_name = "街道 李强"
        session.add(heir)
        heir_id = heir.id
    assert worker.post(path, data={"account_id": heir_id}).status_code == 422
    assert worker.post(path, data={"account_id": heir_id, "reason": "LANGUAGE"}).status_code == 303
    with app.extensions["database"].reading() as session:
        letter = session.exec(select(Notice).where(Notice.letter == "worker_changed")).one()
        message = addressing.compose(settings, session, letter)
    assert message is not None
    assert "由李强上门" in message.body
    assert "街道" not in message.body
    assert "李强" in worker.get(f"/home-visits/homes/{home_id}").text


@pytest.mark.parametrize(("lang", "words"), [("en", "is not known"), ("zh", "没有位置数据")])
def test_a_round_is_planned_shown_and_reordered(app: Flask, home_id: str, lang: str, words: str) -> None:
    worker = a_client(app, Role.WORKER, "500103", lang=lang)
    assert words not in worker.get("/home-visits/round").text
    tap(worker, home_id)
    with app.extensions["database"].transaction() as session:
        from marketplace.visits import service

        home = make.a_household(session, district_code="500103", street_code="500103010")
        account = session.exec(select(Account.id)).one()
        visit = service.ask(session, home.id, "QUOTA", ref="q", actor=CLERK, now=utc_now())
        visit.worker_id, visit_id = account, visit.id
        session.add(visit)
    assert worker.post("/home-visits/round").status_code == 303
    page = worker.get("/home-visits/round").text
    assert "路上约" not in page
    assert "minutes on the way" not in page
    assert words in page
    assert worker.post(f"/home-visits/round/{visit_id}/up").status_code == 303
    assert worker.post(f"/home-visits/round/{visit_id}/up").status_code == 422
    assert worker.get("/home-visits/?street=500103010").text.count(f"/home-visits/{visit_id}") == 1


def test_the_list_leads_to_every_street_and_to_a_colleagues_visits(app: Flask) -> None:
    worker = a_client(app, Role.WORKER, "500101")
    streets = [one.code for one in streets_of("500101", on=local_day(utc_now()))][:13]
    with app.extensions["database"].transaction() as session:
        area = {"role": Role.WORKER, "districts": ("500101",), "now": utc_now()}
        colleague = accounts.create_account(session, "liqiang", display_name="李强", **area)
        for street in streets:
            home = make.a_household(session, district_code="500101", street_code=street)
            visit = visits.ask(session, home.id, "QUOTA", ref=street, actor=CLERK, now=utc_now())
        visit.worker_id, goes, theirs = colleague.id, colleague.id, visit.id
        session.add(visit)
    page = worker.get("/home-visits/").text
    assert all(f"street={street}" in page for street in streets)
    assert (f"worker={goes}" in page, ">Blue<" in page) == (True, True)
    assert f"whose=mine&amp;street={streets[12]}" in worker.get(f"/home-visits/?street={streets[12]}").text
    own = worker.get(f"/home-visits/?worker={goes}").text
    assert re.findall(r'href="/home-visits/(\w{20,})"', own) == [theirs]


def test_a_foreign_district_and_a_giver_see_nothing(app: Flask, home_id: str) -> None:
    path = tap(a_client(app, Role.WORKER, "500103"), home_id)
    elsewhere = a_client(app, Role.WORKER, "500106")
    assert elsewhere.get(path).status_code == 404
    assert path not in elsewhere.get("/home-visits/").text
    assert a_client(app, Role.CHARITY_MANAGER).get("/home-visits/").status_code == 403
