"""What was brought in goes out, is edited, and comes in again: nothing is keyed twice."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import select

from adapters.tabular_writer import write_xlsx
from marketplace.actors import Actor, Role
from marketplace.errors import NotFound
from marketplace.offers import imports
from marketplace.offers import service as offers
from marketplace.offers.export import offers_file
from marketplace.offers.models import Acceptance, Offer, OfferState
from tests.factories import NOW, an_organisation
from tests.marketplace.offer_terms import some_terms

TODAY = NOW.date()
DAY = timedelta(days=1)
RICH = some_terms(
    title="大病救助金",
    category="MEDICAL.MAJOR",
    stock_units=12_345_650,
    lot=50,
    min_per_need=50,
    max_per_need=300_000,
    max_per_household=500_000,
    districts=("500103", "500106"),
    tags_any=("child", "elder"),
    tags_all=("ill",),
    tags_none=("urban",),
    min_urgency=2,
    valid_from=TODAY + DAY,
    acceptance=Acceptance.STANDING,
    donor_purpose="大病儿童",
    donor_districts=("500103",),
    donor_tags=("ill",),
    steps="第一步\n第二步",
)


def cells_of(data: bytes) -> list[list[object]]:
    return [list(row) for row in CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_index(0).to_python()]


@pytest.fixture
def giver(session) -> Actor:
    return Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=an_organisation(session).id)


def posted(session, giver, *, source_id="", terms=RICH) -> Offer:
    return offers.post_offer(session, terms, org_id=giver.org_id, actor=giver, now=NOW, source_id=source_id)


def brought_in(session, data, giver, *, name="a.xlsx"):
    batch, checked = imports.check_file(session, data, file_name=name, actor=giver, now=NOW)
    assert checked.faults == [], [(f.column, f.code) for f in checked.faults]
    return batch


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_a_table_that_was_taken_out_and_not_touched_changes_nothing(session, giver, kind, lang):
    posted(session, giver, source_id="自编 1")
    posted(session, giver, terms=some_terms(unit_cost_fen=350, min_per_need=0))
    data = offers_file(session, kind, actor=giver, now=NOW, lang=lang)
    if kind == "csv":
        assert b"2027-05-21" in data, "the last day, not the day after it"
    batch = brought_in(session, data, giver)
    assert (batch.counts["new"], batch.counts["changed"], batch.counts["same"]) == (0, 0, 2)


def test_an_edited_cell_revises_its_offer_and_no_other(session, giver):
    typed, numbered = posted(session, giver), posted(session, giver, source_id="自编 1", terms=some_terms())
    data = offers_file(session, "xlsx", actor=giver, now=NOW, lang="zh")
    rows = cells_of(data)
    stock = rows[0].index("总量")
    for row in rows[1:]:
        if row[0] == typed.id:
            row[stock] = 200_000
    batch = brought_in(session, write_xlsx(rows[0], rows[1:]), giver)
    assert (batch.counts["new"], batch.counts["changed"], batch.counts["same"]) == (0, 1, 1)
    imports.confirm_import(session, batch.id, actor=giver, now=NOW + DAY)
    found = {offer.id: offer for offer in session.exec(select(Offer))}
    assert {offer.stock_units for offer in found.values()} == {20_000_000, 100}
    assert found[typed.id].confirm_by == (NOW + 181 * DAY).date(), "a changed row is the giver's word"
    assert found[numbered.id].confirm_by == (NOW + 180 * DAY).date()


def test_a_file_that_undoes_an_edit_on_the_page_is_told_as_a_change(session, giver):
    first = offers_file(session, "csv", actor=giver, now=NOW, lang="zh")
    assert first.count(b"\n") == 1
    offer = posted(session, giver, source_id="自编 1", terms=some_terms())
    data = offers_file(session, "csv", actor=giver, now=NOW, lang="zh")
    batch = brought_in(session, data, giver)
    imports.confirm_import(session, batch.id, actor=giver, now=NOW)
    offers.revise_offer(session, offer.id, terms=some_terms(stock_units=90), actor=giver, now=NOW)
    assert brought_in(session, data, giver).counts["changed"] == 1


def test_closed_offers_and_other_givers_stay_out(session, giver):
    offers.close_offer(session, posted(session, giver).id, actor=giver, now=NOW)
    other = Actor(id="x", role=Role.CHARITY_MANAGER, org_id=an_organisation(session).id)
    posted(session, other, terms=some_terms())
    assert offers_file(session, "csv", actor=giver, now=NOW, lang="zh").count(b"\n") == 1
    with pytest.raises(NotFound):
        offers_file(session, "csv", actor=Actor(id="y", role=Role.CHARITY_MANAGER), now=NOW, lang="zh")


def test_a_file_cannot_loosen_what_the_donor_bound_without_the_paper(session, giver):
    offer = posted(session, giver, source_id="自编 1")
    data = offers_file(session, "xlsx", actor=giver, now=NOW, lang="zh")
    head, row = cells_of(data)
    row[head.index("捐赠人指定区县")] = ""
    _, checked = imports.check_file(session, write_xlsx(head, [row]), file_name="a.xlsx", actor=giver, now=NOW)
    assert [(f.column, f.code) for f in checked.faults] == [("donor_purpose", "donor_paper_missing")]
    row[head.index("捐赠人同意书编号")], row[head.index("捐赠人同意日期")] = "同意 7", "2026-11-20"
    batch = brought_in(session, write_xlsx(head, [row]), giver)
    imports.confirm_import(session, batch.id, actor=giver, now=NOW)
    assert session.get_one(Offer, offer.id).donor_districts == []


def test_a_file_cannot_offer_what_the_agreement_does_not_grant(session):
    org_id = an_organisation(session, purposes=["MED_AID"]).id
    giver = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=org_id)
    posted(session, giver)
    other = Actor(id="m2", role=Role.CHARITY_MANAGER, org_id=an_organisation(session).id)
    posted(session, other, terms=some_terms())
    data = offers_file(session, "xlsx", actor=other, now=NOW, lang="zh")
    _, checked = imports.check_file(session, data, file_name="a.xlsx", actor=giver, now=NOW)
    assert [fault.code for fault in checked.faults] == ["purpose_above_ceiling"]


@pytest.mark.parametrize("column", ["救助标准", "工作流程", "工作规范"])
def test_a_row_without_what_the_law_asks_to_tell_is_refused(session, giver, column):
    posted(session, giver, source_id="自编 1")
    data = offers_file(session, "xlsx", actor=giver, now=NOW, lang="zh")
    head, row = cells_of(data)
    row[head.index(column)] = ""
    _, checked = imports.check_file(session, write_xlsx(head, [row]), file_name="a.xlsx", actor=giver, now=NOW)
    assert [(fault.column, fault.code) for fault in checked.faults] == [(column, "empty")]


def test_a_list_that_says_open_confirms_and_one_that_has_run_out_blocks_nothing(session, giver):
    later = NOW + 170 * DAY
    kept, over = posted(session, giver, terms=some_terms()), posted(session, giver, terms=some_terms(title="旧"))
    big = posted(session, giver, terms=some_terms(title="大", stock_units=10**9))
    over.valid_to, over.state, over.expired_from = later.date() - DAY, OfferState.EXPIRED, OfferState.OPEN
    big.state, big.expired_from = OfferState.EXPIRED, OfferState.HELD
    session.add_all((over, big))
    session.flush()
    head, *rows = cells_of(offers_file(session, "xlsx", actor=giver, now=later, lang="zh"))

    def told(rows) -> dict[str, int]:
        data = write_xlsx(head, rows)
        batch, checked = imports.check_file(session, data, file_name="a.xlsx", actor=giver, now=later)
        assert checked.faults == [], [(fault.column, fault.code) for fault in checked.faults]
        return imports.confirm_import(session, batch.id, actor=giver, now=later)

    first = told(rows)
    assert (first["same"], first["changed"], first["confirmed"]) == (2, 0, 1), "untouched: what is open still stands"
    assert (kept.confirm_by, kept.valid_to) == ((later + 180 * DAY).date(), some_terms().valid_to), "as its list says"
    assert (over.state, told(rows)) == (OfferState.EXPIRED, {"new": 0, "changed": 0, "same": 3, "held": 0})
    status, end = head.index("状态"), head.index("有效期止")
    dead = next(row for row in rows if row[head.index("名称")] == "旧")
    assert dead[end] == "", "a last day that is over does not leave"
    dead[end] = (later - 2 * DAY).date()
    assert told(rows)["same"] == 3, "nor does it block the table"
    dead[status] = "开放"
    _, checked = imports.check_file(session, write_xlsx(head, rows), file_name="a.xlsx", actor=giver, now=later)
    assert [(fault.column, fault.code) for fault in checked.faults] == [("有效期止", "end_past")]
    dead[end] = ""
    for row in rows:
        row[status] = "开放"
    assert told(rows) == {"new": 0, "changed": 0, "same": 2, "held": 0, "confirmed": 1}
    assert (over.state, over.valid_to) == (OfferState.OPEN, (later + 180 * DAY).date())
    assert big.state is OfferState.EXPIRED, "nobody has asked about it yet"


def test_an_expired_offer_in_an_edited_row_stands_again(session, giver):
    offer = posted(session, giver, source_id="自编 1", terms=some_terms())
    offer.state = OfferState.EXPIRED
    session.add(offer)
    session.flush()
    data = offers_file(session, "xlsx", actor=giver, now=NOW, lang="zh")
    head, row = cells_of(data)
    row[head.index("总量")] = 90
    batch = brought_in(session, write_xlsx(head, [row]), giver)
    imports.confirm_import(session, batch.id, actor=giver, now=NOW)
    assert session.get_one(Offer, offer.id).state is OfferState.OPEN
