"""Approving and rejecting proposed lines: the checks, asked again at this moment, and the two acts.

Enters: lines that staff ticked. Leaves: for each either a match with its reservation in the ledger, or the reason why
it was left out. The same checks serve the confirm page (`preview`, nothing written) and the act (`approve`, one
transaction with the consent, the need and the offer locked).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.consent.ask import living_auto_match, was_refused_lately
from marketplace.db import flush, locked_rows, new_id, remembering
from marketplace.decisions import moves
from marketplace.decisions.at_once import held, locked_match
from marketplace.decisions.conflicts import refuse_kin, refuse_own_giver
from marketplace.decisions.givers import refuse_pair
from marketplace.decisions.models import LineDecision, Match, MatchState
from marketplace.decisions.outcome import Excluded, Outcome
from marketplace.errors import BadInput, DomainError, NotFound, WrongState
from marketplace.ledger import hits
from marketplace.ledger import service as ledger
from marketplace.ledger.overlap import OverlapFound, refuse_judge, refuse_overlap
from marketplace.needs.models import Need
from marketplace.offers.models import Acceptance, Offer
from marketplace.organisations.models import Organisation
from marketplace.policy import decide, require
from marketplace.proposals.models import LineState, ProposedLine
from marketplace.reference.needs import need_kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Sound:
    """One line with everything that was checked, locked."""

    line: ProposedLine
    need: Need
    offer: Offer
    organisation: Organisation
    warnings: tuple[str, ...]


def preview(session: Session, line_ids: Sequence[str], /, *, actor: Actor, now: datetime) -> Outcome:
    """What `approve` would do with these lines at this moment. Lines are checked one by one: two lines that together
    exceed a need or an offer are both shown as sound, and the second is excluded when the act is carried out."""
    with remembering(session):
        return _go_through(session, line_ids, actor=actor, now=now, act=False)


def approve(session: Session, line_ids: Sequence[str], /, *, actor: Actor, now: datetime) -> Outcome:
    """Approve every line that still holds; the others stay as they are and are named with their reason."""
    with remembering(session), held(session, line_ids, now=now):
        return _go_through(session, line_ids, actor=actor, now=now, act=True)


def _go_through(session: Session, line_ids: Sequence[str], *, actor: Actor, now: datetime, act: bool) -> Outcome:
    if not line_ids:
        raise BadInput("nothing_chosen", field="line")
    approved, excluded, warned, value, second = [], [], [], 0, 0
    for line_id in dict.fromkeys(line_ids):
        try:
            sound = _check(session, line_id, actor=actor, now=now, lock=act)
            above = sound.line.value_fen > session.info["settings"].second_approver_fen
            if act:
                with session.begin_nested():
                    _approve_one(session, sound, above=above, actor=actor, now=now)
        except DomainError as error:
            excluded.append(Excluded(line_id, error.code))
            if act and isinstance(error, OverlapFound):
                _keep_evidence(session, line_id, error, actor=actor, now=now)
            continue
        approved.append(line_id)
        warned += [Excluded(line_id, code) for code in sound.warnings]
        value += sound.line.value_fen
        second += above
    return Outcome(tuple(approved), tuple(excluded), value, second, tuple(warned))


def _keep_evidence(session: Session, line_id: str, found: OverlapFound, *, actor: Actor, now: datetime) -> None:
    """What a rule stopped at the last moment is kept with the rows behind it."""
    line, first = session.get_one(ProposedLine, line_id), found.verdict.findings[0]
    need, offer = session.get_one(Need, found.need_id), session.get_one(Offer, line.offer_id)
    met = hits.of_need(
        need,
        code=first.code,
        place=hits.APPROVAL,
        units=line.units - found.verdict.allowed,
        because=[row.ref for row in first.because],
        org_id=offer.org_id,
    )
    hits.keep(session, [met], actor=actor, now=now)


def _check(session: Session, line_id: str, *, actor: Actor, now: datetime, lock: bool) -> _Sound:
    """Ask everything again: the line, the people, the consent, the need, the offer. Raises the first reason against."""
    line = _fetch(session, ProposedLine, line_id)
    require(actor, "match:approve", district=line.district_code)
    if line.state is not LineState.PROPOSED:
        raise WrongState("line_decided")
    need = _fetch(session, Need, line.need_id)
    offer = _fetch(session, Offer, line.offer_id)
    organisation = _fetch(session, Organisation, offer.org_id)
    if need.vouched_by & actor.people:
        raise WrongState("verifier_is_approver")
    _refuse_close(session, need, organisation, actor=actor)
    on = local_day(now)
    refuse_pair(session, need, offer, organisation=organisation, units=line.units, on=on)
    if need.gap_units - need.committed_units < line.units:
        raise WrongState("already_covered")
    if offer.stock_units - offer.committed_units < line.units:
        raise WrongState("stock_gone")
    living_auto_match(session, line.household_id, org_id=offer.org_id, now=now)
    asked: dict[str, Any] = {"org_id": offer.org_id, "project": offer.project, "units": line.units}
    said = refuse_overlap(session, need, on=on, lock=lock, **asked)
    purpose = need_kind(need.category).purpose
    if was_refused_lately(session, line.household_id, purpose=purpose, org_id=offer.org_id, now=now):
        raise WrongState("refused_lately")
    return _Sound(line, need, offer, organisation, tuple(finding.code for finding in said.warnings))


def _refuse_close(session: Session, need: Need, organisation: Organisation, *, actor: Actor) -> None:
    """Who lifted a rule for this need, or is close to the household or the giver, approves nothing here."""
    refuse_judge(session, need.id, actor=actor)
    refuse_kin(session, need.household_id, actor=actor)
    refuse_own_giver(session, organisation, actor=actor)


def _fetch(session: Session, kind: type[T], key: str) -> T:
    found = session.get(kind, key)
    if found is None:
        raise NotFound(kind.__name__.lower())
    return found


def _approve_one(session: Session, sound: _Sound, *, above: bool, actor: Actor, now: datetime) -> Match:
    line, need, offer = sound.line, sound.need, sound.offer
    entry = ledger.reserve(
        session,
        need,
        offer_id=offer.id,
        org_id=offer.org_id,
        giver=sound.organisation.name,
        project=offer.project,
        units=line.units,
        actor=actor,
        now=now,
        recorded=False,
    )
    for sums in (need, offer):
        session.expire(sums, ["committed_units"])  # the database has added the row to them
    line.state = LineState.APPROVED
    match = Match(
        id=new_id(),
        line_id=line.id,
        need_id=need.id,
        offer_id=offer.id,
        org_id=offer.org_id,
        household_id=line.household_id,
        district_code=line.district_code,
        units=line.units,
        state=MatchState.AWAITING_SECOND if above else after_approval(offer),
        ledger_entry_id=entry.id,
        approver_id=actor.id,
        approver_for=actor.stood_for,
        asked_at=now,
        created_at=now,
        updated_at=now,
    )
    session.add_all((line, match))
    acts, state = (ledger.act_of(entry),), match.state.value
    write_decision(session, line, verdict="approve", state=state, beside=acts, actor=actor, now=now)
    flush(session)
    wait_and_tell(session, match, now=now)
    return match


def after_approval(offer: Offer) -> MatchState:
    """A standing yes goes straight to the household; otherwise the giver answers first."""
    standing = offer.acceptance is Acceptance.STANDING
    return MatchState.AWAITING_HOUSEHOLD if standing else MatchState.AWAITING_GIVER


def wait_and_tell(session: Session, match: Match, /, *, now: datetime) -> None:
    """Start the clock of what comes next and tell whoever has to answer; nobody while a second approver is awaited."""
    clock = moves.wait(session, match, outcome="approved", now=now)
    if match.state is MatchState.AWAITING_GIVER:
        moves.tell_giver(session, match, "match_approved", key="giver", now=now, clock=clock)
    if match.state is MatchState.AWAITING_HOUSEHOLD:
        moves.tell_household(session, match, "offer_waiting", key="household", now=now, clock=clock)


def reject(
    session: Session,
    line_ids: Sequence[str],
    /,
    *,
    reason_code: str,
    reason_text: str = "",
    actor: Actor,
    now: datetime,
) -> Outcome:
    """Reject lines with a reason; the pair is not proposed again."""
    if not reason_code:
        raise BadInput("reason_missing", field="reason_code")
    if not line_ids:
        raise BadInput("nothing_chosen", field="line")
    done, excluded = [], []
    known = {line.id: line for line in locked_rows(session, ProposedLine, line_ids)}  # all before the first act
    for line_id in dict.fromkeys(line_ids):
        line = known.get(line_id) or _fetch(session, ProposedLine, line_id)
        if not decide(actor, "match:reject", district=line.district_code).allow:
            raise NotFound("proposed_line")
        if line.state is not LineState.PROPOSED:
            excluded.append(Excluded(line_id, "line_decided"))
            continue
        line.state = LineState.REJECTED
        session.add(line)
        write_decision(
            session, line, verdict="reject", reason_code=reason_code, reason_text=reason_text, actor=actor, now=now
        )
        done.append(line_id)
    flush(session)
    return Outcome(tuple(done), tuple(excluded), 0, 0)


def write_decision(
    session: Session,
    line: ProposedLine,
    /,
    *,
    verdict: str,
    reason_code: str = "",
    reason_text: str = "",
    state: str = "",
    beside: Sequence[audit.Entry] = (),
    actor: Actor,
    now: datetime,
) -> None:
    """Keep what one person decided, with its audit row after those `beside` it; of an approval that row commits to the
    match's `state` and resource."""
    entry = audit.Entry(
        f"match:{verdict}",
        object_ref=line.id,
        subject=line.household_id,
        decision=verdict,
        rule_id=reason_code,
        body={"units": line.units} | ({"state": state, "offer": line.offer_id} if state else {}),
    )
    decision = LineDecision(
        id=new_id(),
        line_id=line.id,
        verdict=verdict,
        reason_code=reason_code,
        reason_text=reason_text,
        decided_by=actor.id,
        decided_at=now,
        audit_seq=audit.record_many(session, (*beside, entry), actor=actor, now=now),
    )
    session.add(decision)


