"""Money that was paid although its match had ended: a person books it as delivered after all, or asks it back.

Enters: a match that is over, told by the room that knows of the payment (a bank's, an insurer's), and what a member of
staff decides on. Leaves: a held need and a clock of staff (`paid_after_end`) until then; a ledger row of its own for
what was paid, so that bank and ledger say the same and nobody gives it twice; that row held against the rules like a
late report; and the match delivered, its household asked to confirm, or being reclaimed by its giver; or, for an
insurer whose payout is in the ledger already, still over.
Where need or offer have been used otherwise since, what was paid is additional aid of the household, with the reason:
the need keeps what covered it, and the row counts as past aid.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, exists, select

from marketplace import audit
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.officers import choose, load
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.ledger import late
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState, LedgerEntry
from marketplace.ledger.overlap import homes_of
from marketplace.needs import settling
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.policy import require
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.reference.words import list_codes

OVER = (
    MatchState.REJECTED,
    MatchState.DECLINED_GIVER,
    MatchState.DECLINED_HOUSEHOLD,
    MatchState.CANCELLED,
    MatchState.RETURNED,
    MatchState.EXPIRED_GIVER,
    MatchState.EXPIRED_HOUSEHOLD,
    MatchState.GIVEN_BACK,
    MatchState.RECLAIMED,
)
"""Ends: the ledger counts nothing for them."""
STEP = REASON = "paid_after_end"
PAID = "paid:"
DELIVER, ASK_BACK, STANDS, EXTRA = "deliver", "ask_back", "stands", "extra"


def ref_of(match_id: str, /) -> str:
    """Under which it waits, apart from the match."""
    return PAID + match_id


def ask(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """A person is to look; until then nobody else gives for this need."""
    settling.hold_for_money(session, match.need_id, actor=actor, now=now)
    named = choose(load(session, STEP), match.district_code)
    holder = Holder(account_id=named, district_code=match.district_code)
    urgent = session.get_one(Need, match.need_id).urgency >= moves.URGENT
    clocks.start(session, STEP, ref_of(match.id), holder=holder, now=now, urgent=urgent)
    _record(session, match, "payment:after_end", rule=match.state.value, actor=actor, now=now)


def came_back(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """It came back before anybody decided: nothing is left to do, and the need goes on."""
    if clocks.end(session, ref_of(match.id), step=STEP, outcome="came_back", now=now):
        settling.money_settled(session, match.need_id, actor=actor, now=now)


def get_asked(session: Session, match_id: str, /, *, actor: Actor) -> Match:
    """A match of the actor's area about whose money a person is asked; any other looks like a missing one."""
    match = session.get(Match, match_id)
    require(actor, "payment:talk", district=match.district_code if match is not None else None)
    if match is None or not clocks.running_of(session, ref_of(match.id)):
        raise NotFound("match")
    return match


def outcomes_of(session: Session, match: Match, /) -> tuple[str, ...]:
    """What can be decided: an insurer's payout is in the ledger already, so its match may stay over; other money is
    additional aid where nothing of the need, or of the offer, is left for it."""
    insurer = session.get_one(Organisation, match.org_id).kind is OrganisationKind.INSURER
    kept = (DELIVER,) if _fits(session, match) else () if insurer else (EXTRA,)
    return (*kept, ASK_BACK, STANDS) if insurer else (*kept, ASK_BACK)


def _fits(session: Session, match: Match, /) -> bool:
    """Whether the need still wants, and the offer still holds, what was paid, and no other row is of the two."""
    need = session.get_one(Need, match.need_id)
    same = exists().where(
        col(LedgerEntry.need_id) == need.id,
        col(LedgerEntry.period) == need.period,
        col(LedgerEntry.offer_id) == match.offer_id,
        col(LedgerEntry.state) != AidState.RETURNED,
    )
    open_units = select(col(Need.gap_units) - col(Need.committed_units)).where(col(Need.id) == need.id)
    if session.exec(open_units).one() < match.units or not _holds(session, match):
        return False
    return not session.scalar(select(same))


def _holds(session: Session, match: Match) -> bool:
    left = select(col(Offer.stock_units) - col(Offer.committed_units)).where(col(Offer.id) == match.offer_id)
    return session.exec(left).one() >= match.units


