"""What follows an approval: the giver answers, the household answers, aid is delivered and confirmed; or it ends.

Enters: one match and the side that acts. Leaves: the match one step further, its ledger row in step with it, the other
side told. Withdrawal of consent is a use case of this room, because it must free matches in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.consent import service as consent
from marketplace.consent.ask import living_auto_match
from marketplace.decisions import asking, idle, moves, paying, pieces
from marketplace.decisions.cards import case_kinds
from marketplace.decisions.closing import (
    bank_sent_back,
    follow_up,
    give_back,
    never_handed_over,
    never_paid,
    paid_missing,
    reclaim_done,
    reclaim_drop,
    reclaim_open,
    settle,
    stays_given,
)
from marketplace.decisions.givers import open_giver
from marketplace.decisions.models import OPEN, Match, MatchState
from marketplace.decisions.moves import get_match, locked
from marketplace.decisions.seeing import fields_to_ask, purpose_of, see_own_record, see_recipient
from marketplace.decisions.withdrawing import FREED_BY_BASE_CARD, withdraw_consent
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.households.models import Household, Person
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.reference.services import find_service

__all__ = [
    "bank_sent_back",
    "cancel",
    "confirm",
    "deliver",
    "deliver_paid",
    "fields_to_ask",
    "follow_up",
    "get_match",
    "give_back",
    "giver_accepts",
    "giver_declines",
    "giver_gives_up",
    "household_accepts",
    "household_declines",
    "matches_of_household",
    "never_handed_over",
    "never_paid",
    "not_received",
    "open_matches_of",
    "purpose_of",
    "reclaim_done",
    "reclaim_drop",
    "reclaim_open",
    "see_own_record",
    "see_recipient",
    "settle",
    "withdraw_consent",
]

CANCELLABLE = (*FREED_BY_BASE_CARD, MatchState.IN_DELIVERY, MatchState.HELD)
ASKED = (MatchState.AWAITING_HOUSEHOLD, MatchState.HELD)
"""The household is asked, or asked again after it had withdrawn."""
PAYABLE = (MatchState.IN_DELIVERY, MatchState.HELD)
"""A payment that is with the bank may be made in these."""
DECLINES = ("not_needed", "already_helped", "other_giver", "privacy", "other")


def giver_accepts(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The giver takes this match on; now the household is asked."""
    match = locked(session, match_id, "match:answer", actor=actor, expected=(MatchState.AWAITING_GIVER,))
    living_auto_match(session, match.household_id, org_id=match.org_id, now=now)
    asking.before_answer(session, match, now=now)
    match.giver_answered_at = now
    clock = moves.step(session, match, to=MatchState.AWAITING_HOUSEHOLD, actor=actor, now=now)
    moves.tell_household(session, match, "offer_waiting", key="household", now=now, clock=clock)
    return match


