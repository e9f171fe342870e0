"""A meeting's sheet: who is on it and why, what its decisions become, and that it cannot change once it is closed."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import DatabaseError
from sqlmodel import Session, select

from marketplace.accounts import service as accounts
from marketplace.accounts.models import Account
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.db import Database
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.meetings import critical, duties, looking, named, packs, service
from marketplace.meetings.models import Meeting, MeetingRow, Verdict
from marketplace.meetings.service import Decision
from marketplace.needs.models import Need, NeedState
from marketplace.notices import Notice
from marketplace.proposals.models import Override, OverrideKind
from tests import factories as make
from tests.marketplace.test_overrides import a_shortage
from tests.marketplace.test_proposals import a_run, lines_of

APPROVER = Actor(id="approver-1", role=Role.APPROVER)
WHY = "会商决定"


@pytest.fixture
def short(database: Database, now: datetime) -> dict[str, str]:
    """Two needs of 10 packs, one more urgent than the other, 10 packs in stock, and a run that has served one."""
    with database.transaction() as session:
        urgent, calm, offer = a_shortage(session)
        ids = {"urgent": urgent.id, "calm": calm.id, "offer": offer.id}
    run = a_run(database, APPROVER, now)
    return {**ids, "run": run.id}


def an_officer(session: Session, now: datetime, **over: Any) -> Account:
    values: dict[str, Any] = {"display_name": "王主任", "role": Role.VERIFIER, "password": "long enough to test"}
    return accounts.create_account(session, over.pop("login", "officer"), now=now, **{**values, **over})


def call(session: Session, now: datetime, district: str = "", actor: Actor = APPROVER) -> Meeting:
    return service.call(session, district, actor=actor, now=now)


def decide(session: Session, meeting: Meeting, decision: Decision, now: datetime, number: int = 1) -> MeetingRow:
    return service.decide(session, meeting.id, number, decision, actor=APPROVER, now=now)


def test_one_press_puts_whom_the_run_left_on_the_sheet_with_its_blocker_and_shortfall(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        (row,) = service.rows_of(session, meeting, filters={})
        assert (meeting.run_id, meeting.row_count) == (short["run"], 1)
        assert (row.need_id, row.offer_id, row.remedy) == (short["calm"], short["offer"], packs.MORE)
        assert row.blocker in ("priced_out", "stock")
        assert row.remedy_units == row.open_units == 10
        (remedy,) = packs.best_remedies(session, meeting.id)
        assert (remedy.needs, remedy.units, remedy.category) == (1, row.remedy_units, "LIVING.FOOD_PACK")


def test_a_need_that_came_later_or_has_no_consent_is_unclaimed(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        willing, silent = (make.a_household(session, phone=f"1000000008{n}") for n in (1, 2))
        make.auto_match(session, willing)
        late, unasked = make.a_need(session, willing), make.a_need(session, silent)
        over = make.a_need(session, willing, urgency=3, valid_from=date(2026, 1, 1), valid_to=local_day(now))
        reader = Actor(id="approver-2", role=Role.APPROVER)
        assert over in critical.list_needs(session, actor=reader, now=now - timedelta(days=1))
        assert over not in critical.list_needs(session, actor=reader, now=now), "nobody can approve it any more"
        blockers = {row.need_id: row.blocker for row in service.rows_of(session, call(session, now), filters={})}
        assert blockers[late.id] == packs.CAME_LATER
        assert blockers[unasked.id] == packs.NO_YES
        assert not {short["urgent"], over.id} & set(blockers)


def test_the_remedy_that_serves_most_comes_first_and_goods_are_never_added_up(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    assert short
    with database.transaction() as session:
        meeting = call(session, now)
        values = {"kind": "zero", "need_id": short["calm"], "district_code": "500103", "urgency": 1, "open_units": 5}
        kinds = [("LIVING.FOOD_PACK", "PACK", 3), ("EDU.TUITION", "FEN", 100), ("EDU.TUITION", "FEN", 250)]
        for number, (category, unit, units) in enumerate(kinds, start=2):
            told = {"category": category, "unit": unit, "remedy": packs.MORE, "remedy_units": units}
            session.add(
                MeetingRow(meeting_id=meeting.id, number=number, blocker="stock", decided_at=None, **values, **told)
            )
        session.add(
            MeetingRow(
                meeting_id=meeting.id,
                number=9,
                blocker="no_yes",
                remedy=packs.CONSENT,
                category="EDU.TUITION",
                unit="FEN",
                **values,
            )
        )
        session.flush()
        found = {(row.remedy, row.category): (row.needs, row.units) for row in packs.best_remedies(session, meeting.id)}
        assert found[packs.MORE, "EDU.TUITION"] == (2, 350)
        assert found[packs.CONSENT, "EDU.TUITION"] == (1, 0)
        assert packs.best_remedies(session, meeting.id)[0].needs == 2


def test_a_pin_of_the_meeting_is_kept_by_the_next_run(database: Database, short: dict[str, str], now: datetime) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        row = decide(session, meeting, Decision(Verdict.PIN, WHY, short["offer"], 4), now)
        kept = session.get_one(Override, row.made_id)
        assert (kept.kind, kept.need_id, kept.units) == (OverrideKind.PIN, short["calm"], 4)
        service.close(session, meeting.id, actor=APPROVER, now=now)
    served = {line.need_id: line.units for line in lines_of(database, a_run(database, APPROVER, now))}
    assert served[short["calm"]] == 4


def test_a_ban_of_the_meeting_is_kept_by_the_next_run(database: Database, short: dict[str, str], now: datetime) -> None:
    with database.transaction() as session:
        session.get_one(Need, short["urgent"]).state = NeedState.CLOSED
        decide(session, call(session, now), Decision(Verdict.BAN, WHY, short["offer"]), now)
    assert lines_of(database, a_run(database, APPROVER, now)) == []


def test_whoever_verified_the_need_does_not_pin_for_it_at_the_meeting_either(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        same = Actor(id="verifier-1", role=Role.VERIFIER)
        decision = Decision(Verdict.PIN, WHY, short["offer"], 4)
        with pytest.raises(WrongState, match="verifier_overrides"):
            service.decide(session, meeting.id, 1, decision, actor=same, now=now)


def test_a_duty_waits_at_its_officer_with_a_clock_until_it_is_done(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    assert short
    with database.transaction() as session:
        officer = an_officer(session, now)
        actor = Actor(id=officer.id, role=Role.VERIFIER)
        meeting = call(session, now)
        due = date(2026, 12, 1)
        row = decide(session, meeting, Decision(Verdict.DUTY, "联系救助站", officer_id=officer.id, due_on=due), now)
        (duty,) = duties.open_of(session, actor, now=now)
        (clock,) = clocks.running_of(session, duty.id)
        assert (duty.id, duty.due_on, clocks.last_day(clock)) == (row.made_id, due, due)
        assert duties.count_open(session, APPROVER, now=now) == 0
        with pytest.raises(NotFound):
            duties.done(session, duty.id, outcome="好了", actor=APPROVER, now=now)
        duties.done(session, duty.id, outcome="已由救助站解决", actor=actor, now=now)
        assert duties.count_open(session, actor, now=now) == 0
        assert clocks.running_of(session, duty.id) == []


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"districts": ["500101"]}, "officer_unknown"),
        ({"role": Role.AUDITOR}, "officer_unknown"),
        ({"due_on": date(2026, 11, 22)}, "due_past"),
    ],
)
def test_a_duty_needs_a_colleague_of_the_district_and_a_day_to_come(
    database: Database, short: dict[str, str], now: datetime, over: dict[str, Any], code: str
) -> None:
    assert short
    with database.transaction() as session:
        officer = an_officer(session, now, **{name: value for name, value in over.items() if name != "due_on"})
        decision = Decision(Verdict.DUTY, WHY, officer_id=officer.id, due_on=over.get("due_on"))
        with pytest.raises(BadInput, match=code):
            decide(session, call(session, now), decision, now)


@pytest.mark.parametrize("verdict", [Verdict.GOVERNMENT, Verdict.CLOSED])
def test_a_need_that_government_covers_or_that_is_closed_leaves_the_queue(
    database: Database, short: dict[str, str], now: datetime, verdict: Verdict
) -> None:
    with database.transaction() as session:
        decide(session, call(session, now), Decision(verdict, WHY), now)
        need = session.get_one(Need, short["calm"])
        assert need.state is NeedState.CLOSED
        assert letters(session, need) == ["need_settled"]


def letters(session: Session, need: Need) -> list[str]:
    """What its household was told of its needs."""
    told = select(Notice.letter).where(Notice.household_id == need.household_id)
    return [one for one in session.exec(told.order_by(Notice.created_at)) if one.startswith("need_")]


def test_the_rest_of_a_partly_covered_need_that_nobody_claimed_stands_on_the_sheet_and_can_be_closed(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        need = session.get_one(Need, short["calm"])
        need.committed_units = 4
        session.add(need)
        session.flush()
        assert call(session, now).row_count == 0, "a part was given, and its window has not passed"
    with database.transaction() as session:
        service.close(session, session.exec(select(Meeting.id)).one(), actor=APPROVER, now=now)
        officer = an_officer(session, now)
        holder = clocks.Holder(account_id=officer.id, district_code="500103")
        clocks.start(session, "unclaimed", short["calm"], holder=holder, now=now)
        (row,) = service.rows_of(session, meeting := call(session, now), filters={})
        assert (row.need_id, row.open_units, row.blocker) == (short["calm"], 6, packs.REST_OPEN)
        assert named.officers_of(session, [row]) == {1: officer.id}
        decide(session, meeting, Decision(Verdict.CLOSED, WHY), now)
        assert clocks.running_of(session, short["calm"]) == []
        assert session.get_one(Need, short["calm"]).state is NeedState.CLOSED


def test_a_need_that_has_changed_since_the_sheet_was_called_is_not_closed_in_silence(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting, need = call(session, now), session.get_one(Need, short["calm"])
        for name, value, code in (("committed_units", 3, "need_committed"), ("state", NeedState.HELD, "need_changed")):
            before = getattr(need, name)
            setattr(need, name, value)
            session.add(need)
            session.flush()
            with pytest.raises(WrongState, match=code):
                decide(session, meeting, Decision(Verdict.CLOSED, WHY), now)
            setattr(need, name, before)


def test_what_a_meeting_writes_names_nobody_and_gives_a_reason(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    assert short
    with database.transaction() as session:
        meeting = call(session, now)
        for reason, code in ((" ", "reason_missing"), ("电话13800000000", "personal_in_text")):
            with pytest.raises(BadInput, match=code):
                decide(session, meeting, Decision(Verdict.CLOSED, reason), now)


def test_who_would_lose_is_tried_on_the_run_and_stays_on_the_row(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        trial = service.look_who_loses(session, meeting.id, 1, offer_id=short["offer"], units=4, actor=APPROVER)
        row = service.get_row(session, meeting, 1)
        # 10 packs, all with the more urgent need: 4 pinned elsewhere are 4 less for it.
        assert [(change.need.id, change.before - change.after) for change in trial.losers] == [(short["urgent"], 4)]
        assert (row.losers, row.losers_units, row.verdict) == (1, 4, "")
        assert session.exec(select(Override)).all() == []


@pytest.mark.both_engines
@pytest.mark.parametrize(
    "change", ["UPDATE meeting_row SET reason = 'x'", "DELETE FROM meeting_row", "DELETE FROM meeting"]
)
def test_a_closed_sheet_is_frozen_in_the_database_and_its_hash_holds(
    database: Database, short: dict[str, str], now: datetime, change: str
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        decide(session, meeting, Decision(Verdict.PIN, WHY, short["offer"], 4), now)
        service.close(session, meeting.id, actor=APPROVER, now=now)
    with database.transaction() as session:
        meeting = session.get_one(Meeting, meeting.id)
        assert service.hash_of(session, meeting) == meeting.sheet_sha256
        with pytest.raises(WrongState, match="meeting_closed"):
            decide(session, meeting, Decision(Verdict.CLOSED, WHY), now)
        row = service.get_row(session, meeting, 1)
        row.reason = "andere"
        with session.no_autoflush:
            assert service.hash_of(session, meeting) != meeting.sheet_sha256
        session.expire(row)
    with pytest.raises((DatabaseError, Conflict), match="frozen"), database.transaction() as session:
        session.connection().exec_driver_sql(change)


def test_a_row_is_decided_once_and_an_area_has_one_open_sheet(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    assert short
    with database.transaction() as session:
        meeting = call(session, now)
        decide(session, meeting, Decision(Verdict.CLOSED, WHY), now)
        with pytest.raises(WrongState, match="row_decided"):
            decide(session, meeting, Decision(Verdict.CLOSED, WHY), now)
        with pytest.raises(WrongState, match="meeting_open"):
            call(session, now)
        assert call(session, now, "500103").row_count == 0


def test_staff_of_one_district_neither_see_nor_fill_the_sheets_of_others(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    assert short
    near = Actor(id="near", role=Role.APPROVER, districts=frozenset({"500103"}))
    far = Actor(id="far", role=Role.APPROVER, districts=frozenset({"500101"}))
    with database.transaction() as session:
        for district in ("", "500103"):
            meeting = call(session, now, district)
            with pytest.raises(NotFound):
                service.get_meeting(session, meeting.id, actor=far)
        assert service.get_meeting(session, meeting.id, actor=near).row_count == 1
        assert service.list_meetings(session, actor=far, offset=0, limit=9) == ([], 0)
        with pytest.raises(NotFound):
            call(session, now, "", near)


def test_before_the_first_run_there_is_nothing_to_meet_on(database: Database, now: datetime) -> None:
    with database.transaction() as session, pytest.raises(BadInput, match="no_run"):
        call(session, now)


def test_one_press_tells_every_row_its_cheapest_remedy_and_who_would_lose(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        assert looking.look_all(session, meeting.id, actor=APPROVER, now=now) == 1
        row = service.get_row(session, meeting, 1)
        # All 10 packs are with the more urgent need: the calm one lacks 10 packs, each reckoned at its worth.
        assert (row.remedy, row.remedy_offer_id, row.remedy_units) == (packs.STOCK, short["offer"], 10)
        assert row.remedy_fen > 0
        urgent = session.get_one(Need, short["urgent"]).urgency
        assert (row.losers, row.losers_units, row.loser_urgency) == (1, 1, urgent)
        before = row.remedy_fen
        assert looking.look_all(session, meeting.id, actor=APPROVER, now=now) == 1
        assert row.remedy_fen == before


def test_who_became_unclaimed_while_a_sheet_is_open_comes_on_it_numbered_on_and_once(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        decide(session, meeting, Decision(Verdict.CLOSED, "家庭已搬走"), now)
        home = make.a_household(session, phone="10000000083")
        make.auto_match(session, home)
        late = make.a_need(session, home).id
        assert [service.add_new(session, meeting.id, actor=APPROVER, now=now) for _press in range(2)] == [1, 0]
        rows = service.rows_of(session, meeting, filters={})
        assert [(row.number, row.need_id, bool(row.verdict)) for row in rows] == [
            (1, short["calm"], True),
            (2, late, False),
        ]
        service.close(session, meeting.id, actor=APPROVER, now=now)
        assert (meeting.row_count, service.hash_of(session, meeting)) == (2, meeting.sheet_sha256)
        with pytest.raises(WrongState, match="meeting_closed"):
            service.add_new(session, meeting.id, actor=APPROVER, now=now)


def test_a_pin_taken_back_at_the_open_sheet_is_withdrawn_and_the_row_waits_again(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        decide(session, meeting, Decision(Verdict.PIN, WHY, short["offer"], 4), now)
        row = looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)
        assert (row.verdict, row.made_id, row.decided_at) == ("", "", None)
        assert [one.state.value for one in session.exec(select(Override))] == ["withdrawn"]
        with pytest.raises(WrongState, match="row_undecided"):
            looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)
        decide(session, meeting, Decision(Verdict.BAN, WHY, short["offer"]), now)
        service.close(session, meeting.id, actor=APPROVER, now=now)
        with pytest.raises(WrongState, match="meeting_closed"):
            looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)


def test_a_need_closed_at_the_sheet_opens_again_unless_it_has_changed_since(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        meeting = call(session, now)
        decide(session, meeting, Decision(Verdict.GOVERNMENT, WHY), now)
        assert session.get_one(Need, short["calm"]).state is NeedState.CLOSED
        looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)
        assert session.get_one(Need, short["calm"]).state is NeedState.VERIFIED
        assert sorted(letters(session, session.get_one(Need, short["calm"]))) == ["need_open_again", "need_settled"]
        now += timedelta(minutes=1)
        decide(session, meeting, Decision(Verdict.CLOSED, WHY), now)
        need = session.get_one(Need, short["calm"])
        need.state_reason = "expired"
        session.add(need)
        session.flush()
        with pytest.raises(WrongState, match="need_changed"):
            looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)


def test_a_duty_taken_back_leaves_its_officer_s_list_but_not_once_it_is_done(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    with database.transaction() as session:
        officer = an_officer(session, now)
        him = Actor(id=officer.id, role=Role.VERIFIER)
        meeting = call(session, now)
        decide(session, meeting, Decision(Verdict.DUTY, WHY, officer_id=officer.id), now)
        assert duties.count_open(session, him, now=now) == 1
        looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)
        assert duties.count_open(session, him, now=now) == 0
        row = decide(session, meeting, Decision(Verdict.DUTY, WHY, officer_id=officer.id), now)
        duties.done(session, row.made_id, outcome="已办", actor=him, now=now)
        with pytest.raises(WrongState, match="duty_over"):
            looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)


def test_an_officer_has_each_row_by_name_and_deciding_it_ends_the_clock_of_the_unclaimed_need(
    database: Database, short: dict[str, str], now: datetime
) -> None:
    def running(session: Session) -> list[str | None]:
        return [clock.account_id for clock in clocks.running_of(session, short["calm"])]

    with database.transaction() as session:
        finder, doer = an_officer(session, now, login="finder"), an_officer(session, now, login="doer")
        holder = clocks.Holder(account_id=finder.id, district_code="500103")
        clocks.start(session, "unclaimed", short["calm"], holder=holder, now=now)
        meeting = call(session, now)
        (row,) = service.rows_of(session, meeting, filters={})
        assert named.officers_of(session, [row]) == {1: finder.id}
        decide(session, meeting, Decision(Verdict.DUTY, "联系救助站", officer_id=doer.id), now)
        assert running(session) == []
        assert named.officers_of(session, [row]) == {1: doer.id}
        looking.undo(session, meeting.id, 1, actor=APPROVER, now=now)
        assert running(session) == [finder.id]
        service.close(session, meeting.id, actor=APPROVER, now=now)
        clocks.end(session, short["calm"], outcome="claimed", now=now)
        assert service.get_row(session, meeting, 1).officer_id == finder.id, "a frozen sheet says who it was"
        assert service.hash_of(session, meeting) == meeting.sheet_sha256
