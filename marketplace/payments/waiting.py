"""What each payment waits for: a release, the way to the bank, the bank's answer, an account checked or corrected.

Enters: a batch, a payee or a line that has just moved. Leaves: clocks beside the match's own, which keeps running: a
payment that is late never takes aid away, the delivery's limit does that. A grant without an account that can be paid
to waits for the household, and when it is silent for a worker, and the giver's limit with it; a failed payment for the
household to correct its account; or, where the account was not at fault, for the giver to pay
again, and when that is late it is a late delivery. What a late batch leads to stands in `late`. Called by this room's
services; the worker sweeps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, exists, select

from marketplace import audit, notices
from marketplace.actors import SYSTEM
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.db import Database
from marketplace.decisions.idle import CORRECT, HELP, ref_of
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.moves import URGENT, by, wait
from marketplace.decisions.waiting import ask_staff, settle_late
from marketplace.households.models import Household
from marketplace.needs.models import Need
from marketplace.payments.models import BatchState, LineState, Payee, PayeeState, PaymentBatch, PaymentLine
from marketplace.payments.open_matches import ACCOUNT_AT_FAULT
from marketplace.payments.wanting import NAME_OF_STAFF, begun_late, of_staff_name, wanting_account
from marketplace.reference.needs import MONEY

RELEASE, SEND, ANSWER, CHECK = "payment_release", "payment_send", "bank_answer", "payee_check"
AGAIN, DELIVER = "pay_again", "deliver"
AFTER = {BatchState.DRAFT: RELEASE, BatchState.RELEASED: SEND, BatchState.SENT: ANSWER}
BATCH = 200


def batch_waits(session: Session, batch: PaymentBatch, /, *, now: datetime) -> None:
    """The batch waits for the next hand; once no line of it waits any more, for none."""
    left = select(PaymentLine.id).where(PaymentLine.batch_id == batch.id, PaymentLine.state == LineState.WAITING)
    step = AFTER.get(batch.state, "") if session.exec(left.limit(1)).first() else ""
    if step and any(clock.step == step for clock in clocks.running_of(session, batch.id)):
        return
    clocks.move_on(session, batch.id, outcome=batch.state.value, step=step, holder=Holder(batch.org_id), now=now)


def payee_waits(session: Session, payee: Payee, /, *, now: datetime) -> None:
    """An account that a person must look at before anything is paid to it."""
    home = session.get_one(Household, payee.household_id)
    urgent = exists().where(
        col(Match.household_id) == home.id,
        col(Match.state) == MatchState.IN_DELIVERY,
        col(Need.id) == col(Match.need_id),
        col(Need.urgency) >= URGENT,
    )
    holder = Holder(district_code=home.district_code)
    clocks.start(session, CHECK, payee.id, holder=holder, now=now, urgent=bool(session.scalar(select(urgent))))


def payee_settled(session: Session, payee: Payee, /, *, now: datetime) -> None:
    """Somebody looked, or another account took its place; of what can be paid to it the giver's limit begins anew."""
    if clocks.end(session, payee.id, step=CHECK, outcome=payee.state.value, now=now) and payee.state is PayeeState.OK:
        wanting = {match.id for match, _code in wanting_account(session, now=now, household_id=payee.household_id)}
        for match in _mine(session, payee.household_id):
            if match.id not in wanting:
                _deliver_anew(session, match, now=now)


def failed(session: Session, line: PaymentLine, match: Match, /, *, now: datetime) -> None:
    """The bank did not pay: the household corrects its account, or the giver pays again."""
    if match.state is not MatchState.IN_DELIVERY:
        return
    _wait(session, match, CORRECT if line.reason_code in ACCOUNT_AT_FAULT else AGAIN, outcome="failed", now=now)


def settled(session: Session, household_id: str, /, *, now: datetime) -> None:
    """The household has done something about its account: what has all that it needs is the giver's turn again."""
    wanting = {match.id for match, _code in wanting_account(session, now=now, household_id=household_id)}
    for match in _mine(session, household_id):
        running = clocks.running_of(session, ref_of(match.id))
        if match.id not in wanting and any(clock.step in (CORRECT, HELP) for clock in running):
            _giver_again(session, match, now=now)


def _giver_again(session: Session, match: Match, *, now: datetime) -> None:
    """A payment that failed is paid again; of one that was never tried the giver's limit begins anew."""
    tried = select(PaymentLine.id).where(PaymentLine.match_id == match.id, PaymentLine.state != LineState.DROPPED)
    if session.exec(tried.limit(1)).first():
        _wait(session, match, AGAIN, outcome="corrected", now=now)
    else:
        clocks.end(session, ref_of(match.id), outcome="corrected", now=now)
    _deliver_anew(session, match, now=now)


def _deliver_anew(session: Session, match: Match, *, now: datetime) -> None:
    if any(clock.step == DELIVER for clock in clocks.running_of(session, match.id)):
        wait(session, match, outcome="account_given", now=now)


