"""The pages on which a giver posts, copies or changes an offer: short steps, then check-answers, then the receipt.

Enters: requests of a giver's people. Leaves: one page a step, each kept in the draft, with the number of households
that the offer would fit (from the weekly counts). Works without scripts; every step has its own address.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from marketplace.calendar import after_last, last_before, local_day, utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.intake import sentence
from marketplace.offers import drafts, service
from marketplace.offers.blueprint import bp
from marketplace.offers.demand import latest_demand
from marketplace.offers.forms import ACCEPTANCE, NAMES, PAPER, STEPS, Step, offer_choices
from marketplace.offers.models import OfferDraft
from marketplace.offers.terms import DAYS, EVERYWHERE, Fault, Terms, faults, served_districts
from marketplace.organisations.programmes import NEAR, programmes
from marketplace.reference.needs import NeedKind, list_need_kinds, need_kind
from marketplace.web import _, confirm, current_session, done, render, writes
from marketplace.web.display import language


@bp.post("/drafts")
@guard("offer:post")
@writes
def start() -> ResponseReturnValue:
    """Begin a new offer."""
    actor = current_actor()
    draft = drafts.start_draft(current_session(), org_id=actor.org_id or "", actor=actor, now=datetime.now(UTC))
    return _to(draft, "kind")


@bp.post("/<offer_id>/copy")
@guard("offer:post")
@writes
def copy(offer_id: str) -> ResponseReturnValue:
    """Begin a new offer on the terms of an old one."""
    draft = drafts.draft_copy(current_session(), offer_id, actor=current_actor(), now=datetime.now(UTC))
    return _to(draft, "check")


@bp.post("/<offer_id>/change")
@guard("offer:edit")
@writes
def change(offer_id: str) -> ResponseReturnValue:
    """Begin to change an offer."""
    draft = drafts.draft_change(current_session(), offer_id, actor=current_actor(), now=datetime.now(UTC))
    return _to(draft, "check")


@bp.route("/drafts/<draft_id>/<name>", methods=["GET", "POST"])
@guard("offer:post")
@writes
def step(draft_id: str, name: str) -> ResponseReturnValue:
    """One step: its question, what was answered before, and how many households it fits so far."""
    draft, here = _draft(draft_id), _step(name)
    if name != "kind" and not draft.answers.get("category"):
        return _to(draft, "kind")
    form = here.form(_kind(draft))(data=_given(draft, here))
    offer_choices(form, on=_today())
    if draft.offer_id is not None and "category" in form:
        form.category.choices = [c for c in form.category.choices if c[0] == draft.answers["category"]]
    if draft.offer_id is None:
        _without_paper(form)
    if "project" in form:
        form.project.among = programmes(current_session(), draft.org_id).names()
    if form.validate_on_submit() and _kept(draft, here, form):
        return _next(draft, here)
    return render("offers/step.html", draft=draft, step=here, form=form, number=NAMES.index(name) + 1, **_frame(draft))


@bp.route("/drafts/<draft_id>/check", methods=["GET", "POST"])
@guard("offer:post")
@writes
def check(draft_id: str) -> ResponseReturnValue:
    """All answers on one page, each with its way back; posting is the last act."""
    draft = _draft(draft_id)
    terms = drafts.terms_now(current_session(), draft)
    found = [Fault(name, "changed_meanwhile", {}) for name in drafts.changed_meanwhile(current_session(), draft)]
    wrong = {fault.field: _told(fault) for fault in (*faults(terms, on=_today()), *found)}
    if request.method == "POST" and not wrong:
        try:
            offer = drafts.finish_draft(current_session(), draft, actor=current_actor(), now=datetime.now(UTC))
        except BadInput as error:
            wrong = {str(error.facts["field"]): " ".join(sentence(error.code, error.facts, lang=language()))}
        else:
            if draft.offer_id is not None:
                return done(
                    _("The changes are saved. They count for later matches."), to=url_for(".one", offer_id=offer.id)
                )
            return redirect(url_for(".posted", offer_id=offer.id), code=303)
    status = 422 if request.method == "POST" else 200
    page = {"terms": terms, "wrong": wrong, "acceptance": ACCEPTANCE}
    return render("offers/check.html", status=status, draft=draft, **page, **_frame(draft))


@bp.get("/<offer_id>/posted")
@guard("offer:view")
def posted(offer_id: str) -> ResponseReturnValue:
    """The receipt: its number and what happens next."""
    offer = service.get_offer(current_session(), offer_id, actor=current_actor())
    return render("offers/posted.html", offer=offer)


@bp.route("/drafts/<draft_id>/drop", methods=["GET", "POST"])
@guard("offer:post")
@writes
def drop(draft_id: str) -> ResponseReturnValue:
    """Ask, then throw the draft away."""
    draft = _draft(draft_id)
    if request.method == "POST":
        drafts.drop_draft(current_session(), draft, actor=current_actor())
        return done(_("The draft is gone."), to=url_for(".mine"))
    return confirm(
        layout="charity",
        title=_("Throw this draft away?"),
        button=_("Throw it away"),
        back=url_for(".check", draft_id=draft.id),
        facts=[{"label": _("Name"), "value": draft.answers.get("title") or "—"}],
        danger=True,
    )


def _without_paper(form: Any) -> None:
    """A new offer loosens nothing, so the donor is asked for no paper."""
    for name in PAPER:
        if name in form:
            del form[name]


def _draft(draft_id: str) -> OfferDraft:
    return drafts.get_draft(current_session(), draft_id, actor=current_actor())


def _step(name: str) -> Step:
    if name not in NAMES:
        raise NotFound("not_found")
    return STEPS[NAMES.index(name)]


def _kind(draft: OfferDraft) -> NeedKind:
    return need_kind(draft.answers.get("category") or list_need_kinds()[0].code)


def _given(draft: OfferDraft, here: Step) -> dict[str, Any]:
    """What this step was answered before, as its form's values."""
    kept = {name: draft.answers[name] for name in here.fields if draft.answers.get(name) is not None}
    kept |= {name: date.fromisoformat(kept[name]) for name in (*DAYS, "donor_signed_on") if name in kept}
    if "valid_to" in kept:
        kept["valid_to"] = last_before(kept["valid_to"])
    if "min_urgency" in here.fields:
        kept["min_urgency"] = str(kept.get("min_urgency", 0))
    if "lot" in here.fields and "lot" not in kept:
        kept["lot"] = 100 if _kind(draft).is_money else 1
    return kept


