"""Overrides on pages: the list, the form to try one, the preview of what it would change, keeping and withdrawing.

Enters: staff, from a line, from a need left at zero, or from a need. Leaves: pages, and the acts of `overrides`. Only
pins and bans can be kept; the other kinds answer "what if" and end there.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import col, select
from wtforms import ValidationError

from marketplace.calendar import local_day, utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.intake.cells import names_somebody
from marketplace.needs.models import Need
from marketplace.offers.models import Offer, OfferState
from marketplace.proposals import outlook, overrides
from marketplace.proposals.doors import SENTENCES, bp
from marketplace.proposals.models import OverrideKind, OverrideState
from marketplace.proposals.outlook import KINDS, OFFER, Idea
from marketplace.proposals.overrides import Wish
from marketplace.reference import districts
from marketplace.reference.needs import MONEY
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import CountField, Form, OneField, TextField, YuanField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

KEEPABLE = {
    "pin": OverrideKind.PIN,
    "ban": OverrideKind.BAN,
    "ban_need": OverrideKind.BAN,
    "ban_offer": OverrideKind.BAN,
}
UNITS = ("pin", "reserve", "more")


class TryForm(Form):
    """What to try, and on which resource."""

    kind = OneField(_l("What do you want to try?"))
    offer = OneField(_l("Resource"), required=False, select=True)
    units = CountField(
        _l("Units (to pin, to reserve, or more of); yuan if the resource is money"),
        required=False,
        least=1,
        most=10**12,
    )
    district = OneField(_l("District (to reserve for)"), required=False, select=True)


class MoneyForm(TryForm):
    """The same where the resource is money."""

    units = YuanField(_l("Amount (to pin, to reserve, or more of)"), required=False)


def _nameless(_form: Form, field: Any) -> None:
    if names_somebody(str(field.data or "")):
        raise ValidationError(_("Leave ID and telephone numbers out of this text."))


class KeepForm(Form):
    """Why an override is kept; everybody of the staff can read it."""

    reason = TextField(_l("Why? (no personal data)"), longest=200, lines=2, rules=[_nameless])


def _need() -> Need | None:
    """The need that the address names, within the actor's districts; None if it names none."""
    need_id = request.args.get("need", "")[:32]
    need = current_session().get(Need, need_id) if need_id else None
    if need_id and (need is None or not current_actor().serves(need.district_code)):
        raise NotFound("need")
    return need


def _form(need: Need | None, *, given: bool) -> TryForm:
    session, lang = current_session(), language()
    named = request.form.get("offer", "") or request.args.get("offer", "")
    wanted = session.get(Offer, named[:32])
    like = need or wanted
    kind: type[TryForm] = MoneyForm if like is not None and like.unit == MONEY else TryForm
    usual = "pin" if need else "ban_offer"
    start: dict[str, Any] = {"kind": request.args.get("kind", usual)[:16], "offer": wanted.id if wanted else ""}
    if need and wanted:
        start["units"] = need.gap_units - need.committed_units
    form = kind() if given else kind(formdata=None, data=start)
    open_ones = select(Offer).where(col(Offer.state) == OfferState.OPEN).order_by(col(Offer.title), col(Offer.id))
    if like is not None and (need or request.args.get("offer")):
        open_ones = open_ones.where(col(Offer.category) == like.category)
    form.offer.choices = [(offer.id, offer.title) for offer in session.exec(open_ones)]
    form.district.choices = [(d.code, d.name(lang=lang)) for d in districts.current(local_day(utc_now()))]
    words = {
        "pin": _("Pin: this need gets at least so many units of the resource"),
        "ban": _("Ban: this need gets nothing of the resource"),
        "ban_need": _("Ban: this need gets nothing of any resource"),
        "ban_offer": _("Ban: the resource goes to nobody"),
        "reserve": _("What if so many units were reserved for a district?"),
        "more": _("What if there were so many more units of the resource?"),
        "order": _("What if the other order of the policy held?"),
    }
    shown = [code for code, side in KINDS.items() if need or side not in ("pair", "need")]
    form.kind.choices = [(code, words[code]) for code in shown]
    return form


def _idea(form: TryForm, need: Need | None) -> Idea | None:
    """What the form says, or None after telling the form what is missing."""
    if not form.validate_on_submit():
        return None
    kind = str(form.kind.data)
    side = KINDS[kind]
    missing = [
        field
        for field, wanted in (
            (form.offer, side in ("pair", OFFER)),
            (form.units, kind in UNITS),
            (form.district, kind == "reserve"),
        )
        if wanted and not field.data
    ]
    for field in missing:
        field.errors = [_("Fill this in for what you want to try")]
    if missing:
        return None
    return Idea(
        kind=kind,
        need_id=need.id if need and side in ("pair", "need") else "",
        offer_id=str(form.offer.data) if side in ("pair", OFFER) else "",
        units=int(form.units.data or 0) if kind in UNITS else 0,
        district=str(form.district.data) if kind == "reserve" else "",
    )