def second_approve(session: Session, match_id: str, /, *, actor: Actor, now: datetime) -> Match:
    """A second person approves an amount above the limit; never the first approver or the verifier. Need and giver are
    asked again, as at the first approval: its own units are counted by now."""
    match = locked_match(session, match_id)
    if match is None:
        raise NotFound("match")
    require(actor, "match:approve", district=match.district_code)
    if match.state is not MatchState.AWAITING_SECOND:
        raise WrongState("match_moved_on", state=match.state.value)
    if match.held_for:
        raise WrongState("match_held", cause=match.held_for)
    need = session.get_one(Need, match.need_id)
    if actor.people & {match.approver_id, match.approver_for, *need.vouched_by}:
        raise WrongState("same_person_twice")
    offer, organisation = session.get_one(Offer, match.offer_id), session.get_one(Organisation, match.org_id)
    _refuse_close(session, need, organisation, actor=actor)
    refuse_pair(session, need, offer, organisation=organisation, units=0, on=local_day(now))
    living_auto_match(session, match.household_id, org_id=match.org_id, now=now)
    asked: dict[str, Any] = {"org_id": match.org_id, "units": match.units, "own": match.ledger_entry_id}
    refuse_overlap(session, need, on=local_day(now), lock=True, **asked)
    match.second_approver_id, match.second_approver_for = actor.id, actor.stood_for
    match.state = after_approval(offer)
    match.asked_at = match.updated_at = now
    session.add(match)
    line = session.get_one(ProposedLine, match.line_id)
    write_decision(session, line, verdict="second_approve", state=match.state.value, actor=actor, now=now)
    flush(session)
    wait_and_tell(session, match, now=now)
    return match
