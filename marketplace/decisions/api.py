"""Matches for partners' machines: base cards, the consented fields one look at a time, the answer, delivery and result.

Enters: requests that the partner API's door let in. Leaves: JSON without any identity, except for the effective fields
of a living consent; each look is a row that the household sees. Registered by `marketplace.app` without cookies.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, g, jsonify
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.calendar import local_day, utc_now
from marketplace.consent.models import Consent, Mode
from marketplace.credentials.service import pseudonym
from marketplace.decisions import moves, results, seeing, service
from marketplace.decisions.cards import Card
from marketplace.decisions.models import OPEN, Match, MatchState
from marketplace.decisions.showing import giver_cards
from marketplace.errors import BadInput, ConsentMissing
from marketplace.guards import current_actor
from marketplace.needs.models import Need
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.purposes import list_field_codes
from marketplace.reference.words import list_codes
from marketplace.sharing.clients import working_key
from marketplace.sharing.door import body, count_reads, current_bearer, record_list, scoped
from marketplace.sharing.shapes import (
    ACT,
    DAY,
    DECLINE,
    DELIVER,
    LOOK,
    PAPER,
    PURPOSE,
    many,
    one_of,
    record,
    whole,
    word,
)
from marketplace.web import page_number
from marketplace.web.transactions import current_session

bp = Blueprint("matches_api", __name__, url_prefix="/api/v1")
SIZE = 50
CODE = word(32)
CONSENT = record(
    {
        "id": word(),
        "version": whole(1),
        "state": word(),
        "mode": one_of(*(mode.value for mode in Mode)),
        "fields": many(CODE, 40),
        "valid_to": DAY,
        "erase_by": DAY,
    }
)
OUTCOME = one_of(*list_codes("giver_result"))
RESULT = record({"purpose": PURPOSE, "outcome": OUTCOME}, {"minutes": whole(0, results.MOST_MINUTES)})
MATCH = record(
    {"id": word(), "state": one_of(*(state.value for state in MatchState)), "purpose": PURPOSE},
    {
        "household": word(),
        "category": word(),
        "unit": word(),
        "units": whole(1),
        "urgency": whole(0, 4),
        "district": word(),
        "verification_level": whole(0, 4),
        "offer": word(),
        "since": DAY,
        "result": OUTCOME,
        "consent": CONSENT,
    },
)
MATCHES = record({"matches": many(MATCH, SIZE), "page": whole(1)})
OPENED = record({}, {code: {"type": "string"} for code in list_field_codes()})
CREDENTIAL = record({"credential": word(65_536), "kid": word()})


@bp.get("/needs")
@scoped("needs:read", action="match:view", purpose=True, gives=MATCHES)
def needs() -> ResponseReturnValue:
    """Needs matched with you that wait for somebody, as base cards, 50 to a page; and which fields were consented."""
    return _listed("needs", [state for state in OPEN if state in moves.TOLD])


@bp.get("/matches")
@scoped("matches:read", action="match:view", purpose=True, gives=MATCHES)
def matches() -> ResponseReturnValue:
    """All your matches for one purpose, the newest first, 50 to a page."""
    return _listed("matches", sorted(moves.TOLD))


def _listed(what: str, states: Sequence[MatchState]) -> ResponseReturnValue:
    session, page = current_session(), page_number()
    kinds = [kind.code for kind in list_need_kinds() if kind.purpose == g.purpose]
    rows = (
        select(Match)
        .join(Need, col(Need.id) == col(Match.need_id))
        .where(col(Match.org_id) == current_actor().org_id, col(Need.category).in_(kinds))
        .where(col(Match.state).in_(states))
        .order_by(col(Match.created_at).desc(), col(Match.id))
    )
    found = list(session.exec(rows.offset((page - 1) * SIZE).limit(SIZE)))
    cards = giver_cards(session, found, now=utc_now())
    count_reads(len(cards))
    record_list(what, sum(card.shown for card in cards))
    return jsonify(matches=[_told(session, card) for card in cards], page=page)


@bp.get("/matches/<match_id>")
@scoped("matches:read", action="match:view", purpose=True, gives=MATCH)
def match(match_id: str) -> ResponseReturnValue:
    """One match as a base card."""
    session = current_session()
    card = _card(session, match_id)
    count_reads(1)
    record_list(f"match:{match_id}", int(card.shown))
    return jsonify(_told(session, card))


@bp.post("/matches/<match_id>/recipient")
@scoped("needs:read", action="match:deliver", purpose=True, takes=LOOK, gives=OPENED)
def recipient(match_id: str) -> ResponseReturnValue:
    """Open the consented fields for this one look; name fewer of them where you need fewer."""
    said, session = body(), current_session()
    count_reads(1)
    values = service.see_recipient(
        session,
        match_id,
        actor=current_actor(),
        now=utc_now(),
        purpose=g.purpose,
        wanted=said.get("fields"),
        mode=Mode(said.get("mode", Mode.VIEW.value)),
    )
    return jsonify(values)


@bp.post("/matches/<match_id>/credential")
@scoped("credentials:read", action="match:deliver", purpose=True, takes=PAPER, gives=CREDENTIAL)
def credential(match_id: str) -> ResponseReturnValue:
    """A signed credential of the need, bound to a key of this machine; the one issued before it ends."""
    said, session, now = body(), current_session(), utc_now()
    count_reads(1)
    key = working_key(session, current_bearer().client.id, kid=said.get("kid", ""), now=now)
    compact = seeing.credential_for(
        session,
        match_id,
        purpose=g.purpose,
        holder_jwk=key.jwk,
        actor=current_actor(),
        now=now,
        wanted=said.get("fields", ()),
    )
    return jsonify(credential=compact, kid=key.kid)


@bp.post("/matches/<match_id>/accept")
@scoped("matches:act", action="match:answer", repeats=True, purpose=True, takes=ACT, gives=MATCH)
def accept(match_id: str) -> ResponseReturnValue:
    """Take a match on; then the household is asked."""
    session = current_session()
    _card(session, match_id)
    service.giver_accepts(session, match_id, actor=current_actor(), now=utc_now())
    return _after(session, match_id)


@bp.post("/matches/<match_id>/decline")
@scoped("matches:act", action="match:answer", repeats=True, purpose=True, takes=DECLINE, gives=MATCH)
def decline(match_id: str) -> ResponseReturnValue:
    """Say no with a reason; your stock is free at once."""
    session, reason = current_session(), body()["reason"]
    _card(session, match_id)
    if reason not in list_codes("giver_decline"):
        raise BadInput("reason_unknown", field="reason")
    service.giver_declines(session, match_id, reason_code=reason, actor=current_actor(), now=utc_now())
    return _after(session, match_id)


@bp.post("/matches/<match_id>/deliver")
@scoped("matches:act", action="match:deliver", repeats=True, purpose=True, takes=DELIVER, gives=MATCH)
def deliver(match_id: str) -> ResponseReturnValue:
    """Say that the help was handed over; the household is asked to confirm it."""
    session, said = current_session(), body()
    card = _card(session, match_id)
    if said.get("units", card.match.units) > card.match.units:
        raise BadInput("more_than_matched", field="units")
    service.deliver(
        session,
        match_id,
        units=said.get("units"),
        note=said.get("note", ""),
        actor=current_actor(),
        now=utc_now(),
    )
    return _after(session, match_id)


@bp.post("/matches/<match_id>/result")
@scoped("matches:act", action="match:result", repeats=True, purpose=True, takes=RESULT, gives=MATCH)
def result(match_id: str) -> ResponseReturnValue:
    """Report what came of a delivery, and the minutes your people spent where you know them; once for each match."""
    session, said = current_session(), body()
    _card(session, match_id)
    told = results.Told(said["outcome"], said.get("minutes"))
    results.report(session, match_id, told, actor=current_actor(), now=utc_now())
    return _after(session, match_id)


def _card(session: Session, match_id: str) -> Card:
    """The organisation's own match for the purpose that was named; a foreign one looks like a missing one."""
    found = service.get_match(session, match_id, actor=current_actor())
    if service.purpose_of(session, found) != g.purpose:
        error = ConsentMissing("purpose_not_consented")
        tried: dict[str, Any] = {"object_ref": found.id, "subject": found.household_id, "purpose": str(g.purpose)[:32]}
        error.denied = (audit.Entry("share:deny", decision="deny", rule_id="PURPOSE", **tried), current_actor())
        raise error
    return giver_cards(session, [found], now=utc_now())[0]


