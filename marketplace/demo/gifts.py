"""A draft in the demonstration, with the question what it would do asked and answered.

Enters: the database and its roster after the run. Leaves: one draft of the demonstration's charity and the rounded
answer of this week. Called by `demo.story`.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.demo.build import Roster
from marketplace.offers import drafts
from marketplace.offers.terms import Terms
from marketplace.proposals import gift


def ask_about_a_draft(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """200 winter food packs for the whole city, four for each household at most."""
    actor = roster.staff["demo-charity"]
    with database.transaction() as session:
        draft = drafts.start_draft(session, org_id=actor.org_id or "", actor=actor, now=now)
        drafts.save_answers(session, draft, answers=drafts.answers_of(_terms(local_day(now))), now=now)
        question = gift.question_of(drafts.terms_in(draft))
        assert question is not None
        row = gift.ask(session, question, actor=actor, now=now)
    gift.work(database, row.id, clock=lambda: now)


def _terms(today: date) -> Terms:
    return Terms(
        title="冬季食品包",
        category="LIVING.FOOD_PACK",
        stock_units=240,
        max_per_need=4,
        valid_to=today + timedelta(days=120),
        standard="每户一至四份",
        steps="街道通知，社区领取",
        rules="不收取任何费用",
    )
