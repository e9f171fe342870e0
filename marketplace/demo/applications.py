"""A few households apply: one is late, one owes papers, one hangs on a public notice, one was refused, one helped fast,
and one asked for three things of three other departments at once.

What enters: the city after its deliveries. What leaves: cases in every state, made by the ordinary services with the
ordinary actors some weeks before. Called by the story.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlmodel import Session, col, select

from marketplace import wiring
from marketplace.actors import PUBLIC, Actor
from marketplace.cases import departments, notice, outcome, service, steps, supervision, uploads
from marketplace.cases.models import Case, CaseItem, CaseState, ItemState
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.demo.waiting import household_actor
from marketplace.households.models import Household

DAY = timedelta(days=1)
ANSWERS: dict[str, Any] = {"wants": ["living", "illness"], "size": 2, "income_fen": 90_000, "medical_fen": 3_500_000}
SUDDEN: dict[str, Any] = {"wants": ["accident"], "size": 1, "income_fen": 0, "ticks": ["sudden"]}

THREE: dict[str, Any] = {
    "wants": ["illness", "housing", "work"],
    "size": 3,
    "income_fen": 900_000,
    "savings_fen": 90_000_000,
    "medical_fen": 4_200_000,
    "ticks": ["unsafe_house"],
}
"""Too well off for a class of the register, so that nothing waits for one."""
ANSWERED = {"HUD": 1, "HRSS": 3, "HSA": 6}
"""Department ► after how many days it answers: not in the order in which the items stand on the page."""
NOTICED = 60_000
"""What the public notice names, in fen."""


def apply(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Play them; the first is the household as which the demonstration signs in."""
    clerk, approver = roster.staff["demo-verifier"], roster.staff["demo-approver"]
    with database.transaction() as session:
        homes = _homes(session)
        if len(homes) < 5:
            return
        late = _send(session, homes[0], ANSWERS, now=now - 40 * DAY)
        _stop(session, late, clerk, now=now - 30 * DAY)
        noticed = _send(session, homes[1], ANSWERS, now=now - 12 * DAY)
        for _step in range(3):
            item = _item(session, noticed, "DIBAO")
            steps.finish(session, item.id, opinion="for", amount_fen=NOTICED, actor=clerk, now=now - 2 * DAY)
        hung = notice.list_notices(session, homes[1].district_code, now=now)
        if hung:
            words = "他家儿子在外面开有铺子。"
            notice.object_to(session, hung[0].item_id, words, actor=PUBLIC, now=now)
        fast = _send(session, homes[2], SUDDEN, now=now - 2 * DAY)
        item = _item(session, fast, "LINSHI")
        outcome.decide(session, item.id, granted=True, amount_fen=60_000, actor=clerk, now=now - DAY)
        refused = _send(session, homes[3], SUDDEN, now=now - 35 * DAY)
        item = _item(session, refused, "LINSHI")
        told: dict[str, Any] = {"reason": "not_true", "late_cause": "hard_check"}
        outcome.decide(session, item.id, granted=False, actor=clerk, now=now - 31 * DAY, **told)
        again = service.start(session, homes[0].id, actor=household_actor(session, homes[0].id), now=now)
        service.save(session, again, {"wants": ["housing"]}, actor=household_actor(session, homes[0].id), now=now)
        _half_sent(session, again, now=now)
        last = f"{(now - 31 * DAY):%Y-%m}"
        supervision.publish(session, last, actor=approver, now=now)


def ask_three_departments(database: Database, /, *, now: datetime) -> None:
    """One application, pushed to three departments, which answer one after the other; another household's stays."""
    begun = now - 9 * DAY
    with database.transaction() as session:
        homes = _homes(session)
        if len(homes) < 5:
            return
        _send(session, homes[4], THREE, now=begun)
    settings: Settings = database.info["settings"]
    today = [begun]
    doors = {
        code: wiring.item_doors_of(settings, after=days * DAY, clock=lambda: today[0])[code]
        for code, days in ANSWERED.items()
    }
    while today[0] < now:
        departments.sweep(database, doors, clock=lambda: today[0])
        today[0] += DAY


def _half_sent(session: Session, case: Case, /, *, now: datetime) -> None:
    """A photo whose network broke after the first piece."""
    me, begun = household_actor(session, case.household_id), b"the first piece"
    digest = sha256(b"a photo that never came whole").hexdigest()
    row = uploads.begin(session, case.id, size=200_000, digest=digest, actor=me, now=now)
    uploads.add_piece(session, row.id, begun, start=0, actor=me, now=now)


def _homes(session: Session) -> list[Household]:
    """Households with an offer to answer, the one that the demonstration signs in as before all others."""
    waiting = select(Match.household_id).where(col(Match.state) == MatchState.AWAITING_HOUSEHOLD)
    ids = dict.fromkeys(session.exec(waiting.order_by(col(Match.id))))
    return [session.get_one(Household, home) for home in list(ids)[:6]]


def _send(session: Session, home: Household, answers: dict[str, Any], *, now: datetime) -> Case:
    me = household_actor(session, home.id)
    case = service.start(session, home.id, actor=me, now=now)
    service.save(session, case, answers, actor=me, now=now)
    service.sign(session, case, "已签名", all_classes=True, hand_on=True, actor=me, now=now)
    service.submit(session, case, actor=me, now=now)
    return case


def _item(session: Session, case: Case, code: str) -> CaseItem:
    return session.exec(select(CaseItem).where(CaseItem.case_id == case.id, CaseItem.code == code)).one()


def _stop(session: Session, case: Case, clerk: Actor, *, now: datetime) -> None:
    """The first running item of a case waits for papers; the others run on and are late."""
    running = [one for one in service.list_items(session, case.id) if one.state is ItemState.RUNNING]
    if len(running) > 1 and case.state is CaseState.OPEN:
        steps.stop(session, running[-1].id, missing="住院费用清单、出院记录", actor=clerk, now=now)