@bp.route("/overrides/", methods=["GET"])
@guard("override:list")
def list_overrides() -> ResponseReturnValue:
    """What counts in the next run and what was withdrawn."""
    session, actor = current_session(), current_actor()
    state = OverrideState.WITHDRAWN if request.args.get("state") == "withdrawn" else OverrideState.STANDING
    page = Page(number=page_number(), total=overrides.count_overrides(session, state, actor=actor))
    rows = overrides.list_overrides(session, state, actor=actor, now=utc_now(), offset=page.offset, limit=page.size)
    return pages.render("proposals/overrides.html", rows=rows, page=page, state=state.value)


@bp.route("/overrides/try", methods=["GET"])
@guard("override:try")
def try_override() -> ResponseReturnValue:
    """Choose what to try; without a finished run there is nothing to try it on."""
    need = _need()
    try:
        run = outlook.run_to_try(current_session(), request.args.get("run", "")[:32])
    except NotFound:
        run = None
    return pages.render("proposals/try.html", form=_form(need, given=False), need=need, run=run)


@bp.route("/overrides/preview", methods=["POST"])
@guard("override:try")
def preview_override() -> ResponseReturnValue:
    """Who would gain and who would lose; nothing is written."""
    return _preview(None)


@bp.route("/overrides/preview", methods=["GET"])
@guard("override:try")
def try_again() -> ResponseReturnValue:
    """Where a change of language or text size on the preview leads: back to the form, for what was typed is not in the
    address."""
    names = ("need", "run", "lang", "text")
    kept: dict[str, Any] = {name: request.args[name] for name in names if name in request.args}
    return redirect(url_for("proposals.try_override", **kept), code=303)


def _preview(keep: KeepForm | None) -> ResponseReturnValue:
    session, need = current_session(), _need()
    run = outlook.run_to_try(session, request.args.get("run", "")[:32])
    form = _form(need, given=True)
    idea = _idea(form, need)
    if idea is None:
        return pages.render("proposals/try.html", form=form, need=need, run=run)
    wish = _wish(idea)
    refusal = overrides.refusal(session, wish, actor=current_actor(), now=utc_now()) if wish else ""
    trial = outlook.attempt(session, run, idea, actor=current_actor())
    hopeless = idea.kind == "pin" and bool(trial.conflict)
    context: dict[str, Any] = {
        "run": run,
        "need": need,
        "idea": idea,
        "offer": session.get(Offer, idea.offer_id) if idea.offer_id else None,
        "what": dict(form.kind.choices)[idea.kind],
        "trial": trial,
        "keep": (keep or KeepForm(formdata=None)) if wish and not refusal and not hopeless else None,
        "refusal": SENTENCES.get(refusal, ""),
        "sent": [(name, request.form.get(name, "")) for name in ("kind", "offer", "units", "district")],
    }
    return pages.render("proposals/tried.html", **context)


def _wish(idea: Idea) -> Wish | None:
    kind = KEEPABLE.get(idea.kind)
    return Wish(kind, idea.need_id, idea.offer_id, idea.units) if kind else None


@bp.route("/overrides/keep", methods=["POST"])
@guard("override:keep")
@writes
def keep_override() -> ResponseReturnValue:
    """Keep what was tried for the next runs, with a reason."""
    need, keep = _need(), KeepForm()
    idea = _idea(_form(need, given=True), need)
    wish = _wish(idea) if idea else None
    if wish is None or not keep.validate_on_submit():
        return _preview(keep)
    overrides.keep(current_session(), wish, reason=str(keep.reason.data), actor=current_actor(), now=utc_now())
    return pages.done(_("Kept: it counts from the next run on."), to=url_for("proposals.list_overrides"))


@bp.route("/overrides/keep", methods=["GET"])
@guard("override:try")
def keep_again() -> ResponseReturnValue:
    """The same for a preview that asked for a reason."""
    return try_again()


@bp.route("/overrides/<override_id>/withdraw", methods=["POST"])
@guard("override:withdraw")
@writes
def withdraw_override(override_id: str) -> ResponseReturnValue:
    """Take one back."""
    overrides.withdraw(current_session(), override_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Withdrawn: the next run no longer counts it."), to=url_for("proposals.list_overrides"))
