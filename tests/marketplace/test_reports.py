"""A month's report: counted from rows, split at midnight in China, frozen when published."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, col, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.calendar import own_days
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.decisions import results
from marketplace.decisions.models import FollowUp, GiverResult, Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.proofs import papers
from marketplace.proofs.models import PaperKind
from marketplace.proofs.papers import PaperFacts
from marketplace.reports import figures, service, yearly
from marketplace.reports.figures import Filter
from marketplace.reports.models import Figure, Report, ReportRow, ReportState
from marketplace.reports.months import Month, Year, read_month, read_period
from tests import factories as make

OCTOBER = Month(2026, 10)
APPROVER = Actor(id="approver-1", role=Role.APPROVER)
INSIDE = datetime(2026, 10, 16, 4, 0, tzinfo=UTC)
BEGUN = datetime(2026, 10, 2, 4, 0, tzinfo=UTC)
BORDER = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
"""Midnight of 1 November in China."""


def a_match(session: Session, *, state: MatchState = MatchState.CONFIRMED, offer: Any = None, **over: Any) -> Match:
    """A match of 4 food packs, approved on 9 October 2026 and delivered a week later, unless told otherwise."""
    household = make.a_household(session)
    need = make.a_need(session, household, created_at=BEGUN, updated_at=BEGUN)
    offer = offer or make.an_offer(session, make.an_organisation(session))
    line = make.a_line(session, need, offer, units=4, value_fen=40_000)
    dated: dict[str, Any] = {"given_on": INSIDE.date(), "created_at": BEGUN, "updated_at": BEGUN}
    entry = make.a_ledger_entry(session, need, offer, units=4, source="platform", **dated)
    number = len(session.exec(select(Match)).all()) + 1
    values: dict[str, Any] = {
        "id": f"match-{number}",
        "line_id": line.id,
        "need_id": need.id,
        "offer_id": offer.id,
        "org_id": offer.org_id,
        "household_id": household.id,
        "district_code": "500103",
        "units": 4,
        "state": state,
        "ledger_entry_id": entry.id,
        "approver_id": "approver-1",
        "created_at": datetime(2026, 10, 9, 4, 0, tzinfo=UTC),
        "updated_at": INSIDE,
        "delivered_at": INSIDE,
    }
    match = Match(**{**values, **over})
    session.add(match)
    session.flush()
    return match


def count(session: Session, now: datetime, **over: Any) -> Report:
    values: dict[str, Any] = {"org_id": None, "actor": APPROVER, "now": now}
    return service.prepare(session, OCTOBER, **{**values, **over})


def test_a_delivery_counts_in_the_month_in_which_it_lies_in_china(session: Session, now: datetime) -> None:
    # 31 October 16:00 UTC is midnight of 1 November in China: the last second before it is October, it itself is not.
    border = datetime(2026, 10, 31, 16, 0, tzinfo=UTC)
    a_match(session, delivered_at=border - timedelta(seconds=1))
    a_match(session, delivered_at=border)
    report = count(session, now)
    assert figures.totals(session, report)[Figure.GIVEN].rows == 1


def test_the_figures_are_those_of_the_hand_counted_rows(session: Session, now: datetime) -> None:
    first = a_match(session, delivered_at=datetime(2026, 10, 12, 4, 0, tzinfo=UTC))
    second = a_match(session, units=3, short_units=1)
    a_match(session, state=MatchState.DECLINED_GIVER, delivered_at=None, reason_code="no_capacity")
    a_match(session, state=MatchState.EXPIRED_HOUSEHOLD, delivered_at=None, reason_code="")
    talk = FollowUp(
        id="talk",
        match_id=first.id,
        answered_by="w",
        satisfaction=4,
        remains="part",
        staff_minutes=20,
        created_at=INSIDE,
    )
    session.add(talk)
    session.flush()
    report = count(session, now)
    totals = figures.totals(session, report)
    given = totals[Figure.GIVEN]
    # 4 packs of 4 are worth 40,000 fen; of the second match 3 of 4 packs were given: 30,000.
    assert (given.rows, given.households, given.people, given.fen) == (2, 2, 2, 70_000)
    assert [part.units for part in figures.parts(session, report, figure=Figure.GIVEN, by="category")] == [7]
    reasons = {part.key for part in figures.parts(session, report, figure=Figure.ENDED, by="reason")}
    assert reasons == {"expired_household"}
    assert totals[Figure.DECLINED].rows == 1
    # Needs of 10 packs: each match's ledger row covers 4 of them.
    unmet = figures.parts(session, report, figure=Figure.UNMET, by="reason")
    assert [(part.key, part.rows, part.units) for part in unmet] == [("partly", 4, 24)]
    # From Friday 9 October: Saturday the 10th was made up, so Monday the 12th is 2 working days on, Friday the 16th 6.
    assert figures.days(session, report) == figures.Days(2, 6, 2)
    told = figures.effort(session, report)
    assert (told.satisfaction, told.staff) == (figures.Told(4.0, 1, 1), figures.Told(20.0, 1, 1))
    assert (told.helpers, told.givers) == (figures.Told(None, 0, 1), figures.Told(None, 0, 0)), "unknown, not 0"
    assert second.units + second.short_units == 4
    # A flood is written down afterwards: the city's offices were shut on the 13th, those of the district on the 14th.
    shut = {("", date(2026, 10, 13)): False, (second.district_code, date(2026, 10, 14)): False}
    with own_days(lambda: shut):
        assert figures.days(session, count(session, now)) == figures.Days(2, 4, 2)


def test_what_was_unmet_is_counted_as_of_the_month_s_end_however_late_it_is_prepared(
    session: Session, now: datetime
) -> None:
    verifier = Actor(id="verifier-2", role=Role.VERIFIER)
    matches = [a_match(session) for _ in range(4)]
    covered, closed, returned, before = (session.get_one(Need, match.need_id) for match in matches)
    entries = [session.get_one(LedgerEntry, match.ledger_entry_id) for match in matches]
    # On the last second of October in China two of its four packs come back: so much is unmet of the last one.
    ledger.lower(session, _approved(session, entries[3]), units=2, actor=SYSTEM, now=BORDER - timedelta(seconds=1))
    prompt = _unmet(session, count(session, BORDER))
    assert prompt == {covered.id: 6, closed.id: 6, returned.id: 6, before.id: 8}
    # In November one is covered in full, one is closed, one gets nothing after all, and one appears.
    other = make.an_offer(session, make.an_organisation(session))
    make.a_ledger_entry(session, covered, other, units=6, created_at=BORDER, updated_at=BORDER)
    settling.settled_by_meeting(session, closed.id, reason="closed", actor=verifier, now=BORDER)
    ledger.move(session, entries[2].id, to=AidState.RETURNED, actor=SYSTEM, now=BORDER)
    # Of three that appear, the time of one was over before November began and that of another runs out in it.
    for valid_to in (None, date(2026, 11, 1), date(2026, 11, 16)):
        make.a_need(
            session, make.a_household(session), created_at=BORDER, updated_at=BORDER, valid_from=None, valid_to=valid_to
        )
    late = count(session, now + timedelta(days=90))
    assert _unmet(session, late) == prompt
    november = service.prepare(session, Month(2026, 11), org_id=None, actor=APPROVER, now=now + timedelta(days=90))
    assert sorted(_unmet(session, november).values()) == [8, 10, 10, 10]


def test_a_giver_s_report_says_what_was_unmet_where_it_serves_and_hides_small_cells(
    session: Session, now: datetime
) -> None:
    giver, far = make.an_organisation(session), make.an_organisation(session)
    make.an_offer(session, giver, districts=["500103", "500106"], created_at=BEGUN)
    make.an_offer(session, far, districts=["500101"], created_at=BEGUN)
    dated = {"created_at": BEGUN, "updated_at": BEGUN}
    # 12 households in one district, of which one has nothing it may be found by; 9 in the other; 20 in a third.
    for district, many in (("500103", 12), ("500106", 9), ("500101", 20)):
        for number in range(many):
            home = make.a_household(session, phone=f"1{district[3:]}{number:07}", district_code=district)
            make.a_need(session, home, district_code=district, **dated)
    hidden = make.a_household(session, phone="19999999999")
    make.a_need(session, hidden, district_code="500103", tags=["SAFE_CONTACT"], **dated)
    make.a_need(session, hidden, district_code="500103", category="CARE.MEAL", **dated)
    report = count(session, now, org_id=giver.id, actor=_manager(giver))
    (row,) = figures.rows_of(session, report, Filter(Figure.UNMET), offset=0, size=100)
    assert (row.category, row.district_code, row.units) == ("LIVING.FOOD_PACK", "500103", 10)
    assert (row.object_ref, row.household_id, row.people) == ("", "", 0), "no need and no household of others"
    assert figures.totals(session, report)[Figure.UNMET].households == 10
    other = count(session, now, org_id=far.id, actor=_manager(far))
    assert [row.units for row in figures.rows_of(session, other, Filter(Figure.UNMET), offset=0, size=9)] == [20]
    running = service.prepare(session, Month(2026, 11), org_id=far.id, actor=_manager(far), now=now)
    assert figures.count_of(session, running, Filter(Figure.UNMET)) == 0, "a running month would show each change"


def _manager(giver: Organisation) -> Actor:
    return Actor(id="manager-1", role=Role.CHARITY_MANAGER, org_id=giver.id)


def _approved(session: Session, entry: LedgerEntry) -> str:
    entry.state = AidState.APPROVED
    session.add(entry)
    session.flush()
    return entry.id


def _unmet(session: Session, report: Report) -> dict[str, int]:
    rows = figures.rows_of(session, report, Filter(Figure.UNMET), offset=0, size=100)
    return {row.object_ref: row.units for row in rows}


def test_a_number_opens_exactly_the_rows_it_was_counted_from(session: Session, now: datetime) -> None:
    for _ in range(3):
        a_match(session)
    report = count(session, now)
    part = figures.parts(session, report, figure=Figure.GIVEN, by="district_code")[0]
    wanted = Filter(Figure.GIVEN, district_code=part.key)
    assert figures.count_of(session, report, wanted) == part.rows == 3
    assert len(figures.rows_of(session, report, wanted, offset=0, size=2)) == 2
    assert figures.count_of(session, report, Filter(Figure.GIVEN, district_code="500101")) == 0


def test_a_giver_sees_its_own_month_and_never_the_needs_of_the_city(session: Session, now: datetime) -> None:
    mine = a_match(session)
    a_match(session)
    manager = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=mine.org_id)
    report = count(session, now, org_id=mine.org_id, actor=manager)
    totals = figures.totals(session, report)
    assert totals[Figure.GIVEN].rows == 1
    assert totals[Figure.UNMET].rows == 0
    stranger = Actor(id="other", role=Role.CHARITY_MANAGER, org_id="another")
    with pytest.raises(NotFound):
        service.get_report(session, report.id, actor=stranger)
    assert service.list_reports(session, actor=manager)[0] == [report]


def test_of_what_ended_without_aid_a_giver_s_report_has_its_end_alone(session: Session, now: datetime) -> None:
    offer = make.an_offer(session, make.an_organisation(session))
    a_match(session, offer=offer)
    gone: dict[str, Any] = {"offer": offer, "delivered_at": None}
    a_match(session, state=MatchState.CANCELLED, reason_code="consent_withdrawn", **gone)
    a_match(session, state=MatchState.RETURNED, reason_code="death", **gone)
    a_match(session, state=MatchState.DECLINED_GIVER, reason_code="no_capacity", **gone)
    never = a_match(session, state=MatchState.REJECTED, reason_code="too_much", **gone)
    talked = a_match(session, state=MatchState.GIVEN_BACK, reason_code="closed", **gone)
    session.add(
        FollowUp(id="t", match_id=talked.id, answered_by="w", satisfaction=2, remains="part", created_at=INSIDE)
    )
    session.flush()
    manager = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=offer.org_id)
    report = count(session, now, org_id=offer.org_id, actor=manager)
    rows = session.exec(select(ReportRow).where(ReportRow.report_id == report.id).order_by(col(ReportRow.number)))
    told = [row for row in rows if row.figure is not Figure.UNMET]
    assert [(row.figure, row.reason) for row in told] == [
        (Figure.GIVEN, ""),
        (Figure.DECLINED, "no_capacity"),
        (Figure.ENDED, "cancelled"),
        (Figure.RETURNED, "returned"),
        (Figure.RETURNED, "closed"),
        (Figure.FOLLOWED, ""),
    ]
    assert never.id not in {row.object_ref for row in told}, "a giver is never told of it"
    for row in told[1:]:
        assert (row.category, row.unit, row.district_code, row.units, row.fen, row.people) == ("", "", "", 0, 0, 0)
    everything = count(session, now)
    parts = figures.parts(session, everything, figure=Figure.ENDED, by="reason")
    assert [part.key for part in parts] == ["consent_withdrawn"], "the city's report says why"
    assert figures.totals(session, everything)[Figure.DECLINED].rows == 2


def test_published_rows_stay_when_the_matches_change(session: Session, now: datetime) -> None:
    match = a_match(session)
    report = service.publish(session, count(session, now).id, actor=APPROVER, now=now)
    match.state, match.delivered_at = MatchState.RETURNED, None
    session.add(match)
    session.flush()
    assert figures.totals(session, report)[Figure.GIVEN].rows == 1
    assert service.hash_of(session, report) == report.rows_sha256


@pytest.mark.both_engines
@pytest.mark.parametrize("change", ["UPDATE report_row SET units = 5", "DELETE FROM report_row", "DELETE FROM report"])
def test_the_database_refuses_to_change_what_was_published(session: Session, now: datetime, change: str) -> None:
    a_match(session)
    service.publish(session, count(session, now).id, actor=APPROVER, now=now)
    with pytest.raises(DatabaseError, match="frozen"):
        session.connection().exec_driver_sql(change)


def test_a_correction_is_a_new_version_with_its_reason(session: Session, now: datetime) -> None:
    first = service.publish(session, count(session, now).id, actor=APPROVER, now=now)
    with pytest.raises(BadInput, match="correction_reason"):
        count(session, now)
    second = count(session, now, note="late report of a giver")
    assert (second.version, second.state) == (2, ReportState.DRAFT)
    assert service.versions_of(session, second) == [second, first]


def test_a_published_month_says_what_has_come_or_changed_in_it_since(session: Session, now: datetime) -> None:
    giver = make.an_organisation(session)
    manager, home = _manager(giver), make.a_household(session)

    def receipt(number: str, fen: int) -> str:
        facts = PaperFacts(PaperKind.DONATION_RECEIPT, number, fen, date(2026, 10, 30))
        return papers.store(session, facts, actor=manager, now=now).id

    def aid(of: str, day: date, fen: int) -> LedgerEntry:
        entry = LedgerEntry(
            id=of, source="INSURANCE", source_index=of, household_id=home.id, org_id=giver.id, giver=giver.name,
            category="MEDICAL.MAJOR", units=fen, given_on=day, state=AidState.DELIVERED, created_at=now, updated_at=now,
        )  # fmt: skip
        session.add(entry)
        session.flush()
        return entry

    first, early = receipt("CQ-1", 700), aid("a", date(2026, 10, 5), 50)
    report = service.publish(session, count(session, now, org_id=giver.id, actor=manager).id, actor=manager, now=now)
    city = service.publish(session, count(session, now).id, actor=APPROVER, now=now)
    assert not service.changed_since(session, report)
    assert not service.changed_since(session, city)
    receipt("CQ-2", 5_000)
    aid("b", date(2026, 10, 31), 300)
    aid("c", date(2026, 11, 1), 9)
    found = service.changed_since(session, report)
    assert (found.came, found.came_fen, found.gone) == (2, 5_300, 0)
    papers.strike(session, first, reason_code="voided", actor=manager, now=now)
    early.units = 5
    session.add(early)
    session.flush()
    found = service.changed_since(session, report)
    assert (found.came, found.came_fen, found.gone) == (3, 5_305, 2), "changed: gone as it was, new as it is"
    assert service.changed_since(session, city).came == 2, "the city's report knows no receipts"
    newer = count(session, now, org_id=giver.id, actor=manager, note="late rows")
    assert not service.changed_since(session, report), "the newest version speaks"
    assert not service.changed_since(session, service.publish(session, newer.id, actor=manager, now=now))


def test_a_published_month_says_that_less_or_more_of_it_was_given_than_was_told_then(
    session: Session, now: datetime
) -> None:
    less, more, back = a_match(session), a_match(session, units=3, short_units=1), a_match(session)
    report = service.publish(session, count(session, now).id, actor=APPROVER, now=now)
    assert not service.changed_since(session, report)
    less.units, more.units = 1, 4
    back.state, back.delivered_at, back.updated_at = MatchState.RETURNED, None, now
    session.add_all((less, more, back))
    session.flush()
    found = service.changed_since(session, report)
    assert (found.came, found.gone) == (2, 2), "what came back altogether is told by the month in which it did"


def test_a_draft_counted_again_forgets_its_old_rows(session: Session, now: datetime) -> None:
    a_match(session)
    draft = count(session, now)
    again = count(session, now)
    assert again.id == draft.id
    assert len(session.exec(select(ReportRow).where(col(ReportRow.figure) == Figure.GIVEN)).all()) == 1


def test_a_month_that_runs_is_counted_but_not_published(session: Session, now: datetime) -> None:
    report = service.prepare(session, Month(2026, 11), org_id=None, actor=APPROVER, now=now)
    with pytest.raises(WrongState, match="month_runs"):
        service.publish(session, report.id, actor=APPROVER, now=now)
    with pytest.raises(WrongState, match="counted_too_early"):
        service.publish(session, report.id, actor=APPROVER, now=now + timedelta(days=30))


def test_small_groups_hide_from_those_who_see_numbers_only_and_a_lone_one_takes_another_along(
    session: Session, now: datetime
) -> None:
    for district, matches in (("500103", 12), ("500104", 11), ("500106", 3)):
        for _ in range(matches):
            a_match(session, district_code=district)
    parts = figures.parts(session, count(session, now), figure=Figure.GIVEN, by="district_code", small_hidden=True)
    assert {part.key: part.hidden for part in parts} == {"500103": False, "500104": True, "500106": True}
    assert all(part.rows == 0 for part in parts if part.hidden)


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "1999-01", "26-01", "2026-１"])
def test_a_month_written_otherwise_is_refused(text: str, now: datetime) -> None:
    with pytest.raises(BadInput, match="month_form"):
        read_month(text, now=now)


def test_a_month_that_has_not_begun_is_refused(now: datetime) -> None:
    assert read_month("2026-11", now=now) == Month(2026, 11)
    with pytest.raises(BadInput, match="month_ahead"):
        read_month("2026-12", now=now)


def test_a_year_is_the_sum_of_its_months_and_names_the_trust(session: Session, now: datetime) -> None:
    trust = make.an_organisation(
        session, kind=OrganisationKind.TRUST, trustee="示例信托公司", supervisor="示例律所", filing_ref="渝民信2026-1"
    )
    applied, refused = (
        make.an_organisation(session, state=state) for state in (OrganisationState.APPLIED, OrganisationState.REFUSED)
    )
    later = make.an_organisation(session, contract_from=date(2027, 1, 1))
    gone = make.an_organisation(session, state=OrganisationState.SUSPENDED, contract_to=date(2026, 6, 30))
    offer = make.an_offer(session, trust)
    for month, many in ((3, 2), (10, 3)):
        for _ in range(many):
            a_match(session, offer=offer, delivered_at=datetime(2026, month, 16, 4, 0, tzinfo=UTC))
    a_match(session, offer=offer, delivered_at=datetime(2025, 12, 31, 15, 59, tzinfo=UTC))
    manager = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=trust.id)
    facts = PaperFacts(PaperKind.DONATION_RECEIPT, "CQ-2026-1", 900_000, date(2026, 3, 1), offer.id)
    papers.store(session, facts, actor=manager, now=now)
    spring = datetime(2027, 1, 3, 2, 0, tzinfo=UTC)
    report = service.prepare(session, Year(2026), org_id=trust.id, actor=manager, now=spring)
    given = figures.totals(session, report)[Figure.GIVEN]
    months = figures.parts(session, report, figure=Figure.GIVEN, by="month")
    assert [(part.key, part.rows) for part in months] == [("2026-03", 2), ("2026-10", 3)]
    assert (given.rows, given.fen) == (5, 200_000)
    received = figures.totals(session, report)[Figure.RECEIVED]
    assert (received.rows, received.households, received.fen) == (1, 0, 900_000)
    assert (report.trustee, report.supervisor, report.filing_ref) == ("示例信托公司", "示例律所", "渝民信2026-1")
    service.publish(session, report.id, actor=manager, now=spring)
    rows = service.yearly_of_givers(session, yearly.last_year(spring), actor=APPROVER)
    assert [filed.id for giver, filed in rows if filed and giver.id == trust.id] == [report.id]
    assert not {applied.id, refused.id, later.id} & {giver.id for giver, _filed in rows}, "they were no givers of 2026"
    assert gone.id in {giver.id for giver, _filed in rows}, "suspended since, it still owes its year"
    with pytest.raises(NotFound):
        service.yearly_of_givers(session, Year(2026), actor=manager)


def test_a_year_is_published_only_when_it_is_over(session: Session, now: datetime) -> None:
    mine = a_match(session)
    manager = Actor(id="manager", role=Role.CHARITY_MANAGER, org_id=mine.org_id)
    report = service.prepare(session, Year(2026), org_id=mine.org_id, actor=manager, now=now)
    with pytest.raises(WrongState, match="month_runs"):
        service.publish(session, report.id, actor=manager, now=now)
    assert read_period("2026", now=now) == Year(2026)
    for text, code in (("2027", "month_ahead"), ("1999", "month_form"), ("20261", "month_form")):
        with pytest.raises(BadInput, match=code):
            read_period(text, now=now)


def test_results_are_counted_as_told_and_late_ones_as_missing(session: Session, now: datetime) -> None:
    told, silent = a_match(session), a_match(session)
    session.add(GiverResult(id="r", match_id=told.id, outcome="partly", minutes=25, told_by="g", created_at=INSIDE))
    holder = Holder(org_id=silent.org_id)
    clocks.start(session, "giver_result", f"result:{silent.id}", holder=holder, now=INSIDE)
    results.late(session, silent, INSIDE)
    report = count(session, now)
    parts = figures.parts(session, report, figure=Figure.RESULT, by="reason")
    assert sorted((part.key, part.rows) for part in parts) == [("missing", 1), ("partly", 1)]
    assert figures.effort(session, report).givers == figures.Told(25.0, 1, 2)
