"""The steps before a match have clocks: a consent to record, a need to publish, proposed lines to decide on."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.clocks.models import Clock
from marketplace.consent import service as consent
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import beginning
from marketplace.needs.models import NeedState
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene


def running(database: Database) -> list[tuple[str, str]]:
    """(step, object) of every running clock."""
    with database.reading() as session:
        wanted = select(Clock.step, Clock.object_ref).where(col(Clock.ended_at).is_(None))
        return sorted(session.exec(wanted).all())


def test_a_household_with_an_open_need_and_no_word_about_matching_is_to_be_asked_until_it_has_spoken(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        silent, refusing = (
            make.a_household(session, phone="10000000001"),
            make.a_household(session, phone="10000000002"),
        )
        for household in (silent, refusing):
            make.a_need(session, household)
        consent.refuse_auto_match(
            session, refusing, actor=make.as_household(refusing), now=now, capture=consent.Capture()
        )
    assert beginning.look(database, now=now) == 1
    assert running(database) == [("record_consent", silent.id)]
    assert beginning.look(database, now=now) == 0, "to look twice changes nothing"
    with database.transaction() as session:
        make.auto_match(session, silent, now=now)
    assert beginning.look(database, now=now) == 1
    assert running(database) == []
    lapsed = now + timedelta(days=4000)
    assert beginning.look(database, now=lapsed) == 1, "a consent that ran out is asked for again"


def test_a_need_waits_to_be_published_until_somebody_verified_or_refused_it(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        make.auto_match(session, household)
        calm = make.a_need(session, household, state=NeedState.UNVERIFIED, cause="A")
        held = make.a_need(session, household, state=NeedState.HELD, cause="B", urgency=3)
        refs = {calm.id, held.id}
    beginning.look(database, now=now)
    assert {ref for step, ref in running(database) if step == "publish"} == refs
    with database.transaction() as session:
        due = dict(session.exec(select(Clock.object_ref, Clock.due_at)).all())
        assert due[held.id] < due[calm.id], "a critical need has the shorter limit"
        for need in (calm, held):
            need = session.merge(need)
            need.state = NeedState.VERIFIED if need.id == calm.id else NeedState.REFUSED
            session.add(need)
    beginning.look(database, now=now)
    assert [step for step, _ref in running(database) if step == "publish"] == []


def test_undecided_lines_of_a_run_and_district_share_one_clock_and_critical_ones_have_their_own(
    database: Database, now: datetime
) -> None:
    with database.transaction() as session:
        scenes = [a_scene(session, phone=f"1000000000{n}", urgency=urgency) for n, urgency in enumerate((1, 2, 3))]
        for scene in scenes:
            scene.line.run_id = scenes[0].line.run_id
            session.add(scene.line)
        run_id, district = scenes[0].line.run_id, scenes[0].line.district_code
        lines = [scene.line.id for scene in scenes]
    beginning.look(database, now=now)
    calm, urgent = (beginning.lines_ref(run_id, district, urgent=kind) for kind in (False, True))
    assert running(database) == [("first_approval", calm), ("first_approval", urgent)]

    def decide(session: Session, *ids: str) -> None:
        assert len(approval.approve(session, ids, actor=APPROVER, now=now).approved) == len(ids)

    with database.transaction() as session:
        decide(session, lines[0], lines[2])
    beginning.look(database, now=now)
    assert [ref for step, ref in running(database) if step == "first_approval"] == [calm]
    with database.transaction() as session:
        decide(session, lines[1])
    beginning.look(database, now=now)
    assert [ref for step, ref in running(database) if step == "first_approval"] == []