def _kept(draft: OfferDraft, here: Step, form: Any) -> bool:
    """Keep the step's answers, or tell what is wrong with them in the light of the earlier ones."""
    answers = {name: form[name].data for name in here.fields if name in form}
    answers |= {name: answers[name] or "" for name in ("donor_purpose", "project") if name in answers}
    answers |= {name: answers[name] or 0 for name in ("unit_cost_fen",) if name in answers}
    if answers.get("valid_to"):
        answers["valid_to"] = after_last(answers["valid_to"])
    if "min_urgency" in answers:
        answers["min_urgency"] = int(answers["min_urgency"])
    before = dict(draft.answers)
    drafts.save_answers(current_session(), draft, answers=answers, now=datetime.now(UTC))
    terms = drafts.terms_in(draft)
    wrong = [fault for fault in faults(terms, on=_today()) if fault.field in answers]
    if "project" in answers and not answers["other_project"]:
        near = programmes(current_session(), draft.org_id).near(terms.project)
        wrong += [Fault("project", NEAR, {"known": near})] if near else []
    for fault in wrong:
        form[fault.field].errors = [_told(fault)]
    if wrong:
        draft.answers = before
    return not wrong


def _next(draft: OfferDraft, here: Step) -> Response:
    if request.form.get("go") == "stay":
        return redirect(request.full_path.rstrip("?"), code=303)
    if request.args.get("to") == "check" or here is STEPS[-1]:
        return _to(draft, "check")
    return _to(draft, NAMES[NAMES.index(here.name) + 1])


def _told(fault: Fault) -> str:
    return " ".join(sentence(fault.code, fault.facts, lang=language()))


def _to(draft: OfferDraft, name: str) -> Response:
    where = url_for(".check", draft_id=draft.id) if name == "check" else url_for(".step", draft_id=draft.id, name=name)
    return redirect(where, code=303)


def _frame(draft: OfferDraft) -> dict[str, Any]:
    """What every step shows: the kind, and how many households the offer fits so far."""
    terms = drafts.terms_in(draft)
    return {"need_kind": _kind(draft), "total": len(STEPS), "fit": _fit(terms) if terms.category else None}


def _fit(terms: Terms) -> dict[str, Any]:
    demand = latest_demand(current_session())
    districts = tuple(sorted(served_districts(terms) - {EVERYWHERE}))
    found = demand.households(terms.category, districts) if demand else 0
    portion = max(terms.lot, terms.min_per_need, 1)
    return {
        "week_on": demand.week_on if demand else None,
        "households": found,
        "reach": terms.stock_units // portion,
        "narrowed": bool(terms.tags_any or terms.tags_all or terms.tags_none or terms.donor_tags or terms.min_urgency),
    }


def _today() -> date:
    return local_day(utc_now())
