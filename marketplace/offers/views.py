"""The pages of resources: a giver's own table, the staff's list, one offer with its acts.

Enters: requests of givers and staff. Leaves: pages; the rules are in `offers.service`. The wizard, the upload and the
weekly demand hang their pages on the same blueprint.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.actors import GIVERS
from marketplace.calendar import local_day, utc_now
from marketplace.guards import current_actor, guard
from marketplace.offers import drafts, expiry, service, upload, views_demand, wizard
from marketplace.offers.blueprint import bp
from marketplace.offers.donors import papers_of
from marketplace.offers.export import Format, offers_file
from marketplace.offers.forms import ACCEPTANCE
from marketplace.offers.hsds import services_file
from marketplace.offers.models import Offer, OfferDraft, OfferState
from marketplace.organisations.models import Organisation
from marketplace.reference.needs import list_need_kinds
from marketplace.web import Page, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web.desk import XLSX, file
from marketplace.web.display import language
from marketplace.web.formats import moment
from marketplace.web.leaving import leaves

__all__ = ["bp", "upload", "views_demand", "wizard"]

SENTENCES: dict[str, Any] = {
    "offer_closed": _l("This resource is closed."),
    "offer_too_large": _l("This stock is too large to be matched. Ask the giver and correct it first."),
    "offer_run_out": _l("This resource has run out. Confirm it first: then it lasts another half year."),
    "offer_pause": _l("Only an open resource can be paused."),
    "offer_reopen": _l("Only a paused resource can be opened again."),
    "offer_close": _l("This resource is closed already."),
    "offer_release": _l("This resource is not held any more."),
}
STATES = {
    OfferState.OPEN: (_l("Open"), "done"),
    OfferState.HELD: (_l("Waits for civil affairs"), "wait"),
    OfferState.PAUSED: (_l("Paused"), "plain"),
    OfferState.EXPIRED: (_l("Expired"), "late"),
    OfferState.CLOSED: (_l("Closed"), "plain"),
}


@bp.get("/mine")
@guard("offer:post")
def mine() -> ResponseReturnValue:
    """The giver's own resources: stock left, state, end, and what can be done with each."""
    session, actor = current_session(), current_actor()
    offers, page, state = _listed(service.OfferFilter(org_id=actor.org_id or ""))
    unfinished = [_draft_cell(draft) for draft in drafts.list_drafts(session, actor=actor)]
    ending = expiry.count_ending(session, actor.org_id or "", now=utc_now())
    facts: dict[str, Any] = {"offers": offers, "page": page, "state": state, "drafts": unfinished, "ending": ending}
    return render("offers/mine.html", **facts, **_words())


def _draft_cell(draft: OfferDraft) -> dict[str, str]:
    return {
        "label": draft.answers.get("title") or _("Without a name"),
        "href": url_for(".check", draft_id=draft.id),
        "hint": _("last written %(moment)s", moment=moment(draft.updated_at)),
        "status": _("change") if draft.offer_id else _("draft"),
        "kind": "wait",
    }


@bp.get("/")
@guard("offer:list")
def index() -> ResponseReturnValue:
    """All resources, for staff, narrowed by state, kind and organisation."""
    org_id, category = request.args.get("org", "")[:32], request.args.get("category", "")[:48]
    offers, page, state = _listed(service.OfferFilter(org_id=org_id, category=category))
    names = {row.id: row.name for row in _organisations(current_session(), offers)}
    filters: dict[str, Any] = {"state": state, "category": category, "org": org_id, "kinds": list_need_kinds()}
    return render("offers/index.html", offers=offers, page=page, names=names, **filters, **_words())


def _listed(wanted: service.OfferFilter) -> tuple[list[Offer], Page, str]:
    state, number = request.args.get("state", ""), page_number()
    if state in set(OfferState):
        wanted = replace(wanted, states=(OfferState(state),))
    offset = Page(number, 0).offset
    offers, total = service.list_offers(current_session(), wanted, actor=current_actor(), offset=offset)
    return offers, Page(number=number, total=total), state


def _organisations(session: Session, offers: list[Offer]) -> list[Organisation]:
    found = (session.get(Organisation, org_id) for org_id in {offer.org_id for offer in offers})
    return [organisation for organisation in found if organisation is not None]


@bp.get("/<offer_id>")
@guard("offer:view")
def one(offer_id: str) -> ResponseReturnValue:
    """One resource with its terms and acts."""
    offer = _offer(offer_id)
    organisation = current_session().get(Organisation, offer.org_id)
    own = current_actor().role in GIVERS
    papers = papers_of(current_session(), offer_id)
    return render("offers/one.html", offer=offer, organisation=organisation, own=own, papers=papers, **_words())


@bp.get("/export.xlsx")
@guard("offer:post")
@leaves
def export_xlsx() -> ResponseReturnValue:
    """The giver's resources as a spreadsheet that can be brought in again."""
    return _exported("xlsx", content_type=XLSX)


