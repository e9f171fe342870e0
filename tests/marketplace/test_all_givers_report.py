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
from marketplace.households.register import source_index
from marketplace.ledger import hits
from marketplace.ledger.models import AidState, FeedCursor, HitState, LedgerEntry, OverlapHit
from marketplace.ledger.reporting import pull_payments, report_given
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
    done = report_given(session, records, actor=make.as_giver(make.an_organisation(session)), now=now)
    assert done.contradicted >= 1
    assert "D18" in {hit.code for hit in session.exec(select(OverlapHit))}


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
