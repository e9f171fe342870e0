"""All givers report to one ledger: by interface and by feed, each aid once; late reports become tasks, money stays."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from sqlmodel import Session, col, select

from adapters.fakes import FakePaymentFeed
from adapters.ports import PaymentRecord, TryAgainLater
from marketplace.actors import SYSTEM, Actor, Role
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.errors import NotAllowed
from marketplace.households.models import Household
from marketplace.households.register import source_index
from marketplace.ledger import hits, late_ends
from marketplace.ledger.handing_in import report_given
from marketplace.ledger.models import AidState, FeedCursor, HitState, LedgerEntry, OverlapHit
from marketplace.ledger.overlap import OverlapFound, refuse_overlap
from marketplace.ledger.reporting import pull_payments, take_in
from marketplace.sealed import vault_of
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, Scene, a_scene


def named(session: Session, scene: Scene) -> str:
    """The household gets a reference that outsiders use."""
    scene.household.source_index = source_index(vault_of(session), "test", "H-1")
    session.add(scene.household)
    session.flush()
    return "H-1"


def packs(**over: Any) -> dict[str, Any]:
    values = {
        "source_id": "R-1",
        "household_ref": "H-1",
        "category": "LIVING.FOOD_PACK",
        "units": 3,
        "given_on": "2026-11-10",
    }
    return {**values, **over}


def test_a_giver_reports_under_its_own_name_and_the_same_reference_is_one_aid(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    giver = make.an_organisation(session)
    first = report_given(session, [packs(giver="某基金会")], actor=make.as_giver(giver), now=now)
    again = report_given(session, [packs()], actor=make.as_giver(giver), now=now)
    changed = report_given(session, [packs(units=2)], actor=make.as_giver(giver), now=now)
    assert (first.new, again.same, changed.changed) == (1, 1, 1)
    row = session.exec(select(LedgerEntry).where(col(LedgerEntry.source) != "platform")).one()
    assert (row.giver, row.org_id, row.units) == (giver.name, giver.id, 2)


def test_a_faulty_record_is_named_and_the_sound_ones_are_stored(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    records = [packs(category="X"), packs(source_id="R-2"), packs(source_id="R-3", household_ref="H-9")]
    done = report_given(session, records, actor=make.as_giver(make.an_organisation(session)), now=now)
    assert (done.new, done.strangers) == (1, 1)
    assert [(fault.row, fault.column, fault.code) for fault in done.faults] == [(1, "category", "unknown_category")]


def test_staff_do_not_report_in_a_giver_s_name(session: Session, now: datetime) -> None:
    for actor in (APPROVER, SYSTEM):
        with pytest.raises(NotAllowed):
            report_given(session, [packs()], actor=actor, now=now)


def test_a_late_report_becomes_a_task_with_a_clock_and_what_was_given_is_left_alone(
    session: Session, now: datetime
) -> None:
    """We approved on the 23rd; the Red Cross tells then that it gave on the 10th: 13 days apart, not 180."""
    scene = a_scene(session)
    named(session, scene)
    match = scene.approved(session, now)
    done = report_given(session, [packs()], actor=make.as_giver(make.an_organisation(session)), now=now)
    assert done.contradicted == 1
    hit = session.exec(select(OverlapHit)).one()
    assert (hit.code, hit.place, hit.state) == ("D08", hits.REPORT, HitState.OPEN)
    assert match.ledger_entry_id in hit.because
    assert [clock.step for clock in clocks.running_of(session, hit.id)] == ["overlap_look"]
    entry = session.get_one(LedgerEntry, match.ledger_entry_id)
    assert (entry.state, entry.units) == (AidState.RESERVED, 10)
    hits.decide(session, hit.id, state=HitState.DUPLICATE, minutes=5, actor=APPROVER, now=now)
    assert clocks.running_of(session, hit.id) == []
    again = report_given(session, [packs(units=4)], actor=make.as_giver(make.an_organisation(session)), now=now)
    assert again.new == 1


def test_a_report_that_contradicts_nothing_makes_no_task(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    scene.approved(session, now)
    done = report_given(
        session, [packs(given_on="2026-01-02")], actor=make.as_giver(make.an_organisation(session)), now=now
    )
    assert (done.new, done.contradicted) == (1, 0)


def payment(number: int, **over: Any) -> PaymentRecord:
    cells = packs(source_id=f"P-{number}", programme="TEMPORARY_AID", payer="TEMPORARY_AID", giver="民政", **over)
    cells.pop("source_id")
    return PaymentRecord(f"P-{number}", cells)


def other_home(session: Session) -> Household:
    home = make.a_household(session)
    home.source_index = source_index(vault_of(session), "test", "H-2")
    session.add(home)
    session.flush()
    return home


@pytest.mark.parametrize(
    ("over", "column"), [({"payer": "COMMERCIAL_SUPPLEMENT"}, "payer"), ({"cause": "a mudslide"}, "cause")]
)
def test_a_correction_of_any_column_brings_the_row_up_to_date(
    session: Session, now: datetime, over: dict[str, str], column: str
) -> None:
    named(session, a_scene(session))
    told = {"source": "gov", "rule_id": "feed", "actor": SYSTEM, "now": now}
    take_in(session, [packs()], **told)
    assert take_in(session, [packs(**over)], **told).changed == 1
    row = session.exec(select(LedgerEntry).where(col(LedgerEntry.source) != "platform")).one()
    assert getattr(row, column) == over[column]


def test_aid_that_was_told_of_the_wrong_household_goes_to_the_right_one_and_its_task_ends(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        named(session, scene)
        scene.approved(session, now)
        right = other_home(session).id
        giver = make.as_giver(make.an_organisation(session))
        assert report_given(session, [packs()], actor=giver, now=now).contradicted == 1
    assert late_ends.end_gone(database, now=now) == 0
    with database.transaction() as session:
        done = report_given(session, [packs(household_ref="H-2")], actor=giver, now=now)
        assert (done.changed, done.contradicted) == (1, 0)
        row = session.exec(select(LedgerEntry).where(col(LedgerEntry.source) != "platform")).one()
        assert row.household_id == right
    assert late_ends.end_gone(database, now=now) == 1
    with database.reading() as session:
        hit = session.exec(select(OverlapHit)).one()
        assert hit.state is HitState.GONE
        assert clocks.running_of(session, hit.id) == []


def test_a_task_ends_by_itself_when_its_report_is_taken_back(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        scene = a_scene(session)
        named(session, scene)
        scene.approved(session, now)
        giver = make.as_giver(make.an_organisation(session))
        report_given(session, [packs()], actor=giver, now=now)
        report_given(session, [packs(state="returned")], actor=giver, now=now)
    assert late_ends.end_gone(database, now=now) == 1
    with database.transaction() as session:
        assert report_given(session, [packs()], actor=giver, now=now).contradicted == 1, "written back by mistake"
        hit = session.exec(select(OverlapHit)).one()
        assert hit.state is HitState.OPEN
        assert [clock.step for clock in clocks.running_of(session, hit.id)] == ["overlap_look"]


def test_a_task_stays_while_what_is_left_of_its_rows_still_breaks_the_rule(database: Database, now: datetime) -> None:
    """15,000 + 12,000 + 9,000 + 1,000 of 30,000 yuan: without the 1,000 still 36,000; without the 12,000 no more."""
    with database.transaction() as session:
        named(session, a_scene(session))
        giver = make.as_giver(make.an_organisation(session))
    days = {15_000: "2026-03-01", 12_000: "2026-06-01", 1_000: "2026-07-01", 9_000: "2026-01-10"}

    def told(yuan: int, **over: Any) -> None:
        kind = {"category": "MEDICAL.MAJOR", "units": yuan, "unit": "元", "cause": "C50"}
        with database.transaction() as session:
            row = packs(source_id=f"M-{yuan}", given_on=days[yuan], **kind, **over)
            report_given(session, [row], actor=giver, now=now)

    def tasks() -> dict[HitState, list[int]]:
        with database.reading() as session:
            hits_ = session.exec(select(OverlapHit).where(OverlapHit.code == "D04")).all()
            return {state: sorted(len(one.because) for one in hits_ if one.state is state) for state in HitState}

    for yuan in days:
        told(yuan)
    assert tasks()[HitState.OPEN] == [4]
    told(1_000, state="returned")
    assert late_ends.end_gone(database, now=now) == 0
    assert tasks()[HitState.OPEN] == [3]
    told(12_000, state="returned")
    late_ends.end_gone(database, now=now)
    assert (tasks()[HitState.OPEN], tasks()[HitState.GONE]) == ([], [3])


def test_two_rows_of_one_file_are_held_against_each_other_and_the_parts_of_one_are_not(
    session: Session, now: datetime
) -> None:
    """5 packs for the need and 5 under another reference on one day: twice in 180 days. 15 for a need of 10: once."""
    scene = a_scene(session)
    named(session, scene)
    scene.need.source_index = vault_of(session).index("need-source", "test\x00N-1")
    session.add(scene.need)
    giver = make.as_giver(make.an_organisation(session))
    whole = packs(source_id="R-0", need_source_id="N-1", units=15)
    assert report_given(session, [whole], actor=giver, now=now).contradicted == 0
    for part in session.exec(select(LedgerEntry).where(col(LedgerEntry.source) != "platform")):
        session.delete(part)
    session.flush()
    two = [packs(need_source_id="N-1", units=5), packs(source_id="R-2", units=5)]
    assert report_given(session, two, actor=giver, now=now).contradicted == 1


def test_a_decided_task_is_asked_again_only_when_its_facts_change(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    scene.approved(session, now)
    giver = make.as_giver(make.an_organisation(session))
    report_given(session, [packs()], actor=giver, now=now)
    hit = session.exec(select(OverlapHit)).one()
    hits.decide(session, hit.id, state=HitState.DUPLICATE, minutes=5, actor=APPROVER, now=now)
    assert report_given(session, [packs(cause="moved")], actor=giver, now=now).changed == 1
    assert session.get_one(OverlapHit, hit.id).state is HitState.DUPLICATE
    report_given(session, [packs(source_id="R-7", given_on="2026-11-12")], actor=giver, now=now)
    report_given(session, [packs(given_on="2026-11-13")], actor=giver, now=now)
    assert session.get_one(OverlapHit, hit.id).state is HitState.OPEN, "another row is behind it now"
    hits.decide(session, hit.id, state=HitState.DUPLICATE, minutes=1, actor=APPROVER, now=now)
    report_given(session, [packs(source_id="R-7", given_on="2026-11-12", state="returned")], actor=giver, now=now)
    report_given(session, [packs(given_on="2026-11-13", cause="again")], actor=giver, now=now)
    assert session.get_one(OverlapHit, hit.id).state is HitState.DUPLICATE, "one row less is settled with the rest"


def test_sums_count_whole_when_an_earlier_aid_is_told_late(session: Session, now: datetime) -> None:
    """One programme gave 15,000 and 12,000 yuan; 9,000 of an earlier day make 36,000 of 30,000 for a lifetime."""
    named(session, a_scene(session))
    giver = make.as_giver(make.an_organisation(session))

    def told(number: int, yuan: int, on: str) -> int:
        row = packs(source_id=f"M-{number}", category="MEDICAL.MAJOR", units=yuan, unit="元", given_on=on, cause="C50")
        return report_given(session, [row], actor=giver, now=now).contradicted

    assert [told(1, 15_000, "2026-03-01"), told(2, 12_000, "2026-06-01")] == [0, 0]
    assert told(3, 9_000, "2026-01-10") >= 1
    assert "D04" in {hit.code for hit in session.exec(select(OverlapHit))}


def test_a_single_aid_over_its_own_limit_is_found_though_nothing_was_given_before(
    session: Session, now: datetime
) -> None:
    """Fast small aid of 3,000 yuan where a month of the minimum living standard is 770."""
    named(session, a_scene(session))
    feed = FakePaymentFeed([payment(1, category="EMERGENCY.CASH", units=3_000, unit="元")])
    feed.payments[0].cells["programme"] = "FAST_SMALL_AID"
    done = take_in(
        session, [dict(feed.payments[0].cells, source_id="P-1")], source="gov", rule_id="feed", actor=SYSTEM, now=now
    )
    assert done.contradicted == 1
    assert [hit.code for hit in session.exec(select(OverlapHit))] == ["D14"]


def test_what_a_person_called_no_duplicate_stands_in_the_way_of_its_need_no_more(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    named(session, scene)
    report_given(session, [packs()], actor=make.as_giver(make.an_organisation(session)), now=now)
    asked: Any = {"org_id": make.an_organisation(session).id, "units": 10, "on": now.date(), "lock": False}
    with pytest.raises(OverlapFound) as stopped:
        refuse_overlap(session, scene.need, **asked)
    verdict = stopped.value.verdict
    refs = [row.ref for row in verdict.findings[0].because]
    met = hits.of_need(
        scene.need, code=verdict.code, place=hits.APPROVAL, units=10, because=refs, org_id=str(asked["org_id"])
    )
    kept = hits.keep(session, [met], actor=APPROVER, now=now)[0]
    hits.decide(session, kept.id, state=HitState.FALSE_ALARM, minutes=5, actor=APPROVER, now=now)
    assert refuse_overlap(session, scene.need, **asked).allowed == 10
    more = packs(source_id="R-9", given_on="2026-11-15")
    report_given(session, [more], actor=make.as_giver(make.an_organisation(session)), now=now)
    with pytest.raises(OverlapFound):
        refuse_overlap(session, scene.need, **asked)


def test_a_feed_is_read_page_by_page_each_payment_once_and_goes_on_after_a_fault(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        named(session, a_scene(session))
    feed = FakePaymentFeed([payment(n, category="EMERGENCY.CASH", units=100, unit="元") for n in range(5)], page_size=2)

    def pull() -> Any:
        return pull_payments(database, feed, source="gov", actor=SYSTEM, clock=lambda: now)

    assert pull().new == 5
    assert pull().new == 0
    feed.payments.append(payment(9, given_on="2026-11-22"))
    feed.faults.play(TryAgainLater("Busy.", code="busy"))
    with pytest.raises(TryAgainLater):
        pull()
    assert pull().new == 1
    with database.reading() as session:
        rows = session.exec(select(LedgerEntry).where(LedgerEntry.source == "gov")).all()
        assert len(rows) == 6
        assert {row.payer for row in rows} == {"TEMPORARY_AID"}
        assert session.get_one(FeedCursor, "gov").cursor == "6"


def test_a_feed_read_afresh_finds_the_payments_of_who_came_later(database: Database, now: datetime) -> None:
    feed = FakePaymentFeed([payment(n, category="EMERGENCY.CASH", units=100, unit="元") for n in range(3)], page_size=2)

    def pull(*, afresh: bool) -> Any:
        return pull_payments(database, feed, source="gov", actor=SYSTEM, clock=lambda: now, afresh=afresh)

    assert pull(afresh=False).strangers == 3
    with database.transaction() as session:
        named(session, a_scene(session))
    assert pull(afresh=False).new == 0
    assert pull(afresh=True).new == 3
    assert pull(afresh=True).same == 3


def test_two_government_payments_that_exclude_each_other_are_found_by_their_programmes(
    session: Session, now: datetime
) -> None:
    """A disability subsidy beside support for the destitute in one month (D18)."""
    scene = a_scene(session)
    named(session, scene)
    records = [
        packs(source_id=f"S-{n}", category="EMERGENCY.CASH", units=80, unit="元", programme=programme, cause=programme)
        for n, programme in enumerate(("TEKUN", "DISABILITY_LIVING"))
    ]
    done = take_in(session, records, source="gov", rule_id="feed", actor=SYSTEM, now=now)
    assert done.contradicted >= 1
    assert "D18" in {hit.code for hit in session.exec(select(OverlapHit))}


def told_of(session: Session, now: datetime, *records: dict[str, Any]) -> list[str]:
    named(session, a_scene(session))
    rows = [packs(source_id=f"S-{n}", unit="", **record) for n, record in enumerate(records)]
    assert take_in(session, rows, source="gov", rule_id="feed", actor=SYSTEM, now=now).faults == ()
    return sorted(hit.code for hit in session.exec(select(OverlapHit)))


@pytest.mark.parametrize(("second", "tasks"), [("MEDICAL.MAJOR", ["D13"]), ("EMERGENCY.CASH", ["D13"])])
def test_a_second_temporary_aid_for_an_illness_is_found_under_whatever_kind(
    session: Session, now: datetime, second: str, tasks: list[str]
) -> None:
    aid = {"payer": "TEMPORARY_AID", "programme": "TEMPORARY_AID", "cause": "ILLNESS"}
    first = {"category": "MEDICAL.MAJOR", "units": 900, **aid}
    assert told_of(session, now, first, {"category": second, "units": 800, **aid}) == tasks


@pytest.mark.parametrize(
    ("giver", "on", "tasks"),
    [("甲", "2026-10-20", []), ("乙", "2026-10-20", []), ("甲", "2026-11-05", []), ("乙", "2026-11-05", ["D09"])],
)
def test_hours_are_doubled_by_another_giver_in_the_same_month_only(
    session: Session, now: datetime, giver: str, on: str, tasks: list[str]
) -> None:
    meals = {"category": "CARE.MEAL", "units": 20}
    rows = ({**meals, "giver": giver, "given_on": on}, {**meals, "giver": "甲", "given_on": "2026-11-10"})
    assert told_of(session, now, *rows) == tasks


def test_only_the_house_and_verifiers_read_a_feed(database: Database, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        pull_payments(
            database,
            FakePaymentFeed(),
            source="gov",
            actor=Actor(id="c", role=Role.CHARITY_WORKER, org_id="o"),
            clock=lambda: now,
        )


def test_the_day_of_an_aid_never_lies_in_the_future(session: Session, now: datetime) -> None:
    scene = a_scene(session)
    named(session, scene)
    tomorrow = date(2026, 11, 24).isoformat()
    done = report_given(
        session, [packs(given_on=tomorrow)], actor=make.as_giver(make.an_organisation(session)), now=now
    )
    assert [fault.code for fault in done.faults] == ["date_in_future"]