def _mine(session: Session, household_id: str) -> Sequence[Match]:
    """The household's grants of money that are under way."""
    wanted = select(Match).join(Need, col(Need.id) == col(Match.need_id))
    wanted = wanted.where(Match.household_id == household_id, Match.state == MatchState.IN_DELIVERY)
    return session.exec(wanted.where(col(Need.unit) == MONEY).order_by(col(Match.id))).all()


def tried_again(session: Session, match_ids: Iterable[str], /, *, now: datetime) -> None:
    """These matches are in a new batch."""
    wanted = [ref_of(match_id) for match_id in match_ids]
    running = select(Clock.object_ref).where(col(Clock.object_ref).in_(wanted), col(Clock.ended_at).is_(None))
    for ref in session.exec(running).all():
        clocks.end(session, ref, outcome="tried_again", now=now)


def _wait(session: Session, match: Match, step: str, *, outcome: str, now: datetime) -> Clock:
    holder = Holder(
        org_id=match.org_id if step == AGAIN else None,
        household_id=match.household_id if step == CORRECT else None,
        district_code=match.district_code,
    )
    urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    clocks.end(session, ref_of(match.id), outcome=outcome, now=now)
    return clocks.start(session, step, ref_of(match.id), holder=holder, now=now, urgent=urgent)


def _ask_for_help(session: Session, match: Match, now: datetime) -> None:
    entry = audit.Entry("payment:late", object_ref=match.id, subject=match.household_id, rule_id=HELP)
    audit.record(session, entry, actor=SYSTEM, now=now)
    _wait(session, match, HELP, outcome="silent", now=now)


def _late_delivery(session: Session, match: Match, now: datetime) -> None:
    """The giver does not pay again in time: its delivery is late now, whatever time was left for it."""
    clocks.end(session, ref_of(match.id), outcome="late", now=now)
    ask_staff(session, match, now)


CONSEQUENCES = {CORRECT: _ask_for_help, AGAIN: _late_delivery}


def ask_for_account(session: Session, /, *, now: datetime, household_id: str = "") -> int:
    """Whoever has said yes to money that cannot be paid for want of an account, or of leave to see it, is asked by a
    letter that says what to do; from then on it is the household's turn, not the giver's."""
    found = [
        (match, code)
        for match, code in wanting_account(session, now=now, household_id=household_id)
        if not any(clock.step in (CORRECT, HELP) for clock in clocks.running_of(session, ref_of(match.id)))
    ][:BATCH]
    for match, code in found:
        clock = _wait(session, match, CORRECT, outcome=code, now=now)
        letter = "payment_failed" if code == "account_to_correct" else "account_needed"
        told = {"cause": code, **by(clock)}
        key = f"{clock.id}:account"
        notices.post(session, letter, key=key, household_id=match.household_id, params=told, now=now)
    return len(found)


def look(database: Database, /, *, now: datetime) -> int:
    """Send accounts that bear the name of one of a giver's people to civil affairs, and ask households for theirs. A
    leave that has begun after its call-back begins the giver's time anew."""
    with database.transaction() as session:
        doubtful = of_staff_name(session)
        for payee in doubtful:
            doubt(session, payee, now=now)
        begun = begun_late(session, now=now)
        for match in begun:
            wait(session, match, outcome="permit_begun", now=now)
        return len(doubtful) + len(begun) + ask_for_account(session, now=now)


def doubt(session: Session, payee: Payee, /, *, now: datetime) -> None:
    """Nothing is paid to it before civil affairs has decided, once."""
    payee.state, payee.reason_code = PayeeState.TO_CHECK, NAME_OF_STAFF
    session.add(payee)
    payee_waits(session, payee, now=now)
    entry = audit.Entry("payee:doubt", object_ref=payee.id, subject=payee.household_id, rule_id=NAME_OF_STAFF)
    audit.record(session, entry, actor=SYSTEM, now=now)


def sweep(database: Database, *, clock: Callable[[], datetime]) -> int:
    """Pass on what households left unanswered; end what waits for a match that is not under way any more."""
    now = clock()
    done = settle_late(database, CONSEQUENCES, now=now)
    with database.reading() as session:
        over = _over(session)
    if not over:
        return done
    with database.transaction() as session:
        for ref in _over(session):
            clocks.end(session, ref, outcome="over", now=now)
    return done + len(over)


def _over(session: Session) -> list[str]:
    under_way = exists().where(
        col(Match.state) == MatchState.IN_DELIVERY, "pay:" + col(Match.id) == col(Clock.object_ref)
    )
    running = select(Clock.object_ref).where(col(Clock.step).in_((CORRECT, HELP, AGAIN)), col(Clock.ended_at).is_(None))
    return list(session.exec(running.where(~under_way).order_by(col(Clock.id)).limit(BATCH)))
