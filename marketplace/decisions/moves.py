"""How a match moves: locked, taken one step further or ended, its clock and its ledger row in step, the sides told.

Enters: a match that an act of this room has allowed to move. Leaves: the match in its new state with its audit row, and
exactly one running clock while it waits for somebody, none when it is over. Called by every use case of this room.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from marketplace import audit, notices
from marketplace.actors import Actor
from marketplace.clocks import service as clocks
from marketplace.clocks.models import Clock
from marketplace.clocks.service import Holder
from marketplace.clocks.steps import STEPS, Side
from marketplace.consent import service as consent
from marketplace.credentials import service as credentials
from marketplace.db import flush
from marketplace.decisions import pieces
from marketplace.decisions.at_once import locked_match
from marketplace.decisions.models import FollowUp, Match, MatchState
from marketplace.errors import NotFound, WrongState
from marketplace.ledger import service as ledger
from marketplace.ledger.models import AidState
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation, OrganisationKind
from marketplace.policy import require
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.sharing import hooks

URGENT = 3
"""From this urgency on the shorter limits hold."""
WAITS = {
    MatchState.AWAITING_SECOND: "second_approval",
    MatchState.AWAITING_GIVER: "giver_answer",
    MatchState.AWAITING_HOUSEHOLD: "household_answer",
    MatchState.IN_DELIVERY: "deliver",
    MatchState.DELIVERED: "household_confirm",
    MatchState.CONFIRMED: "follow_up",
    MatchState.RECLAIMING: "reclaim",
    MatchState.HELD: "held",
}
"""What a match in this state waits for first; a state that is not here is an end."""
GIVER_KNOWS = (
    MatchState.AWAITING_GIVER,
    MatchState.AWAITING_HOUSEHOLD,
    MatchState.IN_DELIVERY,
    MatchState.HELD,
)
BEGUN = (MatchState.IN_DELIVERY, MatchState.HELD)
"""In these part of a match may have been given already."""
MOVES_HELD = ("match:reject", "match:hold", "match:decline")
"""All that can be done with a held match: staff decide on it, or the household says no."""
SAID_NO = (MatchState.DECLINED_GIVER, MatchState.DECLINED_HOUSEHOLD, MatchState.REJECTED, MatchState.GIVEN_BACK)
"""Ends after which the same pair is not proposed again; after silence or a cancellation it may be."""
TOLD = frozenset(MatchState) - {MatchState.AWAITING_SECOND, MatchState.REJECTED}
"""States of which the giver is told, on pages, in tables and by its machine: one that a second person has not approved,
or has said no to, is none of its matches."""
ITS_OWN_WORD = (MatchState.DECLINED_GIVER, MatchState.EXPIRED_GIVER, MatchState.GIVEN_BACK, MatchState.RECLAIMED)
"""Ends that came from the giver, or of which it hears in a letter of their own."""


REVIEW = "match_review"
"""What a held match waits for; see `holding`."""
BY_RULE = "rule_review"
"""The same where a rule against helping twice holds it; see `asking`."""
HELD_STEPS = (REVIEW, BY_RULE)
RESULT = "giver_result"
"""The giver's result after a delivery; its clock runs beside the match's own."""
ASKED_BACK = "reclaim_asked"
"""A review asks the giver to claim back what has arrived; beside the match's own clock too."""
NOTHING_GIVEN = (MatchState.RETURNED, MatchState.GIVEN_BACK, MatchState.RECLAIMED)


def locked(session: Session, match_id: str, action: str, /, *, actor: Actor, expected: Sequence[MatchState]) -> Match:
    """The match, locked and read anew, if the actor may do this to it and it is in an expected state."""
    match = locked_match(session, match_id)
    if match is None:
        raise NotFound("match")
    require(actor, action, household_id=match.household_id, org_id=match.org_id, district=match.district_code)
    if match.state not in expected:
        raise WrongState("match_moved_on", state=match.state.value)
    if match.held_for and action not in MOVES_HELD:
        raise WrongState("match_held", cause=match.held_for)
    return match


def get_match(session: Session, match_id: str, /, *, action: str = "", actor: Actor) -> Match:
    """The match, if the actor may see it, or may do `action` to it; a foreign one looks like a missing one, and so does
    one of which its giver is not told."""
    match = session.get(Match, match_id)
    if match is None or (actor.org_id is not None and match.state not in TOLD):
        raise NotFound("match")
    of = {"household_id": match.household_id, "org_id": match.org_id, "district": match.district_code}
    if action:
        require(actor, action, **of)
    else:
        require(actor, "match:view", **of)
    return match


