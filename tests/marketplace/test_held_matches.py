"""A match that a person must look at first: no file of the bank, no table and no tick stumbles over it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlmodel import Session, select

from adapters.tabular_writer import write_csv
from marketplace.appointments import outcomes
from marketplace.clocks import service as clocks
from marketplace.consent.ask import lock_all
from marketplace.db import Database
from marketplace.decisions import answers_table, holding, moves, seeing
from marketplace.decisions.models import MatchState
from marketplace.errors import BadInput, WrongState
from marketplace.notices import Notice
from marketplace.payments import files
from marketplace.payments import waiting as payment_waits
from marketplace.payments.models import BankResult, LineState
from marketplace.payments.open_matches import open_of_giver
from marketplace.proofs import evidence, slips, table
from tests.marketplace import visiting
from tests.marketplace.match_scene import a_scene
from tests.marketplace.payment_scene import APPROVER, a_month


@pytest.fixture
def session(sqlite_database: Database) -> Iterator[Session]:
    """A writing session on the embedded engine: what is told here no engine can change."""
    with sqlite_database.session(writes=True) as opened:
        yield opened
        opened.rollback()


def held(session: Session, match_id: str, now) -> None:
    assert holding.hold(session, match_id, cause="death", actor=APPROVER, now=now)


def test_a_grant_that_is_held_goes_into_no_batch_and_leaves_a_released_one(session, now):
    month = a_month(session, now, grants=2)
    first, second = month.grants
    batch = month.release(month.prepare())
    held(session, first.match.id, now)
    gone = files.settle(session, batch.id, actor=month.clerk, now=now)
    assert [(line.match_id, code) for line, code in gone] == [(first.match.id, "held")]
    shown = files.open_file(session, batch.id, form="csv", lang="en", actor=month.clerk, now=now)
    assert shown.lines == 1
    waiting = open_of_giver(session, month.organisation.id, now=now)
    assert [(one.match.id, one.blocker) for one in waiting] == [(first.match.id, "held")]
    assert second.match.id in {line.match_id for line in month.lines(batch) if line.state is LineState.WAITING}


def test_what_the_bank_paid_for_a_held_grant_is_kept_and_the_rest_of_its_file_counts(session, now):
    month = a_month(session, now, grants=2)
    first, second = month.grants
    lines = month.lines(month.sent())
    held(session, first.match.id, now)
    counts = month.answer([(line.reference, "paid", "") for line in lines])
    assert counts["paid"] == 2
    assert len(session.exec(select(BankResult)).all()) == 2
    assert {line.state for line in lines} == {LineState.PAID}
    assert (first.match.state, first.match.held_for) == (MatchState.IN_DELIVERY, "death")
    assert second.match.state is MatchState.DELIVERED


def test_a_table_of_deliveries_names_the_row_of_a_held_match_and_does_not_offer_it(session, now):
    first = a_scene(session)
    second = a_scene(session, phone="10000000002", organisation=first.organisation, offer=first.offer)
    one, two = first.in_delivery(session, now), second.in_delivery(session, now)
    held(session, one.id, now)
    data = write_csv(["发放编号"], [(slips.code_of(session, match),) for match in (one, two)])
    _batch, checked = table.check_file(session, data, file_name="a.csv", actor=first.giver, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(2, "match_held")]
    offered = table.open_lines(session, actor=first.giver, lang="en")
    _batch, checked = table.check_file(session, offered, file_name="a.xlsx", actor=first.giver, now=now)
    assert checked.faults == []


def test_ticks_with_a_held_match_among_them_record_nothing_and_say_why(session, now):
    first = a_scene(session)
    second = a_scene(session, phone="10000000002", organisation=first.organisation, offer=first.offer)
    ids = [first.in_delivery(session, now).id, second.in_delivery(session, now).id]
    held(session, max(ids), now)
    with pytest.raises(BadInput, match="ticked_held"):
        evidence.hand_over_many(session, ids, actor=first.giver, now=now)
    assert evidence.hand_over_many(session, [min(ids)], actor=first.giver, now=now) == 1


def test_a_table_of_answers_names_the_row_of_a_held_match(session, now):
    scene = a_scene(session)
    match = scene.approved(session, now)
    held(session, match.id, now)
    data = f"匹配编号,答复,婉拒原因\n{match.id},接受,\n".encode()
    _batch, checked = answers_table.check_file(session, data, file_name="a.csv", actor=scene.giver, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(2, "match_held")]


def steps_of(session: Session, match_id: str) -> list[str]:
    return [clock.step for clock in clocks.running_of(session, match_id)]


def test_no_visit_is_planned_or_recorded_while_a_person_looks_and_the_review_keeps_its_clock(session):
    scene = visiting.a_scene(session)
    (one,) = visiting.agreed(session, scene)
    held(session, scene.match.id, visiting.NOW)
    with pytest.raises(WrongState, match="match_held"):
        outcomes.record_done(session, one.id, minutes=120, content="HOMEWORK", actor=scene.manager, now=one.ends_at)
    with pytest.raises(WrongState, match="match_held"):
        visiting.proposed(session, scene)
    moves.wait(session, scene.match, outcome="served_part", now=one.ends_at)
    assert steps_of(session, scene.match.id) == ["match_review"]
    holding.release(session, scene.match.id, actor=APPROVER, now=one.ends_at)
    assert steps_of(session, scene.match.id) == ["deliver"]


def test_a_payment_that_is_not_made_again_is_not_late_while_a_person_looks(session, now):
    month = a_month(session, now, grants=1)
    (line,) = month.lines(month.sent())
    month.answer([(line.reference, "failed", "bank_busy")])
    match = month.grants[0].match
    held(session, match.id, now)
    payment_waits.CONSEQUENCES[payment_waits.AGAIN](session, match, now)
    assert steps_of(session, payment_waits.ref_of(match.id)) == []
    assert steps_of(session, match.id) == ["match_review"]
    assert "delivery_late" not in session.exec(select(Notice.letter)).all()


@pytest.mark.threat("T24")
@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_look_that_began_before_a_hold_and_comes_after_it_sees_nothing(database: Database, now, monkeypatch):
    with database.transaction() as session:
        scene = a_scene(session, now=now)
        match_id, home = scene.in_delivery(session, now).id, scene.household.id
    read = seeing.get_match

    def read_and_be_late(session: Session, wanted: str, **told):
        found = read(session, wanted, **told)
        with database.transaction() as other:
            lock_all(other, home)
            held(other, wanted, now)
        return found

    monkeypatch.setattr(seeing, "get_match", read_and_be_late)
    with database.transaction() as session, pytest.raises(WrongState, match="match_held"):
        seeing.see_recipient(session, match_id, actor=scene.giver, now=now)
