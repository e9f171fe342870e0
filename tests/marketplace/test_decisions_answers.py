"""A giver's answers in bulk: ticked on the page and brought in by table; nothing half-saved, nothing done twice."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlmodel import Session, select

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions import answers, answers_table, results, service
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.sheet import matches_file
from marketplace.errors import BadInput, Conflict, NotAllowed
from tests.factories import NOW
from tests.marketplace.match_scene import Scene, a_scene
from tests.pages.people import client_as

ACCEPTED, DECLINED = MatchState.AWAITING_HOUSEHOLD, MatchState.DECLINED_GIVER


def scenes_of(session: Session, now, count: int = 3) -> list[Scene]:
    """Matches of one giver that wait for its answer."""
    first = a_scene(session, now=now)
    more = [a_scene(session, phone=f"1000000001{n}", organisation=first.organisation, now=now) for n in range(1, count)]
    for scene in (first, *more):
        scene.approved(session, now)
    return [first, *more]


def states(session: Session) -> list[MatchState]:
    return [match.state for match in session.exec(select(Match).order_by(Match.id))]


def filled_in(session: Session, scene: Scene, *replies: tuple[str, str]) -> bytes:
    """The giver's own table with answers written into it, in the order of the matches' numbers."""
    text = matches_file(session, "csv", actor=scene.giver, lang="zh", now=NOW).decode("utf-8-sig")
    head, *rows = csv.reader(io.StringIO(text))
    for row, (answer, reason) in zip(sorted(rows), replies, strict=True):
        row[head.index("答复")], row[head.index("婉拒原因")] = answer, reason
    out = io.StringIO()
    csv.writer(out).writerows([head, *sorted(rows)])
    return out.getvalue().encode()


def brought_in(session: Session, scene: Scene, data: bytes, now):
    return answers_table.check_file(session, data, file_name="a.csv", actor=scene.giver, now=now)


def test_the_table_that_goes_out_comes_back_with_answers(session, now):
    scene = scenes_of(session, now)[0]
    data = filled_in(session, scene, ("接受", ""), ("婉拒", "人手或余量不足"), ("", ""))
    batch, checked = brought_in(session, scene, data, now)
    assert not checked.faults
    assert states(session) == [MatchState.AWAITING_GIVER] * 3
    told = answers_table.confirm_import(session, batch.id, actor=scene.giver, now=now)
    assert told == {"new": 2, "accepted": 1, "declined": 1, "results": 0, "same": 0, "unanswered": 1}
    assert states(session) == [ACCEPTED, DECLINED, MatchState.AWAITING_GIVER]


def test_the_same_table_twice_changes_nothing(session, now):
    scene = scenes_of(session, now)[0]
    data = filled_in(session, scene, ("接受", ""), ("婉拒", "其他原因"), ("", ""))
    batch, _ = brought_in(session, scene, data, now)
    answers_table.confirm_import(session, batch.id, actor=scene.giver, now=now)
    before = [match.updated_at for match in session.exec(select(Match).order_by(Match.id))]
    batch, checked = brought_in(session, scene, data, now + timedelta(hours=1))
    assert not checked.faults
    assert (batch.counts["new"], batch.counts["same"], batch.counts["unanswered"]) == (0, 2, 1)
    answers_table.confirm_import(session, batch.id, actor=scene.giver, now=now + timedelta(hours=1))
    assert [match.updated_at for match in session.exec(select(Match).order_by(Match.id))] == before


def test_a_fault_names_row_and_column_and_holds_back_every_row(session, now):
    scene = scenes_of(session, now)[0]
    data = filled_in(session, scene, ("接受", ""), ("婉拒", ""), ("也许", ""))
    batch, checked = brought_in(session, scene, data, now)
    assert [(f.row, f.column, f.code) for f in checked.faults] == [(4, "答复", "not_in_list")]
    data = filled_in(session, scene, ("接受", ""), ("婉拒", ""), ("", ""))
    batch, checked = brought_in(session, scene, data, now)
    assert [(f.row, f.column, f.code) for f in checked.faults] == [(3, "婉拒原因", "decline_reason_missing")]
    with pytest.raises(Exception, match="import_faulty"):
        answers_table.confirm_import(session, batch.id, actor=scene.giver, now=now)
    assert states(session) == [MatchState.AWAITING_GIVER] * 3


def test_another_givers_match_is_unknown_and_a_changed_mind_is_a_fault(session, now):
    ours = scenes_of(session, now, count=1)[0]
    other = a_scene(session, phone="10000000099", now=now)
    theirs = other.approved(session, now)
    mine = session.exec(select(Match).where(Match.org_id == ours.organisation.id)).one()
    service.giver_accepts(session, mine.id, actor=ours.giver, now=now)
    data = f"匹配编号,答复,婉拒原因\n{theirs.id},接受,\n{mine.id},婉拒,其他原因\n".encode()
    _, checked = brought_in(session, ours, data, now)
    assert [(f.row, f.code) for f in checked.faults] == [(2, "unknown_match"), (3, "match_answered_otherwise")]


def test_the_same_table_brings_in_what_came_of_a_delivery_once(session, now):
    scene = scenes_of(session, now)[0]
    first, second, third = session.exec(select(Match).order_by(Match.id)).all()
    for one in (first, second):
        one.state, one.delivered_at, one.giver_answered_at = MatchState.DELIVERED, now, now
        session.add(one)
    session.flush()
    head = "匹配编号,帮扶结果,投入分钟\n"
    wrong = f"{head}{first.id},,30\n{second.id},部分达到,6001\n".encode()
    assert [f.code for f in brought_in(session, scene, wrong, now)[1].faults] == ["not_between"]
    wrong = f"{head}{first.id},,30\n{third.id},达到帮扶目的,\n".encode()
    assert [f.code for f in brought_in(session, scene, wrong, now)[1].faults] == ["minutes_without_result"]
    wrong = f"{head}{third.id},达到帮扶目的,\n".encode()
    assert [f.code for f in brought_in(session, scene, wrong, now)[1].faults] == ["result_before_delivery"]
    batch, checked = brought_in(session, scene, f"{head}{first.id},达到帮扶目的,30\n{second.id},2,\n".encode(), now)
    assert [f.code for f in checked.faults] == ["not_in_list"]
    batch, _ = brought_in(session, scene, f"{head}{first.id},达到帮扶目的,30\n{second.id},partly,\n".encode(), now)
    told = answers_table.confirm_import(session, batch.id, actor=scene.giver, now=now)
    assert (told["new"], told["results"], told["unanswered"]) == (2, 2, 0)
    kept = results.by_match(session, [first.id, second.id, third.id])
    assert {key: (row.outcome, row.minutes) for key, row in kept.items()} == {
        first.id: ("reached", 30),
        second.id: ("partly", None),
    }
    again = matches_file(session, "csv", actor=scene.giver, lang="zh", now=NOW)
    batch, checked = brought_in(session, scene, again, now)
    assert (checked.faults, batch.counts["new"], batch.counts["same"]) == ([], 0, 2)
    other = f"{head}{first.id},部分达到,30\n".encode()
    assert [f.code for f in brought_in(session, scene, other, now)[1].faults] == ["result_told_otherwise"]


def test_a_match_whose_consent_ended_is_named_before_anything_is_stored(session, now):
    scene = scenes_of(session, now, count=1)[0]
    data = filled_in(session, scene, ("接受", ""))
    _, checked = brought_in(session, scene, data, now + timedelta(days=800))
    assert [f.code for f in checked.faults] == ["match_without_consent"]


def test_what_moved_on_since_the_check_stops_the_whole_table(session, now):
    scene = scenes_of(session, now)[0]
    batch, _ = brought_in(session, scene, filled_in(session, scene, ("接受", ""), ("接受", ""), ("接受", "")), now)
    first = session.exec(select(Match).order_by(Match.id)).first()
    service.giver_declines(session, first.id, reason_code="other", actor=scene.giver, now=now)
    with pytest.raises(Conflict, match="import_changed"):
        answers_table.confirm_import(session, batch.id, actor=scene.giver, now=now)
    assert states(session) == [DECLINED, MatchState.AWAITING_GIVER, MatchState.AWAITING_GIVER]


def test_ticks_answer_many_and_leave_out_what_has_moved_on(session, now):
    scene = scenes_of(session, now)[0]
    ids = [match.id for match in session.exec(select(Match).order_by(Match.id))]
    service.giver_declines(session, ids[0], reason_code="other", actor=scene.giver, now=now)
    outcome = answers.accept_many(session, ids[:2], actor=scene.giver, now=now)
    assert (outcome.done, [e.code for e in outcome.excluded]) == ((ids[1],), ["match_moved_on"])
    answers.decline_many(session, ids[2:], reason_code="no_capacity", actor=scene.giver, now=now)
    assert states(session) == [DECLINED, ACCEPTED, DECLINED]
    with pytest.raises(BadInput, match="nothing_chosen"):
        answers.accept_many(session, [], actor=scene.giver, now=now)
    with pytest.raises(BadInput, match="reason_missing"):
        answers.decline_many(session, ids, reason_code="made up", actor=scene.giver, now=now)


def test_a_household_cannot_bring_in_answers(session, now):
    scene = scenes_of(session, now, count=1)[0]
    with pytest.raises(NotAllowed):
        answers_table.check_file(session, b"", file_name="a", actor=scene.household_actor, now=now)


@pytest.fixture
def giver(settings: Settings, sqlite_database: Database, now) -> FlaskClient:
    with sqlite_database.transaction() as session:
        scene = scenes_of(session, now)[0]
    app: Flask = create_app(settings, database=sqlite_database)
    return client_as(app, Role.CHARITY_WORKER, org_id=scene.organisation.id)


def ids_and_states(database: Database) -> tuple[list[str], list[MatchState]]:
    with database.reading() as session:
        matches = session.exec(select(Match).order_by(Match.id)).all()
        return [m.id for m in matches], [m.state for m in matches]


def test_the_page_shows_what_ticks_will_do_and_then_does_it(giver, sqlite_database):
    ids, _ = ids_and_states(sqlite_database)
    assert giver.get("/our-matches/").text.count("data-pick") == 3
    asked = giver.post("/our-matches/accept", data={"match": ids[:2]})
    assert "接受 2 项匹配" in asked.text
    assert ids_and_states(sqlite_database)[1] == [MatchState.AWAITING_GIVER] * 3
    assert giver.post("/our-matches/accept", data={"match": ids[:2], "confirmed": "yes"}).status_code == 303
    asked = giver.post("/our-matches/decline", data={"match": ids[2], "confirmed": "yes"})
    assert asked.status_code == 422
    giver.post("/our-matches/decline", data={"match": ids[2], "confirmed": "yes", "reason_code": "other"})
    assert ids_and_states(sqlite_database)[1] == [ACCEPTED, ACCEPTED, DECLINED]


def test_a_table_of_answers_is_checked_shown_and_stored_at_the_desk(giver, sqlite_database):
    ids, _ = ids_and_states(sqlite_database)
    data = f"Match,Answer\n{ids[0]},Accept\n{ids[1]},no\n".encode()
    where = giver.post("/our-matches/import", data={"file": (io.BytesIO(data), "a.csv")}).headers["Location"]
    assert "婉拒时需要写明原因" in giver.get(where).text
    data = f"Match,Answer,Reason\n{ids[0]},Accept,\n{ids[1]},no,other\n".encode()
    where = giver.post("/our-matches/import", data={"file": (io.BytesIO(data), "a.csv")}).headers["Location"]
    assert giver.post(f"{where}/confirm").status_code == 303
    assert ids_and_states(sqlite_database)[1] == [ACCEPTED, DECLINED, MatchState.AWAITING_GIVER]
