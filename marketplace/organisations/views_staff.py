"""Staff pages of the givers: list, register, propose and decide on an agreement, suspend, take back.

Enters: requests of staff. Leaves: pages; the rules are in `organisations.service` and `.agreements`. Registered by
`marketplace.app` through `views`; the giver's own pages and the public one are hung onto the same blueprint.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import after_last, utc_now
from marketplace.errors import BadInput, DomainError, WrongState
from marketplace.guards import current_actor, guard
from marketplace.organisations import agreements, alike, entering, reported_names, service
from marketplace.organisations.blueprint import bp
from marketplace.organisations.forms import REASONS, UNREACHABLE, AgreementForm, NewForm, SuspendForm, fill, typed
from marketplace.organisations.models import Organisation, OrganisationState
from marketplace.web import Page, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language
from marketplace.web.formats import day, last_before

STATES: dict[OrganisationState, tuple[Any, str]] = {
    OrganisationState.APPLIED: (_l("Waits for approval"), "wait"),
    OrganisationState.ACTIVE: (_l("Active"), "done"),
    OrganisationState.SUSPENDED: (_l("Suspended"), "late"),
    OrganisationState.REFUSED: (_l("Refused"), "plain"),
}
CODE_FAULTS: dict[str, Any] = {
    "credit_code_length": _l("The code has 18 characters: count them on the certificate"),
    "credit_code_characters": _l("The code holds a character that never occurs in one: there is no I, O, S, V or Z"),
    "credit_code_check_digit": _l("The last character does not fit the others: compare the code with the certificate"),
    "credit_code_taken": _l(
        "An organisation with this code is registered already. "
        "A department, branch or campus writes the whole name and its own behind it."
    ),
}
FAULTS: dict[str, Any] = {
    **CODE_FAULTS,
    "contact_unreachable": UNREACHABLE,
    "trust_incomplete": _l("A charitable trust names its trustee, its supervisor and the number of its filing"),
    "agreement_reversed": _l("The agreement cannot end before it begins"),
    "team_has_manager": _l("Somebody manages this team already, or the organisation may not act now."),
    "agreement_over": _l("The agreement must end after today"),
    "agreement_purposes": _l("Choose at least one purpose"),
}
FIELD_OF = {"valid_to": "contract_to"}
"""Fields of an agreement that the form names otherwise."""
SENTENCES: dict[str, Any] = {
    "organisation_suspended": _l("This organisation is suspended. Civil affairs can tell you why and take it back."),
    "organisation_not_approved": _l("This organisation is not approved yet."),
    "registers_and_approves": _l("Who proposed this agreement may not approve it: a second person decides."),
    "no_agreement_waits": _l("No agreement waits for a decision here."),
    "agreement_waits": _l("An agreement waits for a decision already."),
    "agreement_over": _l("The agreement has ended: propose a new one."),
    "organisation_refused": _l("This organisation was refused. It may apply again."),
    "pair_decided": _l("Somebody has decided on this pair already. Look at it again; you can take it back."),
    "pair_open": _l("This pair is open already: there is nothing to take back."),
    "purpose_above_ceiling": _l("This lies outside the purposes of the organisation's agreement."),
}


@bp.get("/")
@guard("organisation:list")
def index() -> ResponseReturnValue:
    """All givers by name, narrowed by a piece of name or code and by state."""
    text, state = request.args.get("text", "").strip()[:60], request.args.get("state", "")
    number = page_number()
    wanted = OrganisationState(state) if state in set(OrganisationState) else None
    found, total = service.list_organisations(
        current_session(), actor=current_actor(), text=text, state=wanted, offset=Page(number, 0).offset
    )
    page = Page(number=number, total=total)
    more: dict[str, Any] = {"states": STATES, "alike": alike.count_open(current_session())}
    more["alike"] += reported_names.count_open(current_session())
    return render("organisations/index.html", organisations=found, page=page, text=text, state=state, **more)


@bp.route("/new", methods=["GET", "POST"])
@guard("organisation:register")
@writes
def new() -> ResponseReturnValue:
    """Register a giver and propose its agreement."""
    form = fill(NewForm())
    if form.validate_on_submit():
        try:
            made = service.register_organisation(current_session(), typed(form), actor=current_actor(), now=utc_now())
        except DomainError as error:
            tell(form, error)
        else:
            told = _("The organisation is registered. A second person approves it before it may act.")
            return done(told, to=url_for(".one", org_id=made.id))
    return render("organisations/new.html", form=form)


def tell(form: Any, error: DomainError) -> None:
    """Put the error beside its field; one that no field can mend is raised again."""
    name = str(error.facts.get("field", ""))
    name = FIELD_OF.get(name, name)
    if error.code not in FAULTS or name not in form:
        raise error
    form[name].errors = [FAULTS[error.code]]


@bp.get("/<org_id>")
@guard("organisation:list")
def one(org_id: str) -> ResponseReturnValue:
    """One giver with its agreements and what waits for a decision."""
    organisation, session = _organisation(org_id), current_session()
    proposed = agreements.find_proposed(session, org_id)
    history = agreements.agreements_of(session, org_id)
    own = proposed is not None and proposed.proposed_by == current_actor().id
    page: dict[str, Any] = {"proposed": proposed, "history": history, "own": own, "states": STATES}
    page["unmanaged"] = entering.waits_for_manager(session, organisation)
    return render("organisations/one.html", organisation=organisation, reasons=REASONS, **page)


@bp.route("/<org_id>/agreement", methods=["GET", "POST"])
@guard("organisation:register")
@writes
def agreement(org_id: str) -> ResponseReturnValue:
    """Propose a first agreement, a renewal, or another ceiling."""
    organisation = _organisation(org_id)
    usual = organisation.purposes or agreements.usual_purposes(organisation.kind)
    form = fill(AgreementForm(data={"purposes": list(usual), "contract_ref": organisation.contract_ref}))
    if form.validate_on_submit():
        number, first, last = form.contract_ref.data, form.contract_from.data, form.contract_to.data
        terms = agreements.AgreementTerms(number, first, after_last(last), tuple(form.purposes.data))
        try:
            agreements.propose_agreement(current_session(), org_id, terms, actor=current_actor(), now=utc_now())
        except BadInput as error:
            tell(form, error)
        else:
            return done(_("Proposed. A second person decides."), to=url_for(".one", org_id=org_id))
    return render("organisations/agreement.html", form=form, organisation=organisation)


@bp.route("/<org_id>/approve", methods=["GET", "POST"])
@guard("organisation:approve")
@writes
def approve(org_id: str) -> ResponseReturnValue:
    """Ask, then put the proposed agreement in force."""
    if request.method == "POST":
        found = agreements.approve_organisation(current_session(), org_id, actor=current_actor(), now=utc_now())
        if entering.waits_for_manager(current_session(), found):
            return _show_code(found)
        return done(_("Approved: the agreement is in force from its first day on."), to=url_for(".one", org_id=org_id))
    return _decide(org_id, title=_("Approve this agreement?"), button=_("Approve"))


@bp.route("/<org_id>/manager", methods=["GET", "POST"])
@guard("organisation:approve")
@writes
def manager(org_id: str) -> ResponseReturnValue:
    """Ask, then make a new code for the first manager, where the first one was lost or ran out."""
    organisation = _organisation(org_id)
    if request.method == "POST":
        return _show_code(organisation)
    return confirm(
        layout="staff",
        title=_("Make a code for its manager?"),
        button=_("Make the code"),
        back=url_for(".one", org_id=org_id),
        intro=_("An older code that nobody has used works no more."),
        facts=_facts(organisation),
    )


def _show_code(organisation: Organisation) -> ResponseReturnValue:
    """The page with the code: shown once, kept by no browser."""
    made, code = entering.open_team(current_session(), organisation.id, actor=current_actor(), now=utc_now())
    response = render("organisations/invited.html", organisation=organisation, invitation=made, code=code)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/<org_id>/refuse", methods=["GET", "POST"])
@guard("organisation:approve")
@writes
def refuse(org_id: str) -> ResponseReturnValue:
    """Ask, then refuse the proposed agreement."""
    if request.method == "POST":
        agreements.refuse_organisation(current_session(), org_id, actor=current_actor(), now=utc_now())
        return done(_("The agreement is refused."), to=url_for(".one", org_id=org_id))
    return _decide(org_id, title=_("Refuse this agreement?"), button=_("Refuse"), danger=True)


def _decide(org_id: str, *, title: str, button: str, danger: bool = False) -> ResponseReturnValue:
    organisation = _organisation(org_id)
    proposed = agreements.find_proposed(current_session(), org_id)
    if proposed is None:
        raise WrongState("no_agreement_waits")
    comma = ", " if language() == "en" else "、"
    facts = [
        *_facts(organisation),
        {"label": _("Number of the agreement"), "value": proposed.number or "—"},
        {"label": _("Term"), "value": f"{day(proposed.valid_from)} – {day(last_before(proposed.valid_to))}"},
        {"label": _("Purposes"), "value": comma.join(word(code, "purpose") for code in proposed.purposes)},
    ]
    back = url_for(".one", org_id=org_id)
    return confirm(layout="staff", title=title, button=button, back=back, facts=facts, danger=danger)


@bp.route("/<org_id>/suspend", methods=["GET", "POST"])
@guard("organisation:suspend")
@writes
def suspend(org_id: str) -> ResponseReturnValue:
    """Ask, then stop the organisation."""
    organisation, form = _organisation(org_id), SuspendForm()
    if form.validate_on_submit():
        service.suspend_organisation(
            current_session(), org_id, reason=str(form.reason.data), actor=current_actor(), now=utc_now()
        )
        return done(_("The organisation is suspended."), to=url_for(".one", org_id=org_id))
    return confirm(
        layout="staff",
        title=_("Suspend this organisation?"),
        button=_("Suspend"),
        back=url_for(".one", org_id=org_id),
        intro=_("It posts nothing and is matched with nobody until it is taken back. What is approved stays approved."),
        facts=_facts(organisation),
        form=form,
        danger=True,
    )


@bp.route("/<org_id>/reinstate", methods=["GET", "POST"])
@guard("organisation:suspend")
@writes
def reinstate(org_id: str) -> ResponseReturnValue:
    """Ask, then let it act again."""
    organisation = _organisation(org_id)
    if request.method == "POST":
        service.reinstate_organisation(current_session(), org_id, actor=current_actor(), now=utc_now())
        return done(_("The organisation may act again."), to=url_for(".one", org_id=org_id))
    return confirm(
        layout="staff",
        title=_("Take this organisation back?"),
        button=_("Reinstate"),
        back=url_for(".one", org_id=org_id),
        facts=_facts(organisation),
    )


def _organisation(org_id: str) -> Organisation:
    return service.get_organisation(current_session(), org_id, actor=current_actor())


def _facts(organisation: Organisation) -> list[dict[str, str]]:
    return [
        {"label": _("Name"), "value": organisation.name},
        {"label": _("Unified social credit code"), "value": organisation.credit_code},
    ]
