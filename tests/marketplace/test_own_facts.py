"""What the house knows itself reaches the rules once a day, and what is over is told as nought."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from marketplace.accounts import service as accounts
from marketplace.accounts import ties
from marketplace.accounts.models import StaffTie
from marketplace.actors import Actor, Role
from marketplace.boards import own_facts
from marketplace.calendar import local_day
from marketplace.cases import supervision
from marketplace.cases.models import CaseStep
from marketplace.clocks import service as clocks
from marketplace.db import Database, new_id
from marketplace.households.models import Household
from marketplace.ledger.hits import REPORT
from marketplace.ledger.models import HitState, OverlapHit
from marketplace.liveness.models import SurvivalDuty
from marketplace.signals import sweeping
from marketplace.signals.models import Fact, TaskKind
from marketplace.signals.rules import active_rules
from marketplace.visits import service as visits
from tests.marketplace.signal_scene import CLERK, a_home, a_number, at_work, head
from tests.marketplace.test_cases import send


def amounts(session: Session) -> dict[str, int]:
    """Kind ► amount of what stands now."""
    standing = select(Fact.kind, Fact.amount).where(Fact.feed == "PLATFORM", col(Fact.replaced_day).is_(None))
    return dict(session.exec(standing).all())


def met(session: Session, *codes: str, now: datetime) -> list[tuple[str, int]]:
    """Rule ► how many meet it."""
    rules = at_work(session, *codes, now=now)
    return [(rule.code, len(sweeping.units_of(session, rule, on=local_day(now)))) for rule in rules]


def a_duty(home: Household, person_id: str, now: datetime) -> SurvivalDuty:
    return SurvivalDuty(
        id=new_id(),
        person_id=person_id,
        household_id=home.id,
        district_code=home.district_code,
        kind="DIBAO",
        next_on=local_day(now) - timedelta(days=37),
        begun_by="clerk",
        begun_at=now,
    )


def a_hit(home: Household, now: datetime, *, state: HitState) -> OverlapHit:
    told = {"code": "D08", "place": REPORT, "subject": new_id(), "category": "LIVING.GOODS", "units": 1, "value_fen": 1}
    return OverlapHit(
        id=new_id(),
        household_id=home.id,
        district_code=home.district_code,
        because=[],
        state=state,
        created_at=now,
        **told,
    )


def test_an_overdue_check_and_aid_given_twice_meet_their_rules_until_they_are_over(
    sqlite_database: Database, now: datetime
) -> None:
    clock = [now]
    daily = own_facts.Daily(sqlite_database, clock=lambda: clock[0])
    assert daily() == 0
    clock[0] = now + timedelta(days=1)
    with sqlite_database.transaction() as session:
        homes = [a_home(session, numbers=(a_number(),), now=now) for _n in range(2)]
        duty = a_duty(homes[0], head(session, homes[0]).id, now)
        session.add(duty)
        session.add(a_hit(homes[0], now, state=HitState.OPEN))
        session.add(a_hit(homes[1], now, state=HitState.FALSE_ALARM))
    assert (daily(), daily()) == (2, 0)
    with sqlite_database.transaction() as session:
        # 38 days overdue on the second day are told as 30
        assert amounts(session) == {"LIVENESS_OVERDUE": 30, "DOUBLE_AID": 1}
        assert met(session, "W27", "W29", now=clock[0]) == [("W27", 1), ("W29", 1)]
        held = session.get_one(SurvivalDuty, duty.id)
        held.next_on = local_day(now) + timedelta(days=300)
        session.add(held)
        clean = session.exec(select(OverlapHit).where(OverlapHit.household_id == homes[0].id)).one()
        clean.state = HitState.FALSE_ALARM
        session.add(clean)
    clock[0] = now + timedelta(days=2)
    assert daily() == 2
    with sqlite_database.transaction() as session:
        assert amounts(session) == {"LIVENESS_OVERDUE": 0, "DOUBLE_AID": 0}
        rules = active_rules(session)
        assert [sweeping.units_of(session, rule, on=local_day(clock[0])) for rule in rules] == [[], []]


def test_kin_of_staff_are_told_while_the_tie_stands_and_seen_by_two(session: Session, now: datetime) -> None:
    number = a_number()
    home, _other = (a_home(session, numbers=(one,), now=now) for one in (number, a_number()))
    account = accounts.create_account(session, "kin-of", display_name="张工", role=Role.WORKER, now=now)
    officer = Actor(id=account.id, role=Role.WORKER)
    tie = ties.declare(session, number, reference="母亲", actor=officer, now=now)
    own_facts.tell(session, actor=CLERK, now=now)
    assert amounts(session) == {"KIN_OF_STAFF": 1}
    assert met(session, "W28", now=now) == [("W28", 1)]
    sweeping.sweep(session, actor=CLERK, now=now)
    other = accounts.create_account(session, "not-kin", display_name="李工", role=Role.VERIFIER, now=now)
    goes = Actor(id=other.id, role=Role.VERIFIER)
    visit = visits.from_alert(session, home.id, TaskKind.VISIT, actor=goes, now=now)
    assert (visit.cause, visit.two) == ("KIN", True)
    ties.untie(session, tie.id, actor=officer, now=now)
    own_facts.tell(session, actor=CLERK, now=now)
    assert amounts(session) == {"KIN_OF_STAFF": 1}
    session.delete(session.get_one(StaffTie, tie.id))  # as `ties.forget` does once it has counted on for long enough
    own_facts.tell(session, actor=CLERK, now=now)
    assert amounts(session) == {"KIN_OF_STAFF": 0}


def test_a_step_that_climbed_the_ladder_is_told_with_its_share_and_ends_with_the_step(
    sqlite_database: Database, now: datetime
) -> None:
    later = now + timedelta(days=9)
    with sqlite_database.transaction() as session:
        send(session, now)
        clocks.due_reminders(session, now=later)
    supervision.climb(sqlite_database, now=later)
    with sqlite_database.transaction() as session:
        assert own_facts.tell(session, actor=CLERK, now=later) >= 1
        assert amounts(session)["STEP_SHARE"] >= 80
        assert met(session, "W30", now=later) == [("W30", 1)]
        for step in session.exec(select(CaseStep)):
            step.ended_at = later
            session.add(step)
        session.flush()
        own_facts.tell(session, actor=CLERK, now=later)
        assert amounts(session)["STEP_SHARE"] == 0


def test_a_visit_is_told_once_and_a_call_is_none(session: Session, now: datetime) -> None:
    homes = [a_home(session, numbers=(a_number(),), now=now) for _n in range(2)]
    for home, kind in zip(homes, (TaskKind.VISIT, TaskKind.CALL), strict=True):
        visit = visits.ask(session, home.id, "QUOTA", ref="", kind=kind, actor=CLERK, now=now)
        visits.finish(session, visit, "REACHED_FINE", actor=CLERK, now=now)
    own_facts.tell(session, actor=CLERK, now=now)
    seen = session.exec(select(Fact).where(Fact.kind == "VISIT")).one()
    assert (seen.household_id, seen.day) == (homes[0].id, local_day(now).toordinal())
