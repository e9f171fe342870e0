"""Offers come in by file as carefully as by the wizard: one class of fault at a time, once, within bounds."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from adapters.tabular_writer import write_xlsx
from marketplace.actors import Role
from marketplace.audit import AuditRow, verify
from marketplace.errors import NotAllowed, NotFound, WrongState
from marketplace.intake import template_file
from marketplace.ledger.service import reserve
from marketplace.offers import imports, service
from marketplace.offers.models import Acceptance, Offer, OfferState
from marketplace.offers.pausing import SILENT
from marketplace.offers.table import offer_schema
from marketplace.offers.upload import desk
from marketplace.organisations.models import OrganisationState
from tests.factories import a_household, a_need, an_organisation, as_giver

HEAD = (
    "资源编号,名称,类别,单位,总量,每份数量,每项最低,每项最高,区县,符合任一,有效期止,答复方式,救助标准,工作流程,工作规范"
)
ROW = (
    "A-1,冬季食品包,米面油等食品包,份,100,2,2,12,渝中区；江北区,有"
    "老年人,2027-05-01,长期同意,每户2至12份,街道通知,不收费"
)
ROW_TODAY = ROW.replace("2027-05-01", (datetime.now(UTC).date() + timedelta(days=150)).isoformat())
"""The same for tests through pages and processes, which read the real clock."""


@pytest.fixture
def organisation(session):
    return an_organisation(session)


@pytest.fixture
def manager(organisation):
    actor = as_giver(organisation)
    return type(actor)(id=actor.id, role=Role.CHARITY_MANAGER, org_id=actor.org_id)


def check(session, *rows: str, actor, now, encoding: str = "utf-8-sig"):
    data = "\r\n".join((HEAD, *rows)).encode(encoding)
    return imports.check_file(session, data, file_name="offers.csv", actor=actor, now=now)


def load(session, *rows: str, actor, now, **over):
    batch, checked = check(session, *rows, actor=actor, now=now, **over)
    assert [(fault.row, fault.column, fault.code) for fault in checked.faults] == []
    return dict(imports.confirm_import(session, batch.id, actor=actor, now=now))


def offers(session) -> list[Offer]:
    return list(session.exec(select(Offer).order_by(Offer.title)))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030"])
def test_a_row_becomes_an_offer_with_all_its_terms(session, organisation, manager, now, encoding):
    counts = load(session, ROW, actor=manager, now=now, encoding=encoding)
    assert counts == {"new": 1, "changed": 0, "same": 0, "held": 0}
    (offer,) = offers(session)
    assert (offer.org_id, offer.state, offer.unit) == (organisation.id, OfferState.OPEN, "PACK")
    assert (offer.stock_units, offer.lot, offer.min_per_need, offer.max_per_need) == (100, 2, 2, 12)
    assert (offer.districts, offer.tags_any) == (["500103", "500157"], ["elder"])
    assert (offer.valid_to, offer.acceptance) == (date(2027, 5, 2), Acceptance.STANDING), "the last day counts"
    assert session.exec(select(AuditRow.action).order_by(AuditRow.seq)).all() == [
        "import:check",
        "offer:import",
        "import:confirm",
    ]
    assert verify(session).bad_seq == 0


def test_money_is_read_in_yuan_and_what_is_left_out_has_its_usual_value(session, manager, now):
    load(
        session,
        "A-1,急难金,EMERGENCY.CASH,,5万,,,,,,,,标准,流程,规范".replace("5万", "50000.5"),
        actor=manager,
        now=now,
    )
    (offer,) = offers(session)
    assert (offer.stock_units, offer.lot, offer.min_per_need, offer.max_per_need) == (5_000_050, 100, 100, None)
    assert (offer.districts, offer.valid_to, offer.acceptance) == (["*"], date(2027, 5, 22), Acceptance.EACH)


def test_the_same_file_again_changes_nothing_even_after_changes_on_the_page(session, manager, now):
    load(session, ROW, actor=manager, now=now)
    (offer,) = offers(session)
    service.pause_offer(session, offer.id, actor=manager, now=now)
    assert load(session, ROW, actor=manager, now=now)["same"] == 1
    assert offers(session)[0].state is OfferState.PAUSED


def test_a_changed_row_changes_its_offer_and_leaves_a_paused_one_paused(session, manager, now):
    load(session, ROW, actor=manager, now=now)
    service.pause_offer(session, offers(session)[0].id, actor=manager, now=now)
    offers(session)[0].state_reason = SILENT
    assert load(session, ROW.replace(",100,", ",80,"), actor=manager, now=now)["changed"] == 1
    (offer,) = offers(session)
    assert (offer.stock_units, offer.state, offer.state_reason) == (80, OfferState.PAUSED, SILENT)


def test_an_implausible_stock_is_taken_but_held(session, manager, now):
    assert load(session, ROW.replace(",100,", ",900000,"), actor=manager, now=now)["held"] == 1
    assert (offers(session)[0].state, offers(session)[0].state_reason) == (OfferState.HELD, "stock_implausible")


@pytest.mark.parametrize(
    ("old", "new", "column", "code"),
    [
        (",份,", ",吨,", "总量", "wrong_unit"),
        (",100,", ",0,", "总量", "not_positive"),
        (",100,", ",1.5,", "总量", "not_whole"),
        (",100,", ",许多,", "总量", "not_a_number"),
        ("渝中区", "渝都区", "区县", "unknown_district"),
        ("有老年人", "富裕", "符合任一", "not_in_list"),
        ("2027-05-01", "2026-05-01", "有效期止", "end_past"),
        ("2027-05-01", "2026-11-22", "有效期止", "end_past"),
        (",2,12,", ",20,12,", "每项最高", "most_under_least"),
        ("每户2至12份", "", "救助标准", "empty"),
        ("冬季食品包", "找 13800001234", "名称", "personal_in_text"),
        ("米面油等食品包", "免费午餐", "类别", "unknown_category"),
    ],
)
def test_a_wrong_cell_is_told_with_row_column_and_mend(session, manager, now, old, new, column, code):
    good = ROW.replace("A-1", "A-0")
    batch, checked = check(session, good, ROW.replace(old, new), actor=manager, now=now)
    assert {(fault.row, fault.column, fault.code) for fault in checked.faults} >= {(3, column, code)}
    with pytest.raises(WrongState, match="import_faulty"):
        imports.confirm_import(session, batch.id, actor=manager, now=now)
    assert offers(session) == []


def test_a_missing_column_is_told_before_any_row(session, manager, now):
    data = "\n".join((HEAD.replace(",工作规范", ""), ROW.replace("渝中区", "渝都区").rpartition(",")[0])).encode()
    _batch, checked = imports.check_file(session, data, file_name="offers.csv", actor=manager, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(1, "column_missing")]


def test_the_same_number_twice_in_one_file_is_told(session, manager, now):
    _batch, checked = check(session, ROW, ROW, actor=manager, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(3, "row_repeated")]


def test_a_row_cannot_take_back_what_is_committed_nor_change_the_kind(session, organisation, manager, now):
    load(session, ROW, actor=manager, now=now)
    need = a_need(session, a_household(session))
    (offer,) = offers(session)
    reserve(session, need, offer_id=offer.id, org_id=organisation.id, giver="x", units=10, actor=manager, now=now)
    for old, new, code in ((",100,", ",8,", "stock_below_committed"), ("米面油等食品包", "生活物资", "category_fixed")):
        changed = ROW.replace(",份,", ",,").replace(old, new).replace(",12,", ",,").replace(",2,2,", ",2,2,")
        _batch, checked = check(session, changed, actor=manager, now=now)
        assert [fault.code for fault in checked.faults] == [code]


def test_two_organisations_may_use_the_same_number(session, manager, now):
    load(session, ROW, actor=manager, now=now)
    other = an_organisation(session)
    actor = type(manager)(id="other", role=Role.INSURER, org_id=other.id)
    assert load(session, ROW, actor=actor, now=now)["new"] == 1
    assert len(offers(session)) == 2


def test_nobody_confirms_another_organisations_file(session, manager, now):
    batch, _checked = check(session, ROW, actor=manager, now=now)
    other = type(manager)(id="other", role=Role.CHARITY_MANAGER, org_id=an_organisation(session).id)
    with pytest.raises(NotFound):
        imports.confirm_import(session, batch.id, actor=other, now=now)


def test_a_case_worker_and_a_suspended_organisation_bring_nothing_in(session, organisation, manager, now):
    with pytest.raises(NotAllowed):
        check(session, ROW, actor=as_giver(organisation), now=now)
    organisation.state = OrganisationState.SUSPENDED
    session.flush()
    with pytest.raises(WrongState, match="organisation_suspended"):
        check(session, ROW, actor=manager, now=now)


def test_the_template_filled_in_passes(session, manager, now):
    schema = offer_schema(today=now.date())
    assert template_file(schema, lang="en").startswith(b"PK")
    columns = [column.label(lang="en") for column in schema.columns]
    cells = dict.fromkeys(columns) | {
        "Resource reference": "B-1",
        "Name": "Meals",
        "Category": "CARE.MEAL",
        "Stock": 500,
        "Standard": "one a day",
        "Steps": "brought home",
        "Rules": "free",
    }
    data = write_xlsx(columns, [list(cells.values())])
    batch, checked = imports.check_file(session, data, file_name="b.xlsx", actor=manager, now=now)
    assert checked.faults == []
    assert imports.confirm_import(session, batch.id, actor=manager, now=now)["new"] == 1


def test_a_dropped_file_stores_nothing(session, manager, now):
    batch, _checked = check(session, ROW, actor=manager, now=now)
    desk.drop(session, batch.id, actor=manager, now=now)
    with pytest.raises(WrongState):
        imports.confirm_import(session, batch.id, actor=manager, now=now)
    assert offers(session) == []
