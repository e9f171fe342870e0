"""Households without a page: an application taken down, one half done, a spoken yes to ask again, a letter with a slip.

What enters: the city after its deliveries. What leaves: rows on every page of the counter and of answers, made by the
ordinary services with the ordinary actors. Called by the story.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import select

from marketplace.actors import Role
from marketplace.answers import service as answers
from marketplace.answers import slips
from marketplace.cases import counter, service
from marketplace.cases.models import Case
from marketplace.db import Database
from marketplace.decisions.models import MatchState
from marketplace.demo.applications import ANSWERS
from marketplace.demo.build import Roster
from marketplace.demo.waiting import matches_in
from marketplace.households.service import list_people
from marketplace.readback.models import SignedBy
from marketplace.readback.service import Heard, Script

TEXT = Script("offer", 1, "zh_Hans", ("有一家机构愿意帮助您。", "拒绝没有任何损失。您怎么说？"))
CALL = Heard("call", SignedBy.SPOKEN, "chongqing", TEXT, shown=TEXT.sha256, evidence="录音（演示）")


def take_down(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """The worker of the demonstration takes down what people of its district say."""
    worker = next(one for one in roster.staff.values() if one.role is Role.WORKER)
    with database.transaction() as session:
        for match in answers.waiting(session, actor=worker, limit=1):
            slips.make_slip(session, match.id, TEXT, actor=worker, now=now)
        waiting = matches_in(session, MatchState.AWAITING_HOUSEHOLD)
        apply_already = set(session.exec(select(Case.household_id)))  # their draft would only be opened again
        free = [match for match in waiting if match.household_id not in apply_already]
        ours = [match for match in free if worker.serves(match.district_code)][:5]
        for place, match in enumerate(ours):
            if place == 1:
                answers.say(session, match.id, answers.ACCEPT, CALL, actor=worker, now=now)
            elif place in (2, 3):
                person = list_people(session, match.household_id)[0]
                case = service.start(
                    session, match.household_id, channel="call", subject_id=person.id, actor=worker, now=now
                )
                counter.take_down(session, case, ANSWERS, actor=worker, now=now)
                if place == 3:
                    switches = {"all_classes": True, "hand_on": True}
                    counter.read_and_send(session, case, CALL, name="已签名", actor=worker, now=now, **switches)