def step(session: Session, match: Match, /, *, to: MatchState, actor: Actor, now: datetime) -> Clock | None:
    """Put a match into a state, with its audit row; return the clock of what it waits for now."""
    match.state, match.updated_at = to, now
    session.add(match)
    entry = audit.Entry(f"match:{to.value}", object_ref=match.id, subject=match.household_id, body=committed(match))
    audit.record(session, entry, actor=actor, now=now)
    if to in TOLD:
        hooks.emit(session, match.org_id, kind="match.changed", object_ref=match.id, now=now)
    flush(session)
    _beside(session, match, now=now)
    return wait(session, match, outcome=to.value, now=now)


def committed(match: Match, /) -> dict[str, Any]:
    """What an act on a match commits to: its state, its amount and its resource after the act."""
    body: dict[str, Any] = {"units": match.units, "state": match.state.value, "offer": match.offer_id}
    if match.short_units:
        body["short"] = match.short_units
    return body


def result_ref(match_id: str, /) -> str:
    """Under which the giver's result waits, apart from the match."""
    return f"result:{match_id}"


def asked_ref(match_id: str, /) -> str:
    """Under which a giver's answer to a review waits."""
    return f"back:{match_id}"


def _beside(session: Session, match: Match, *, now: datetime) -> None:
    """What waits beside the match: a delivery asks its giver for a result, once; aid that came back asks for none."""
    if match.state is MatchState.DELIVERED:
        _ask_result(session, match, now=now)
    if match.state in NOTHING_GIVEN:
        clocks.end(session, result_ref(match.id), outcome=match.state.value, now=now)
    if match.state in (MatchState.RECLAIMING, *NOTHING_GIVEN):
        clocks.end(session, asked_ref(match.id), outcome=match.state.value, now=now)


def _ask_result(session: Session, match: Match, *, now: datetime) -> None:
    """An insurer's answer to its case says it already, and nobody is asked twice."""
    if session.get_one(Organisation, match.org_id).kind is OrganisationKind.INSURER:
        return
    asked = select(Clock.id).where(Clock.object_ref == result_ref(match.id), Clock.step == RESULT)
    if session.exec(asked.limit(1)).first() is None:
        clocks.start(session, RESULT, result_ref(match.id), holder=holder_of(RESULT, match), now=now)


def wait(
    session: Session, match: Match, /, *, outcome: str, now: datetime, for_step: str = "", urgent: bool | None = None
) -> Clock | None:
    """End the clock that runs for a match and start that of its state, or of the step named. While a person has to look
    at it first, that step stays whatever else happens."""
    if match.held_for and for_step not in HELD_STEPS:
        for clock in clocks.running_of(session, match.id):
            if clock.step in HELD_STEPS:
                return clock
    wanted = for_step or WAITS.get(match.state, "")
    if wanted == "follow_up" and has_complaint(session, match.id):
        wanted = "complaint"
    if not wanted:
        return clocks.move_on(session, match.id, outcome=outcome, now=now)
    if urgent is None:
        urgent = session.get_one(Need, match.need_id).urgency >= URGENT
    holder = holder_of(wanted, match)
    return clocks.move_on(session, match.id, outcome=outcome, step=wanted, holder=holder, now=now, urgent=urgent)


def holder_of(step_code: str, match: Match, /) -> Holder:
    """Whom a step of this match waits for; the district is always told, so that its staff see every clock."""
    side = STEPS[step_code].side
    return Holder(
        org_id=match.org_id if side is Side.GIVER else None,
        household_id=match.household_id if side is Side.HOUSEHOLD else None,
        district_code=match.district_code,
    )


def has_complaint(session: Session, match_id: str, /) -> bool:
    """Whether a complaint about this match still waits to be settled."""
    statement = select(FollowUp.id).where(col(FollowUp.match_id) == match_id, col(FollowUp.complaint).is_(True))
    return session.exec(statement.where(col(FollowUp.settled_at).is_(None))).first() is not None