def _after(session: Session, match_id: str) -> ResponseReturnValue:
    return jsonify(_told(session, _card(session, match_id)))


def _told(session: Session, card: Card) -> dict[str, Any]:
    """What a machine learns of a match: nothing that says who somebody is, days instead of moments."""
    row, need = card.match, card.need
    told: dict[str, Any] = {"id": row.id, "state": row.state.value, "purpose": service.purpose_of(session, row)}
    if not card.shown:
        return told
    told |= {
        "household": pseudonym(session, row.org_id, row.household_id),
        "category": need.category,
        "unit": need.unit,
        "units": row.units,
        "urgency": need.urgency,
        "district": row.district_code,
        "verification_level": need.verification_level,
        "offer": row.offer_id,
        "since": local_day(row.created_at).isoformat(),
    }
    reported = results.find_result(session, row.id) if row.state in results.REPORTABLE else None
    if reported is not None:
        told["result"] = reported.outcome
    consent = _consent(session, row)
    return told if consent is None else {**told, "consent": consent}


def _consent(session: Session, row: Match) -> dict[str, Any] | None:
    if row.consent_chain_id is None:
        return None
    versions = select(Consent).where(col(Consent.chain_id) == row.consent_chain_id)
    newest = session.exec(versions.order_by(col(Consent.version).desc()).limit(1)).one()
    return {
        "id": newest.chain_id,
        "version": newest.version,
        "state": newest.state.value,
        "mode": newest.mode.value,
        "fields": list(newest.data_fields),
        "valid_to": local_day(newest.valid_to).isoformat(),
        "erase_by": local_day(newest.erase_at).isoformat(),
    }
