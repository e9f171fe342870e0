"""The partner API's own addresses: tokens, our public keys, the description, resources in, consents with their
receipts, deletion orders.

Enters: requests of machines. Leaves: JSON. Accept, deliver and the consented fields of a match lie in `decisions.api`.
Registered by `marketplace.app` as a door without cookies.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, g, jsonify, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace.calendar import local_day, utc_now
from marketplace.consent.models import ConsentHead
from marketplace.credentials.models import ConsentReceipt
from marketplace.guards import current_actor, guard
from marketplace.offers.models import Offer
from marketplace.offers.service import OfferFilter, list_offers, post_offer
from marketplace.sharing import authority, deletions, papers, shapes, signing
from marketplace.sharing.aid_in import report_aid
from marketplace.sharing.description import describe
from marketplace.sharing.door import body, count_reads, record_list, scoped
from marketplace.sharing.models import DeletionOrder
from marketplace.sharing.offers_in import terms_from
from marketplace.sharing.shapes import DAY, OFFER, PURPOSE, many, record, whole, word
from marketplace.web import page_number
from marketplace.web.transactions import current_session

bp = Blueprint("partner_api", __name__, url_prefix="/api/v1")
POSTED = record({"id": word(), "reference": {**word(), "minLength": 0}, "state": word(), "category": word()}, {
    "stock_units": whole(), "committed_units": whole(),
})  # fmt: skip
CONSENT = record(
    {
        "id": word(),
        "version": whole(1),
        "state": word(),
        "purpose": PURPOSE,
        "match": {**word(), "minLength": 0},
        "valid_to": DAY,
    }
)
RECEIPT = record({"version": whole(1), "event": word(), "made_on": DAY, "sha256": word(), "receipt": word(65_536)})
ORDER = record(
    {"id": word(), "consent": word(), "match": {**word(), "minLength": 0}, "due_on": DAY, "disclosures": whole()},
    {"attested_on": DAY, "fields": many(word())},
)

UNREAD = record({"record": whole(1), "field": {**word(), "minLength": 0}, "error": word()})
TAKEN = record({"taken": whole(), "faults": {**shapes.rows(UNREAD, 5_000), "minItems": 0}})


@bp.record_once
def _install(state: BlueprintSetupState) -> None:
    authority.install(state.app)


@bp.post("/token")
@guard("api:open")
def token() -> ResponseReturnValue:
    """An access token for a signed assertion."""
    return authority.issue(request)


@bp.get("/keys")
@guard("api:open")
def keys() -> ResponseReturnValue:
    """The public halves of our signing keys."""
    return jsonify(signing.public_keys(current_session().info["settings"]))


@bp.get("/openapi.json")
@guard("api:open")
def openapi() -> ResponseReturnValue:
    """The description of this API, made from its code."""
    return jsonify(describe(current_app))


@bp.post("/offers")
@scoped("offers:write", action="offer:post", repeats=True, takes=OFFER, gives=POSTED)
def post() -> ResponseReturnValue:
    """Post a resource; your own reference makes it findable and cannot be posted twice."""
    said = body()
    actor = current_actor()
    offer = post_offer(
        current_session(),
        terms_from(said),
        org_id=actor.org_id or "",
        actor=actor,
        now=utc_now(),
        source="api",
        source_id=said["reference"],
        other_project="other_project" in said,
    )
    return jsonify(_offer(offer)), 201


@bp.get("/offers")
@scoped("offers:write", action="offer:list", gives=record({"offers": many(POSTED, 25), "total": whole()}))
def offers() -> ResponseReturnValue:
    """Your own resources, the newest first, 25 to a page."""
    wanted = OfferFilter(org_id=current_actor().org_id or "")
    offset = (page_number() - 1) * 25
    rows, total = list_offers(current_session(), wanted, actor=current_actor(), offset=offset)
    return jsonify(offers=[_offer(row) for row in rows], total=total)


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "id": offer.id,
        "reference": offer.reference,
        "state": offer.state.value,
        "category": offer.category,
        "stock_units": offer.stock_units,
        "committed_units": offer.committed_units,
    }


@bp.post("/aid")
@scoped("aid:report", action="aid:report", repeats=True, takes=shapes.REPORT, gives=TAKEN)
def aid() -> ResponseReturnValue:
    """Report aid that you gave elsewhere; the same reference again brings it up to date. What you are told depends on
    your own words and on the names of programmes offered here only."""
    told = report_aid(current_session(), body()["aid"], actor=current_actor(), now=utc_now())
    return jsonify(told)


@bp.get("/consents")
@scoped("status:read", action="match:view", purpose=True, gives=record({"consents": many(CONSENT, 500)}))
def consents() -> ResponseReturnValue:
    """How the consents that name you stand, so that you know what you may still look at and keep."""
    rows = _consents(current_session(), current_actor().org_id or "")
    count_reads(len(rows))
    return jsonify(consents=[_consent(row) for row in rows])


def _consents(session: Session, org_id: str) -> list[ConsentHead]:
    rows = select(ConsentHead).where(col(ConsentHead.recipient_org_id) == org_id, col(ConsentHead.purpose) == g.purpose)
    return list(session.exec(rows.order_by(col(ConsentHead.valid_from).desc(), col(ConsentHead.chain_id)).limit(500)))


def _consent(head: ConsentHead) -> dict[str, Any]:
    return {
        "id": head.chain_id,
        "version": head.version,
        "state": head.state.value,
        "purpose": head.purpose.value,
        "match": head.of_match,
        "valid_to": local_day(head.valid_to).isoformat(),
    }


@bp.get("/consents/<consent_id>/receipts")
@scoped("receipts:read", action="match:view", purpose=True, gives=record({"receipts": many(RECEIPT, 500)}))
def receipts(consent_id: str) -> ResponseReturnValue:
    """The signed receipts of one consent that names you: what was allowed from when to when, for your books."""
    rows = papers.receipts_for(current_session(), consent_id, purpose=g.purpose, actor=current_actor())[:500]
    told = [_receipt(row) for row in rows]
    count_reads(len(told))
    record_list(f"receipts:{consent_id}"[:64], len(told), fields=("receipt",))
    return jsonify(receipts=told)


def _receipt(row: ConsentReceipt) -> dict[str, Any]:
    return {
        "version": row.version,
        "event": row.event,
        "made_on": local_day(row.made_at).isoformat(),
        "sha256": row.sha256,
        "receipt": row.jws,
    }


@bp.get("/deletion-orders")
@scoped("status:read", action="deletion:attest", gives=record({"orders": many(ORDER, 500)}))
def orders() -> ResponseReturnValue:
    """What you have to delete and by when; the unanswered ones first."""
    rows = deletions.orders_of(current_session(), current_actor().org_id or "", actor=current_actor())
    return jsonify(orders=[_order(row) for row in rows])


@bp.post("/deletion-orders/<order_id>/attest")
@scoped("matches:act", action="deletion:attest", repeats=True, takes=shapes.record({}), gives=ORDER)
def attest(order_id: str) -> ResponseReturnValue:
    """Say that what the order names has been deleted: the fields in it, or everything seen under this consent."""
    done = deletions.attest(current_session(), order_id, actor=current_actor(), now=utc_now())
    return jsonify(_order(done))


def _order(order: DeletionOrder) -> dict[str, Any]:
    told = {
        "id": order.id,
        "consent": order.consent_chain_id,
        "match": order.match_id,
        "due_on": local_day(order.due_at).isoformat(),
        "disclosures": order.disclosures,
    }
    told |= {"fields": order.data_fields.split(",")} if order.data_fields else {}
    return told if order.attested_at is None else {**told, "attested_on": local_day(order.attested_at).isoformat()}
