"""A giver's own pages: its agreement and purposes, its yearly budget, and the people whom it may not help.

Enters: requests of a giver's people. Leaves: pages; the rules are in `organisations.service` and `.related`. The list
of related people comes in by hand or by file; the numbers themselves are never shown again.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput, DomainError
from marketplace.guards import current_actor, guard
from marketplace.intake import ImportKind, sentence
from marketplace.organisations import related, service
from marketplace.organisations.blueprint import bp
from marketplace.organisations.forms import UNREACHABLE, BudgetForm, ContactForm, OnCallForm, RelatedForm, fill
from marketplace.organisations.models import OrganisationKind, Relation
from marketplace.organisations.spending import spending_of
from marketplace.web import _, _l, current_session, done, render, writes
from marketplace.web.desk import Desk
from marketplace.web.display import language


@bp.get("/ours")
@guard("organisation:own")
def ours() -> ResponseReturnValue:
    """What is agreed with us, and the ways to budget, team and related people."""
    organisation = service.get_own(current_session(), actor=current_actor())
    return render("organisations/ours.html", organisation=organisation)


@bp.route("/ours/budget", methods=["GET", "POST"])
@guard("organisation:budget")
@writes
def budget() -> ResponseReturnValue:
    """The most money in a calendar year."""
    session, actor = current_session(), current_actor()
    organisation = service.get_own(session, actor=actor)
    now, foundation = utc_now(), organisation.kind is OrganisationKind.FOUNDATION
    told = spending_of(organisation, year=local_day(now).year)
    income = organisation.income_fen if told is not None else None
    form = BudgetForm(data={"yearly_budget_fen": organisation.yearly_budget_fen, "income_fen": income})
    if not foundation:
        del form.income_fen
    if form.validate_on_submit():
        kept = {"yearly_budget_fen": form.yearly_budget_fen.data} | (
            {"income_fen": form.income_fen.data} if foundation else {}
        )
        service.keep_budget(session, organisation.id, **kept, actor=actor, now=now)
        return done(_("Kept. It counts from the next match on."), to=url_for(".budget" if foundation else ".ours"))
    return render("organisations/budget.html", form=form, spending=told)


@bp.route("/ours/contact", methods=["GET", "POST"])
@guard("organisation:contact")
@writes
def contact() -> ResponseReturnValue:
    """Where our letters go."""
    session, actor = current_session(), current_actor()
    organisation = service.get_own(session, actor=actor)
    form = ContactForm(data={"contact": organisation.contact})
    if form.validate_on_submit():
        try:
            service.keep_contact(session, organisation.id, contact=form.contact.data or "", actor=actor, now=utc_now())
        except BadInput:
            form.contact.errors = [UNREACHABLE]
        else:
            return done(_("Kept. The next letter goes there."), to=url_for(".ours"))
    return render("organisations/contact.html", form=form)


@bp.route("/ours/on-call", methods=["GET", "POST"])
@guard("organisation:on_call")
@writes
def on_call() -> ResponseReturnValue:
    """Whom an urgent case reaches at night."""
    session, actor = current_session(), current_actor()
    organisation = service.get_own(session, actor=actor)
    form = OnCallForm(data={"on_call_contact": organisation.on_call_contact})
    if form.validate_on_submit():
        said = form.on_call_contact.data or ""
        try:
            service.keep_on_call(session, organisation.id, contact=said, actor=actor, now=utc_now())
        except BadInput:
            form.on_call_contact.errors = [UNREACHABLE]
        else:
            return done(_("Kept."), to=url_for(".ours"))
    return render("organisations/on_call.html", form=form)


@bp.route("/ours/related", methods=["GET", "POST"])
@guard("related:keep")
@writes
def related_people() -> ResponseReturnValue:
    """The list, and one more person on it."""
    session, actor, form = current_session(), current_actor(), fill(RelatedForm())
    if form.validate_on_submit():
        relation, number = Relation(str(form.relation.data)), form.id_number.data
        said: dict[str, Any] = {"reference": form.reference.data, "relation": relation, "id_number": number}
        try:
            related.add_related(session, **said, actor=actor, now=utc_now())
        except DomainError as error:
            _tell(form, error)
        else:
            return done(_("On the list. This number is not kept and not shown again."), to=url_for(".related_people"))
    return render("organisations/related.html", form=form, people=related.list_related(session, actor=actor))


def _tell(form: Any, error: DomainError) -> None:
    name = str(error.facts.get("field", ""))
    if name not in form:
        raise error
    told = {"reference_taken": _("Somebody on the list has this reference already")}
    form[name].errors = [told.get(error.code) or sentence(error.code, error.facts, lang=language())[0]]
    form.id_number.data = ""


@bp.post("/ours/related/<related_id>/remove")
@guard("related:keep")
@writes
def remove_related(related_id: str) -> ResponseReturnValue:
    """Take one person off the list."""
    related.remove_related(current_session(), related_id, actor=current_actor(), now=utc_now())
    return done(_("Taken off the list."), to=url_for(".related_people"))


desk = Desk(
    kind=ImportKind.RELATED,
    action="related:keep",
    layout="charity",
    title=_l("Bring in a list of related people"),
    intro=_l("One row a person, with your own reference and not a name. ID numbers are turned into marks at once."),
    home="organisations.related_people",
    home_title=_l("People related to us"),
    schema=lambda today: related.related_schema(today=today),
    check=related.check_file,
    confirm=related.confirm_import,
    counts={
        "new": (_l("New people"), ""),
        "changed": (_l("Changed people"), ""),
        "same": (_l("Unchanged, left as they are"), ""),
    },
)
desk.install(bp)
