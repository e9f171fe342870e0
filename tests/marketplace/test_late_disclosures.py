"""Five processes on each engine: looks, withdrawals and pauses at once; nothing is disclosed after a consent ended."""

from __future__ import annotations

import os
import random
from collections import Counter
from datetime import datetime
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import select

from marketplace import audit
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent.models import Consent, ConsentState
from marketplace.db import Database
from marketplace.decisions import service as decisions
from marketplace.decisions.withdrawing import Then
from marketplace.errors import DomainError
from marketplace.sealed import Vault
from marketplace.sharing.models import Disclosure
from tests import factories as make
from tests.marketplace import figures
from tests.marketplace.match_scene import Scene, a_scene
from tests.marketplace.meeting import Meeting

pytestmark = pytest.mark.both_engines

PROCESSES = 5
ROUNDS = figures.count(30, torture=4_000)
"""Matches; each of the five processes acts once on each of them, so five times as many contested acts."""

AHEAD_S = 0.02
"""By so much a look may be ahead of the end of its consent."""


def _act(
    url: str, settings: Settings, number: int, work: list[tuple[str, str, Scene]], meeting: Meeting, now: datetime
) -> None:
    database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
    rng = random.Random(number + PROCESSES * figures.seed())
    for i, (match_id, chain_id, scene) in enumerate(work):
        ends = rng.random() < 0.3
        meeting.together()
        if ends:  # a look has more to read before it is decided: without a pause the endings come first
            sleep(rng.random() * AHEAD_S)
        try:
            with meeting.at(number, i), database.transaction() as session:
                if ends and i % 3 == 2:
                    changes.pause(session, chain_id, actor=scene.household_actor, now=now)
                elif ends:
                    then = rng.choice((Then.STOP, Then.HOLD))
                    decisions.withdraw_consent(session, chain_id, actor=scene.household_actor, now=now, then=then)
                else:
                    decisions.see_recipient(session, match_id, actor=scene.giver, now=now)
        except (DomainError, OperationalError):
            continue
    database.close()


@pytest.mark.threat("T04")
def test_nothing_is_disclosed_after_a_consent_ended_whoever_races(
    database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    work, meeting = [], Meeting(tmp_path, PROCESSES)
    with database.transaction() as session:
        organisation = make.an_organisation(session)
        offer = make.an_offer(session, organisation, stock_units=ROUNDS * 10)
        for i in range(ROUNDS):
            scene = a_scene(session, phone=f"1{i:010d}", organisation=organisation, offer=offer)
            match = scene.in_delivery(session, now)
            work.append((match.id, match.consent_chain_id or "", scene))
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                _act(url, settings, number, work, meeting, now)
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * PROCESSES
    with database.reading() as session:
        ended: dict[str, int] = {}
        over = select(Consent.chain_id, Consent.audit_seq).where(Consent.state != ConsentState.ACTIVE)
        for chain, seq in session.exec(over.order_by(Consent.audit_seq)):
            ended.setdefault(chain, seq)
        looks = session.exec(select(Disclosure)).all()
        late = [look.id for look in looks if look.audit_seq > ended.get(look.consent_chain_id or "", look.audit_seq)]
        assert late == []
        both = Counter(look.consent_chain_id for look in looks).keys() & ended.keys()
        assert len(both) > ROUNDS // 10, "the looks and the withdrawals hardly met"
        assert audit.verify(session).bad_seq == 0
    met = meeting.met()
    assert met > ROUNDS, "the processes hardly met"
    figures.keep(met, acts=ROUNDS * PROCESSES, looks=len(looks), ended=len(ended))
