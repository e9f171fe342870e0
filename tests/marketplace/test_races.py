"""Several processes at once on each engine: rival approvals, withdrawals, the last stock; what must still be true."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, func, select

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.config import Settings
from marketplace.consent import service as consent
from marketplace.db import Database
from marketplace.decisions import approve as approval
from marketplace.decisions import service as decisions
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import DomainError
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.needs.models import Need
from marketplace.notices import Notice
from marketplace.offers.models import Offer
from marketplace.sealed import Vault
from tests import factories as make
from tests.marketplace import figures
from tests.marketplace.meeting import Meeting

pytestmark = pytest.mark.both_engines

PROCESSES = 5
ROUNDS = figures.count(40, torture=4_000)
"""Needs; each of the five processes asks once to approve one of two rival lines for each of them."""


def _in_processes(url: str, settings: Settings, act: Callable[[Database, random.Random, int], None]) -> None:
    """Fork, act with a connection of one's own, and end; a child that fails makes the test fail."""
    children = []
    for number in range(PROCESSES):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                database = Database(url, info={"vault": Vault(settings.kek), "settings": settings})
                act(database, random.Random(number + PROCESSES * figures.seed()), number)
                database.close()
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * PROCESSES


def _try(database: Database, work: Callable[[object], object]) -> None:
    """One transaction; a refusal or a lock that another process won is a fair answer."""
    try:
        with database.transaction() as session:
            work(session)
    except (DomainError, OperationalError):
        pass


def _withdrawals(session: Session) -> dict[str, int]:
    """Chain ► the number of the audit row that ended it."""
    rows = select(audit.AuditRow.object_ref, audit.AuditRow.seq).where(audit.AuditRow.action == "consent:withdraw")
    return {str(row[0]): int(row[1]) for row in session.exec(rows)}


def _late_approvals(session: Session, *, lines: list[list[str]], chains: list[str]) -> list[str]:
    """Lines that were approved after their household's consent had ended; the audit chain tells the order."""
    ended = _withdrawals(session)
    chain_of = {line: chain for pair, chain in zip(lines, chains, strict=True) for line in pair}
    rows = select(audit.AuditRow.object_ref, audit.AuditRow.seq).where(audit.AuditRow.action == "match:approve")
    return [line for line, seq in session.exec(rows) if seq > ended.get(chain_of[line], seq)]


@pytest.mark.threat("T30")
def test_rival_approvals_and_withdrawals_never_double_overspend_or_come_late(
    database: Database, settings: Settings, now: datetime, tmp_path: Path
) -> None:
    meeting = Meeting(tmp_path, PROCESSES)
    with database.transaction() as session:
        organisations = [make.an_organisation(session) for _ in range(2)]
        offers = [make.an_offer(session, giver, stock_units=ROUNDS * 4) for giver in organisations]
        lines, chains = [], []
        for i in range(ROUNDS):
            household = make.a_household(session, phone=f"1{i:010d}")
            chains.append((make.auto_match(session, household).chain_id, household.id))
            need = make.a_need(session, household)
            lines.append([make.a_line(session, need, offer, units=10).id for offer in offers])
    url = database.engine.url.render_as_string(hide_password=False)
    database.close()

    def act(own: Database, rng: random.Random, number: int) -> None:
        approver = Actor(id=f"approver-{rng.random()}", role=Role.APPROVER)
        for i, (chain, household_id) in enumerate(chains):
            meeting.together()
            with meeting.at(number, i):
                if rng.random() < 0.3:
                    person = Actor(id="self", role=Role.HOUSEHOLD, household_id=household_id)
                    withdraw = rng.choice((decisions.withdraw_consent, consent.withdraw))
                    _try(own, lambda s, w=withdraw, c=chain, p=person: w(s, c, actor=p, now=now))  # type: ignore[misc]
                line = rng.choice(lines[i])
                _try(own, lambda s, x=line: approval.approve(s, [x], actor=approver, now=now))  # type: ignore[misc]

    _in_processes(url, settings, act)
    with database.reading() as session:
        matches = session.exec(select(func.count()).select_from(Match)).one()
        assert matches > 0
        assert session.exec(select(Need).where(col(Need.committed_units) > col(Need.gap_units))).all() == []
        for offer in session.exec(select(Offer)):
            assert 0 <= offer.committed_units <= offer.stock_units
        live = dict(
            session.execute(
                select(LedgerEntry.need_id, func.sum(LedgerEntry.units))
                .where(col(LedgerEntry.state) != AidState.RETURNED)
                .group_by(col(LedgerEntry.need_id))
            ).all()
        )
        for need in session.exec(select(Need)):
            assert need.committed_units == live.get(need.id, 0)
        ended = _withdrawals(session)
        assert ended
        assert _late_approvals(session, lines=lines, chains=[chain for chain, _household in chains]) == []
        freed = session.exec(select(Notice.household_id).where(Notice.letter == "consent_withdrawn"))
        left = select(Match).where(col(Match.household_id).in_(list(freed)), col(Match.state) != MatchState.CANCELLED)
        assert session.exec(left).all() == []
        assert audit.verify(session).bad_seq == 0
    met = meeting.met()
    assert met > ROUNDS, "the processes hardly met"
    figures.keep(met, acts=ROUNDS * PROCESSES, matches=matches, withdrawn=len(ended))
