"""One application on the server engine as well: taken down at the counter, noticed, granted, its register and check;
and an offer answered by text message."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlmodel import Session

from adapters.sms_in import IncomingSms
from marketplace.answers import slips, sms
from marketplace.cases import counter, outcome, service
from marketplace.cases.models import ItemState
from marketplace.decisions.models import MatchState
from marketplace.households import categories
from marketplace.liveness.duties import duties_of
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_answers import FIRST, PHONE, TEXT
from tests.marketplace.test_cases import APPROVER, POOR, WORKER, walk
from tests.marketplace.test_counter import HEARD, NUMBER

pytestmark = pytest.mark.both_engines


@pytest.mark.parametrize("shared_database", ["postgres"], indirect=True)
def test_an_application_goes_from_the_counter_to_the_grant_on_postgresql(session: Session, now: datetime) -> None:
    who = counter.Newcomer("王小明", NUMBER, "500103")
    home = counter.enter_newcomer(session, who, actor=WORKER, now=now)
    case = service.start(session, home, channel="counter", actor=WORKER, now=now)
    counter.take_down(session, case, POOR, actor=WORKER, now=now)
    given = {"name": "王小明", "all_classes": True, "hand_on": True}
    items = counter.read_and_send(session, case, HEARD, actor=WORKER, now=now, **given)  # type: ignore[arg-type]
    item = next(one for one in items if one.code == "DIBAO")
    day = walk(session, item, now)
    outcome.decide(session, item.id, granted=True, amount_fen=104_000, actor=APPROVER, now=day)
    assert item.state is ItemState.GRANTED
    assert "IN_REGISTER" in {spell.category for spell in categories.list_spells(session, home)}
    assert duties_of(session, case.subject_id)


@pytest.mark.parametrize("shared_database", ["postgres"], indirect=True)
def test_a_text_message_accepts_an_offer_on_postgresql(session: Session, now: datetime) -> None:
    match = a_scene(session, now=now).taken_on(session, now)
    row = slips.make_slip(session, match.id, TEXT, actor=FIRST, now=now)
    message = IncomingSms(1, PHONE, f"1 {slips.code_text(session, row.id)}")
    assert sms.take(session, message, now=now).outcome == "kept"
    assert match.state is MatchState.IN_DELIVERY