def decide(
    session: Session,
    match_id: str,
    /,
    *,
    outcome: str,
    reason_code: str = "",
    not_by: Collection[str] = (),
    actor: Actor,
    now: datetime,
) -> Match:
    """Book it as delivered, or with a reason as additional aid; have the giver ask it back; or, for an insurer's
    payout, let it stand as it is. Nobody of `not_by`, who had it paid, decides."""
    match = get_asked(session, match_id, actor=actor)
    if actor.people & set(not_by):
        raise WrongState("same_person_twice")
    if outcome not in outcomes_of(session, match):
        raise NotFound("match")
    if (outcome == EXTRA) != (reason_code in list_codes("extra_aid")):
        raise BadInput("reason_missing", field="reason_code")
    if outcome == STANDS:
        settling.money_settled(session, match.need_id, actor=actor, now=now)
    elif outcome == ASK_BACK:
        ask_back(session, match_id, actor=actor, now=now)
    else:
        deliver_after_all(session, match_id, beside=outcome == EXTRA, actor=actor, now=now)
    clocks.end(session, ref_of(match.id), step=STEP, outcome=outcome, now=now)
    _record(session, match, "payment:settle", rule=reason_code or outcome, actor=actor, now=now)
    return match


def _record(session: Session, match: Match, action: str, *, rule: str, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=match.id, subject=match.household_id, rule_id=rule)
    audit.record(session, entry, actor=actor, now=now)


def deliver_after_all(
    session: Session, match_id: str, /, *, beside: bool = False, actor: Actor, now: datetime
) -> Match:
    """The household keeps what was paid: the match is delivered, and it is asked to confirm. Conflict if it is not
    booked `beside` and need or offer have been used otherwise."""
    match = _booked(session, match_id, beside=beside, actor=actor, now=now)
    match.reason_code = ""
    clock = moves.step(session, match, to=MatchState.DELIVERED, actor=actor, now=now)
    moves.tell_household(session, match, "confirm_receipt", key=f"confirm:{now.isoformat()}", now=now, clock=clock)
    return match


def ask_back(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The giver is to ask it back: it is booked as paid until it has come back, and the household is told."""
    match = _booked(session, match_id, beside=None, actor=actor, now=now)
    match.reason_code = REASON
    moves.step(session, match, to=MatchState.RECLAIMING, actor=actor, now=now)
    moves.tell_household(session, match, "aid_asked_back", key=f"reclaim:{now.isoformat()}", now=now)
    return match


def _booked(session: Session, match_id: str, *, beside: bool | None, actor: Actor, now: datetime) -> Match:
    match = moves.locked(session, match_id, "payment:talk", actor=actor, expected=OVER)
    need = settling.money_settled(session, match.need_id, actor=actor, now=now)
    if not _fits(session, match) if beside is None else beside:
        _book_beside(session, match, need, actor=actor, now=now)
    else:
        book(session, match, need, units=match.units, actor=actor, now=now)
    match.confirmed_at, match.closed_at = None, None
    return match


def book(session: Session, match: Match, need: Need, /, *, units: int, actor: Actor, now: datetime) -> None:
    """A ledger row of its own, delivered, for a match whose row counts nothing any more. Conflict if the need or the
    offer has been used otherwise since."""
    _enter(session, match, need, offer_id=match.offer_id, units=units, covers=True, actor=actor, now=now)
    line = session.get_one(ProposedLine, match.line_id)
    line.state = LineState.APPROVED
    session.add(line)


def _book_beside(session: Session, match: Match, need: Need, *, actor: Actor, now: datetime) -> None:
    """The same as aid beside the need, and out of the offer where that still holds it."""
    left = match.offer_id if _holds(session, match) else None
    _enter(session, match, need, offer_id=left, units=match.units, covers=False, actor=actor, now=now)


def _enter(
    session: Session,
    match: Match,
    need: Need,
    *,
    offer_id: str | None,
    units: int,
    covers: bool,
    actor: Actor,
    now: datetime,
) -> None:
    homes_of(session, need.household_id, lock=True)
    entry = ledger.reserve(
        session,
        need,
        offer_id=offer_id,
        org_id=match.org_id,
        giver=session.get_one(Organisation, match.org_id).name,
        project=session.get_one(Offer, match.offer_id).project,
        units=units,
        covers=covers,
        actor=actor,
        now=now,
    )
    for state in (AidState.APPROVED, AidState.DELIVERED):
        ledger.move(session, entry.id, to=state, actor=actor, now=now)
    match.ledger_entry_id, match.delivered_at = entry.id, now
    session.add(match)
    flush(session)
    late.look_again(session, [entry.id], actor=actor, now=now)
