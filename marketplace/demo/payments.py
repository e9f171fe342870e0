"""Payments in the demo city: accounts of households, batches at every stage, and a bank that answers as banks do.

What enters: a database whose households have accepted, and its roster. What leaves: for the busiest givers of money a
batch that was paid (with a failed and a returned payment in it) and a draft that waits for its release; accounts that
wait for a person; everything through the ordinary services. Names and numbers are made up. Called by the story.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from adapters.tabular_writer import write_csv
from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.db import Database
from marketplace.decisions.models import Match, MatchState
from marketplace.demo.build import Roster
from marketplace.households.service import contact_of
from marketplace.needs.models import Need
from marketplace.payments import batches, files, months, payees, results
from marketplace.payments.models import AccountKind, LineState, PaymentLine
from marketplace.payments.open_matches import open_of_giver
from marketplace.reference.needs import MONEY
from marketplace.sealed import vault_of

_GIVERS = 2
_MOST = 24
"""So many grants of one giver get an account; the others show what it looks like without one."""


def pay(database: Database, roster: Roster, /, *, now: datetime) -> None:
    """Play one round of payments for the busiest givers of money, the demonstration's charity among them."""
    with database.transaction() as session:
        chosen = _givers(session, first=roster.staff["demo-charity"].org_id or "")
        for place, org_id in enumerate(chosen):
            _round(session, org_id, clerk=roster.giver(org_id), place=place, now=now)


def by_bank(session: Session, match: Match, /) -> bool:
    """Whether this match is paid through a batch, so that nobody hands anything over besides."""
    return session.exec(select(PaymentLine.id).where(col(PaymentLine.match_id) == match.id)).first() is not None


def _givers(session: Session, *, first: str) -> list[str]:
    counted = (
        select(col(Match.org_id), func.count())
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(col(Match.state) == MatchState.IN_DELIVERY, col(Need.unit) == MONEY)
        .group_by(col(Match.org_id))
    )
    found = sorted(((number, org_id) for org_id, number in session.execute(counted)), reverse=True)
    busiest = [org_id for _number, org_id in found]
    return sorted(busiest, key=lambda org_id: org_id != first)[:_GIVERS]


def _round(session: Session, org_id: str, *, clerk: Actor, place: int, now: datetime) -> None:
    months.open_month(session, org_id, actor=clerk, now=now)
    matches = _open(session, org_id)
    half = len(matches) // 2 + 1
    _accounts(session, matches[:half], place=place, now=now)
    if any(not payable.blocker for payable in open_of_giver(session, org_id, now=now)):
        made = batches.prepare(session, org_id, actor=clerk, now=now).batch
        second = Actor(id=f"second-{org_id}"[:64], role=Role.CHARITY_MANAGER, org_id=org_id)
        batches.release(session, made.id, fingerprint=made.fingerprint, actor=second, now=now)
        files.settle(session, made.id, actor=clerk, now=now)
        files.open_file(session, made.id, form="csv", lang="zh_Hans", actor=clerk, now=now)
        paid = batches.lines_of(session, made.id, states=(LineState.WAITING,))  # what is held by now is not in the file
        _bank_answers(session, paid, actor=clerk, now=now)
    _accounts(session, matches[half:_MOST], place=place + 500, now=now)
    if any(not payable.blocker for payable in open_of_giver(session, org_id, now=now)):
        batches.prepare(session, org_id, actor=clerk, now=now)


def _open(session: Session, org_id: str) -> list[Match]:
    wanted = (
        select(Match)
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(col(Match.org_id) == org_id, col(Match.state) == MatchState.IN_DELIVERY, col(Need.unit) == MONEY)
        .order_by(col(Match.need_id), col(Match.offer_id))
    )
    return list(session.exec(wanted))


def _accounts(session: Session, matches: Sequence[Match], *, place: int, now: datetime) -> None:
    """Households type their account; every seventh names a guardian whom a person has to look at."""
    for number, match in enumerate(matches):
        person = contact_of(session, match.household_id)
        if person is None or person.name is None:
            continue
        actor = Actor(id=person.id, role=Role.HOUSEHOLD, household_id=match.household_id)
        name = vault_of(session).open(session, person.id, column="person.name", sealed=person.name)
        odd = number % 7 == 6
        typed = payees.Typed(
            holder="监护人示例" if odd else name,
            relation="GUARDIAN" if odd else "SELF",
            bank="示例银行渝中支行",
            kind=AccountKind.PASSBOOK,
            account=f"990{place:03d}{number:08d}",
        )
        if payees.find_payee(session, match.household_id) is None:
            payees.save_account(session, match.household_id, typed, actor=actor, now=now)
        payees.permit(session, match.household_id, [match.id], actor=actor, now=now)


def _bank_answers(session: Session, lines: Sequence[PaymentLine], *, actor: Actor, now: datetime) -> None:
    """Most are paid, one fails because its account was closed, one is sent back afterwards."""
    day = f"{local_day(now):%Y-%m-%d}"
    of_line = {line.id: session.get_one(Match, line.match_id) for line in lines}
    ordered = sorted(lines, key=lambda line: (of_line[line.id].need_id, of_line[line.id].offer_id))
    rows = [
        (line.reference, "failed" if place == 1 else "paid", "account_closed" if place == 1 else "", day)
        for place, line in enumerate(ordered)
    ]
    back = [(ordered[2].reference, "returned", "", day)] if len(lines) > 3 else []
    for some in (rows, back):
        if some:
            data = write_csv(("reference", "result", "reason_code", "on_day"), some)
            batch, _checked = results.check_file(session, data, file_name="bank.csv", actor=actor, now=now)
            results.confirm_import(session, batch.id, actor=actor, now=now)