def giver_declines(session: Session, match_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Match:
    """The giver says no to this match; its stock is free at once and the pair is not proposed again."""
    match = locked(session, match_id, "match:answer", actor=actor, expected=(MatchState.AWAITING_GIVER,))
    match.giver_answered_at = now
    moves.end(session, match, to=MatchState.DECLINED_GIVER, reason_code=reason_code, actor=actor, now=now)
    return match


def household_accepts(
    session: Session,
    match_id: str,
    /,
    *,
    data_fields: Iterable[str],
    agrees_to_share: bool,
    agrees_to_terms: bool,
    person_id: str,
    actor: Actor,
    now: datetime,
    capture: consent.Capture | None = None,
    asks: str = "match:accept",
) -> Match:
    """The household accepts with two ticks: the offer's terms, and a separate consent naming the giver, the purpose,
    the fields and the period. Only now does anything identifying become readable for that giver. Of held help that
    consent alone has lapsed: neither the terms nor the word to be matched is asked for again. `asks` is another action
    where staff heard the yes."""
    match = locked(session, match_id, asks, actor=actor, expected=ASKED)
    again = match.state is MatchState.HELD
    if not (agrees_to_share and (agrees_to_terms or again)):
        raise BadInput("tick_missing", field="agrees_to_share" if not agrees_to_share else "agrees_to_terms")
    organisation = open_giver(session, match.org_id)
    if not again:
        living_auto_match(session, match.household_id, org_id=match.org_id, now=now)
    asking.before_answer(session, match, now=now)
    if session.get_one(Person, person_id).household_id != match.household_id:
        raise NotFound("person")
    given = consent.give_for_match(
        session,
        session.get_one(Household, match.household_id),
        organisation=organisation,
        match_id=match.id,
        purpose=purpose_of(session, match),
        data_fields=data_fields,
        person_id=person_id,
        actor=actor,
        now=now,
        capture=capture,
    )
    match.consent_chain_id, match.consent_version = given.chain_id, given.version
    match.household_answered_at = now
    if not again:
        ledger.move(session, match.ledger_entry_id, to=AidState.APPROVED, actor=actor, now=now)
    clock = moves.step(session, match, to=MatchState.IN_DELIVERY, actor=actor, now=now)
    moves.tell_giver(
        session,
        match,
        "delivery_expected",
        key=f"deliver:{given.chain_id}" if again else "deliver",
        now=now,
        clock=clock,
    )
    return match


def household_declines(
    session: Session,
    match_id: str,
    /,
    *,
    reason_code: str,
    asks: str = "match:decline",
    actor: Actor,
    now: datetime,
    capture: consent.Capture | None = None,
) -> Match:
    """The household says no; it loses nothing, and this pair is not proposed again. `capture`: how it was said."""
    if reason_code not in DECLINES:
        raise BadInput("reason_missing", field="reason_code")
    match = locked(session, match_id, asks, actor=actor, expected=ASKED)
    match.household_answered_at = now
    if reason_code == "privacy":
        consent.refuse_for_match(
            session,
            session.get_one(Household, match.household_id),
            organisation=session.get_one(Organisation, match.org_id),
            match_id=match.id,
            purpose=purpose_of(session, match),
            actor=actor,
            now=now,
            capture=capture,
            asks=asks,
        )
    moves.end(session, match, to=MatchState.DECLINED_HOUSEHOLD, reason_code=reason_code, actor=actor, now=now)
    return match


def deliver(
    session: Session,
    match_id: str,
    /,
    *,
    units: int | None = None,
    note: str = "",
    by_visits: bool = False,
    by_case: bool = False,
    help_only: bool = False,
    actor: Actor,
    now: datetime,
) -> Match:
    """The giver says that the aid has been handed over; the household is asked to confirm it. With fewer `units` than
    were matched the rest is free at once, and the need is open again for it. A service is delivered by its visits and
    in no other way, for they alone ask who was insured and registered; `by_visits` is said by the room of visits. So
    with an insurer's case, whose answers alone know policy and payout; `by_case` is said by the room of claims. Of a
    claim that was refused nothing came but the help with it: the household is asked how that went (`help_only`)."""
    match = locked(session, match_id, "match:deliver", actor=actor, expected=(MatchState.IN_DELIVERY,))
    _refuse_short_cut(session, match, by_visits=by_visits, by_case=by_case)
    paying.refuse(session, match.id)
    match.help_only = help_only
    return _delivered(session, match, units=units, note=note, actor=actor, now=now)


def deliver_paid(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> Match:
    """The bank has paid: the money is there, also where the household has asked meanwhile to hold its help. The caller
    has locked the match and asked the policy for its own act."""
    if match.state not in PAYABLE or match.held_for:
        raise WrongState("match_moved_on", state=match.state.value)
    return _delivered(session, match, units=None, note="", actor=actor, now=now)


def _delivered(session: Session, match: Match, *, units: int | None, note: str, actor: Actor, now: datetime) -> Match:
    moves.lower_to(session, match, units=units, actor=actor, now=now)
    asking.at_delivery(session, match, actor=actor, now=now)
    moves.hand_over(session, match, note=note, actor=actor, now=now)
    return match


def _refuse_short_cut(session: Session, match: Match, *, by_visits: bool, by_case: bool) -> None:
    """What has a way of its own to be delivered is not delivered by a press."""
    category = session.get_one(Need, match.need_id).category
    if not by_visits and find_service(category):
        raise WrongState("needs_visits")
    if not by_case and category in case_kinds(session.get_one(Organisation, match.org_id)):
        raise WrongState("needs_case")


def confirm(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The household says that it has received the aid, and its consent for this match ends. Silence is never a yes."""
    match = locked(session, match_id, "match:receive", actor=actor, expected=(MatchState.DELIVERED,))
    match.confirmed_at = now
    moves.close_consent(session, match, actor=actor, now=now)
    moves.step(session, match, to=MatchState.CONFIRMED, actor=actor, now=now)
    return match


def not_received(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """The household says that nothing arrived: the match ends, its units are free again, the giver is told, and staff
    find it in their list of what did not arrive. Money that was paid or handed over is not free on this word alone:
    see `closing.paid_missing`. The visits of a service are void with it; those for which the time to say so has passed
    stand."""
    match = locked(session, match_id, "match:receive", actor=actor, expected=(MatchState.DELIVERED,))
    if stays_given(match, session.get_one(Need, match.need_id)):
        return paid_missing(session, match, actor=actor, now=now)
    if standing := pieces.void(session, match, actor=actor, now=now):
        less = match.units - standing
        moves.take_back(session, match, units=less, rule="not_received", actor=actor, now=now)
    else:
        moves.nothing_came(session, match, actor=actor, now=now)
    return match


def giver_gives_up(session: Session, match_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Match:
    """The giver cannot deliver what it took on: the match ends, the household is told, the need is open again. Visits
    that have passed are recorded first; what was served stays served."""
    match = locked(session, match_id, "match:deliver", actor=actor, expected=(MatchState.IN_DELIVERY,))
    pieces.refuse_unrecorded(session, match, now=now)
    moves.end(session, match, to=MatchState.CANCELLED, reason_code=reason_code, actor=actor, now=now)
    moves.tell_household(session, match, moves.ending(match), key="gave_up", now=now)
    return match


def cancel(session: Session, match_id: str, /, *, reason_code: str, actor: Actor, now: datetime) -> Match:
    """Staff end a match that has not been delivered yet, with a reason; a second approver says no in this way too."""
    match = locked(session, match_id, "match:reject", actor=actor, expected=CANCELLABLE)
    if not reason_code:
        raise BadInput("reason_missing", field="reason_code")
    told = match.state in (MatchState.AWAITING_HOUSEHOLD, MatchState.IN_DELIVERY)
    to = MatchState.REJECTED if match.state is MatchState.AWAITING_SECOND else MatchState.CANCELLED
    moves.end(session, match, to=to, reason_code=reason_code, actor=actor, now=now)
    idle.look(session, match, now=now)
    if told:
        moves.tell_household(session, match, moves.ending(match), key="staff", now=now)
    return match


def matches_of_household(session: Session, household_id: str, /) -> list[Match]:
    """All matches of one household, newest first."""
    statement = select(Match).where(col(Match.household_id) == household_id)
    return list(session.exec(statement.order_by(col(Match.created_at).desc(), col(Match.id))))


def open_matches_of(session: Session, household_id: str, /) -> list[Match]:
    """Those that still wait for somebody."""
    return [match for match in matches_of_household(session, household_id) if match.state in OPEN]