def end(session: Session, match: Match, /, *, to: MatchState, reason_code: str, actor: Actor, now: datetime) -> None:
    """End a match without aid: its units and consent end with it, the giver is told if it knew. Where part of it was
    given already, visit by visit, that part is delivered and only the rest ends."""
    before, served = match.state, pieces.given(session, match) if match.state in BEGUN else 0
    if match.consent_chain_id is not None:
        credentials.release(session, match.consent_chain_id, actor=actor, now=now)
    pieces.call_off(session, match, actor=actor, now=now)
    if not served:
        close_consent(session, match, actor=actor, now=now)
        ledger.move(session, match.ledger_entry_id, to=AidState.RETURNED, actor=actor, now=now)
    match.reason_code, match.held_for = reason_code, ""  # written once, with the state (adr/0066)
    if served:
        _record(session, match, "match:part", rule=reason_code, actor=actor, now=now)
        lower_to(session, match, units=served, actor=actor, now=now)
        hand_over(session, match, actor=actor, now=now)
    else:
        step(session, match, to=to, actor=actor, now=now)
    line = session.get_one(ProposedLine, match.line_id)
    if to in SAID_NO or not served:
        line.state = LineState.DECLINED if to in SAID_NO else LineState.STALE
    session.add(line)
    if before in GIVER_KNOWS and to not in ITS_OWN_WORD:
        tell_giver(session, match, ending(match), key="cancelled", now=now)


def ending(match: Match, /) -> str:
    """The letter about an end: of all of it, or of what was still to come."""
    return "match_part" if match.state is MatchState.DELIVERED else "match_cancelled"


def lower_to(session: Session, match: Match, /, *, units: int | None, actor: Actor, now: datetime) -> None:
    """Only so many units are given (None: all of them): the rest is free at once."""
    if units is not None and units != match.units:
        ledger.lower(session, match.ledger_entry_id, units=units, actor=actor, now=now)
        match.short_units, match.units = match.short_units + match.units - units, units


def hand_over(session: Session, match: Match, /, *, note: str = "", actor: Actor, now: datetime) -> None:
    """The aid was given: the household is asked to confirm."""
    match.delivered_at, match.delivery_note = now, note[:200]
    ledger.move(session, match.ledger_entry_id, to=AidState.DELIVERED, actor=actor, now=now)
    clock = step(session, match, to=MatchState.DELIVERED, actor=actor, now=now)
    if match.help_only:
        tell_household(session, match, "help_done", key="confirm", now=now, clock=clock)
    else:
        tell_household(session, match, "confirm_receipt", key="confirm", now=now, clock=clock)


def take_back(session: Session, match: Match, /, *, units: int, rule: str, actor: Actor, now: datetime) -> None:
    """So many of the delivered units never came: ledger, need and offer follow at once, and the rest stays given.
    Where nothing is left the match ends as one of which nothing arrived."""
    if units >= match.units:
        nothing_came(session, match, actor=actor, now=now)
        return
    left = match.units - units
    ledger.lower(session, match.ledger_entry_id, units=left, of=AidState.DELIVERED, actor=actor, now=now)
    match.short_units, match.units, match.updated_at = match.short_units + units, left, now
    session.add(match)
    _record(session, match, "match:part", rule=rule, actor=actor, now=now)
    flush(session)


def nothing_came(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """Nothing of it arrived: the match ends, its units are free again, the giver is told."""
    match.delivered_at, match.reason_code = None, "not_received"
    close_consent(session, match, actor=actor, now=now)
    step(session, match, to=MatchState.RETURNED, actor=actor, now=now)
    ledger.move(session, match.ledger_entry_id, to=AidState.RETURNED, actor=actor, now=now)
    tell_giver(session, match, "match_cancelled", key="not_received", now=now)


def _record(session: Session, match: Match, action: str, *, rule: str, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=match.id, subject=match.household_id, rule_id=rule, body=committed(match))
    audit.record(session, entry, actor=actor, now=now)


def close_consent(session: Session, match: Match, /, *, actor: Actor, now: datetime) -> None:
    """The consent for this match ends, because the match is over."""
    if match.consent_chain_id is not None:
        consent.close(session, match.consent_chain_id, actor=actor, now=now)


def tell_giver(
    session: Session, match: Match, letter: str, /, *, key: str, now: datetime, clock: Clock | None = None
) -> None:
    """Write to the giver; with a clock the letter names the last day."""
    notices.post(session, letter, key=f"{match.id}:{key}", org_id=match.org_id, now=now, params=by(clock))


def tell_household(
    session: Session, match: Match, letter: str, /, *, key: str, now: datetime, clock: Clock | None = None
) -> None:
    """Write to the household; with a clock the letter names the last day."""
    notices.post(session, letter, key=f"{match.id}:{key}", household_id=match.household_id, now=now, params=by(clock))


def by(clock: Clock | None, /) -> dict[str, str]:
    """The blank of a letter that says until when."""
    return {"by": clocks.last_day(clock).isoformat()} if clock is not None else {}