@bp.get("/export.csv")
@guard("offer:post")
@leaves
def export_csv() -> ResponseReturnValue:
    """The same as CSV."""
    return _exported("csv", content_type="text/csv; charset=utf-8")


@bp.get("/export.hsds.json")
@guard("offer:post")
@leaves
def export_hsds() -> ResponseReturnValue:
    """The giver's services as HSDS JSON."""
    data = services_file(current_session(), "json", actor=current_actor(), now=datetime.now(UTC))
    return file(data, name="services.json", content_type="application/json")


@bp.get("/export.hsds.zip")
@guard("offer:post")
@leaves
def export_hsds_tables() -> ResponseReturnValue:
    """The same as a package of tables."""
    data = services_file(current_session(), "zip", actor=current_actor(), now=datetime.now(UTC))
    return file(data, name="services.zip", content_type="application/zip")


def _exported(kind: Format, *, content_type: str) -> ResponseReturnValue:
    actor, now = current_actor(), datetime.now(UTC)
    data = offers_file(current_session(), kind, actor=actor, now=now, lang=language())
    return file(data, name=f"resources.{kind}", content_type=content_type)


@bp.post("/<offer_id>/pause")
@guard("offer:edit")
@writes
def pause(offer_id: str) -> ResponseReturnValue:
    """Stop matching for a while."""
    return _acted(service.pause_offer, offer_id, _("Paused. Nothing more is matched until you open it again."))


@bp.post("/<offer_id>/reopen")
@guard("offer:edit")
@writes
def reopen(offer_id: str) -> ResponseReturnValue:
    """Match again."""
    return _acted(service.reopen_offer, offer_id, _("Open again."))


@bp.post("/<offer_id>/reconfirm")
@guard("offer:edit")
@writes
def reconfirm(offer_id: str) -> ResponseReturnValue:
    """Say that it still stands."""
    offer = service.reconfirm_offer(current_session(), offer_id, actor=current_actor(), now=datetime.now(UTC))
    told = {
        OfferState.HELD: _("Confirmed. It still waits until civil affairs has asked."),
        OfferState.PAUSED: _("Confirmed. It is still paused: open it again when it may be matched."),
    }
    message = told.get(offer.state, _("Confirmed: it lasts another half year."))
    return done(message, to=url_for(".one", offer_id=offer_id))


@bp.route("/ending", methods=["GET", "POST"])
@guard("offer:edit")
@writes
def ending() -> ResponseReturnValue:
    """Ask, then say of all that end soon that they still stand."""
    session, actor, now = current_session(), current_actor(), datetime.now(UTC)
    found = expiry.count_ending(session, actor.org_id or "", now=now)
    if request.method == "POST":
        many = expiry.confirm_ending(session, actor=actor, now=now)
        return done(_("Confirmed for another half year: %(count)s.", count=many), to=url_for(".mine"))
    if not found:
        return done(_("Nothing ends within two weeks."), to=url_for(".mine"))
    return confirm(
        layout="charity",
        title=_("Do all that end soon still stand?"),
        button=_("They all still stand"),
        back=url_for(".mine"),
        intro=_("Each lasts another half year at least. What is paused, or waits for civil affairs, stays so."),
        facts=[{"label": _("End within two weeks"), "value": found}],
    )


@bp.post("/<offer_id>/release")
@guard("offer:release")
@writes
def release(offer_id: str) -> ResponseReturnValue:
    """Staff: the amounts are meant."""
    return _acted(service.release_offer, offer_id, _("Released: it is matched from now on."))


@bp.route("/<offer_id>/close", methods=["GET", "POST"])
@guard("offer:edit")
@writes
def close(offer_id: str) -> ResponseReturnValue:
    """Ask, then end it for good."""
    offer = _offer(offer_id)
    if request.method == "POST":
        return _acted(service.close_offer, offer_id, _("Closed. What is promised is still delivered."))
    return confirm(
        layout="charity",
        title=_("Close this resource for good?"),
        button=_("Close it"),
        back=url_for(".one", offer_id=offer_id),
        intro=_("Nothing more is matched with it. What is promised already is still delivered."),
        facts=[{"label": _("Name"), "value": offer.title}],
        danger=True,
    )


def _acted(act: Callable[..., Offer], offer_id: str, message: str) -> ResponseReturnValue:
    act(current_session(), offer_id, actor=current_actor(), now=datetime.now(UTC))
    return done(message, to=url_for(".one", offer_id=offer_id))


def _offer(offer_id: str) -> Offer:
    return service.get_offer(current_session(), offer_id, actor=current_actor())


def _words() -> dict[str, Any]:
    today = local_day(utc_now())
    return {"states": STATES, "acceptance": ACCEPTANCE, "today": today, "soon": today + service.SOON}
