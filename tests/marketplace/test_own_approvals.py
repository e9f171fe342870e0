"""Nobody approves an act of their own, or for somebody close: random people in random roles, no self-approval."""

from __future__ import annotations

import random
from datetime import datetime

import pytest
from sqlmodel import Session, select

from marketplace.accounts import service as accounts
from marketplace.accounts import ties
from marketplace.actors import Actor, Role
from marketplace.decisions import approve as approval
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from tests.marketplace.match_scene import a_scene

PHONE = "10000000042"


@pytest.mark.threat("T24")
def test_of_a_thousand_random_castings_no_one_approves_twice_or_what_they_verified(
    session: Session, now: datetime
) -> None:
    chance, scene = random.Random(7), a_scene(session, now=now)
    allowed = refused = 0
    for _ in range(1_000):
        verifier, first, second, head = (f"person-{chance.randrange(4)}" for _ in range(4))
        acts_for = head if chance.random() < 0.3 else None
        with session.begin_nested() as trial:
            scene.need.verifier_id = verifier
            session.add(scene.need)
            actor = Actor(id=first, role=Role.APPROVER, on_behalf_of=acts_for)
            approved = approval.approve(session, [scene.line.id], actor=actor, now=now).approved
            assert bool(approved) == (verifier not in actor.people)
            if approved:
                match = session.exec(select(Match).where(Match.line_id == scene.line.id)).one()
                match.state = MatchState.AWAITING_SECOND
                session.add(match)
                other = Actor(id=second, role=Role.APPROVER)
                try:
                    approval.second_approve(session, match.id, actor=other, now=now)
                    allowed += 1
                    assert second not in {match.approver_id, verifier}
                except WrongState:
                    refused += 1
                    assert second in {match.approver_id, verifier}
            trial.rollback()
        session.expire_all()
    assert min(allowed, refused) > 100


@pytest.mark.threat("T24")
@pytest.mark.parametrize("stands_in", [False, True])
def test_who_is_close_to_a_household_does_not_approve_for_it(session: Session, now: datetime, stands_in: bool) -> None:
    scene = a_scene(session, phone=PHONE, now=now)
    account = accounts.create_account(session, "kin", display_name="kin", role=Role.APPROVER, now=now)
    kin = Actor(id=account.id, role=Role.APPROVER)
    tie = ties.declare(session, "100 0000 0042", reference="表姐", actor=kin, now=now)
    assert PHONE not in str(tie.model_dump())
    actor = Actor(id="deputy", role=Role.APPROVER, on_behalf_of=account.id) if stands_in else kin
    outcome = approval.approve(session, [scene.line.id], actor=actor, now=now)
    assert [one.code for one in outcome.excluded] == ["approver_is_kin"]
    ties.untie(session, tie.id, actor=kin, now=now)
    assert approval.approve(session, [scene.line.id], actor=kin, now=now).approved


def test_a_tie_is_one_s_own_is_kept_once_and_must_be_a_number(session: Session, now: datetime) -> None:
    made = (accounts.create_account(session, n, display_name=n, role=Role.APPROVER, now=now) for n in ("one", "two"))
    one, two = (Actor(id=account.id, role=Role.APPROVER) for account in made)
    tie = ties.declare(session, PHONE, reference="x", actor=one, now=now)
    assert ties.declare(session, PHONE, reference="y", actor=one, now=now).id == tie.id
    assert ties.list_ties(session, actor=two) == []
    with pytest.raises(NotFound):
        ties.untie(session, tie.id, actor=two, now=now)
    with pytest.raises(BadInput, match="tie_unreadable"):
        ties.declare(session, "my cousin", reference="x", actor=one, now=now)
