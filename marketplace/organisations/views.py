"""Staff pages of the givers: list, register, look at one, suspend, take back.

Enters: requests of staff. Leaves: pages; the rules are in `organisations.service`. Registered by `marketplace.app`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.errors import DomainError
from marketplace.guards import current_actor, guard
from marketplace.organisations import service
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.reference.words import choices
from marketplace.web import (
    Form,
    OneField,
    Page,
    TextField,
    _,
    _l,
    confirm,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language

bp = Blueprint("organisations", __name__, url_prefix="/organisations")

CODE_FAULTS: dict[str, Any] = {
    "credit_code_length": _l("The code has 18 characters: count them on the certificate"),
    "credit_code_characters": _l("The code holds a character that never occurs in one: there is no I, O, S, V or Z"),
    "credit_code_check_digit": _l("The last character does not fit the others: compare the code with the certificate"),
    "credit_code_taken": _l("An organisation with this code is registered already"),
}
SENTENCES: dict[str, Any] = {
    "organisation_suspended": _l("This organisation is suspended. Civil affairs can tell you why and take it back."),
}
REASONS: dict[str, Any] = {
    "contract_ended": _l("The agreement has ended"),
    "licence": _l("Its registration or licence has lapsed"),
    "complaint": _l("A complaint is being looked into"),
    "spending": _l("It did not keep the spending rules of the Charity Law"),
    "asked": _l("It asked for it"),
}


class NewForm(Form):
    """What staff type for a new giver."""

    name = TextField(_l("Name, as on the certificate"), longest=120)
    kind = OneField(_l("Kind"), select=True)
    credit_code = TextField(_l("Unified social credit code"), longest=24)
    contact = TextField(_l("Contact at work"), required=False, longest=120)
    contract_ref = TextField(_l("Number of the agreement"), required=False, longest=64)


class SuspendForm(Form):
    """Why an organisation is stopped."""

    reason = OneField(_l("Reason"), list(REASONS.items()))


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
    return render("organisations/index.html", organisations=found, page=page, text=text, state=state)


@bp.route("/new", methods=["GET", "POST"])
@guard("organisation:register")
@writes
def new() -> ResponseReturnValue:
    """Register a giver."""
    form = NewForm()
    form.kind.choices = choices("organisation_kind", lang=language())
    if form.validate_on_submit():
        typed = service.NewOrganisation(
            name=form.name.data,
            kind=OrganisationKind(str(form.kind.data)),
            credit_code=form.credit_code.data,
            contact=form.contact.data or "",
            contract_ref=form.contract_ref.data or "",
        )
        try:
            made = service.register_organisation(current_session(), typed, actor=current_actor(), now=datetime.now(UTC))
        except DomainError as error:
            if error.code not in CODE_FAULTS:
                raise
            form.credit_code.errors = [CODE_FAULTS[error.code]]
        else:
            return done(_("The organisation is registered."), to=url_for(".one", org_id=made.id))
    return render("organisations/new.html", form=form)


@bp.get("/<org_id>")
@guard("organisation:list")
def one(org_id: str) -> ResponseReturnValue:
    """One giver."""
    return render("organisations/one.html", organisation=_organisation(org_id))


@bp.route("/<org_id>/suspend", methods=["GET", "POST"])
@guard("organisation:suspend")
@writes
def suspend(org_id: str) -> ResponseReturnValue:
    """Ask, then stop the organisation."""
    organisation, form = _organisation(org_id), SuspendForm()
    if form.validate_on_submit():
        service.suspend_organisation(
            current_session(), org_id, reason=str(form.reason.data), actor=current_actor(), now=datetime.now(UTC)
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
        service.reinstate_organisation(current_session(), org_id, actor=current_actor(), now=datetime.now(UTC))
        return done(_("The organisation may act again."), to=url_for(".one", org_id=org_id))
    return confirm(
        layout="staff",
        title=_("Take this organisation back?"),
        button=_("Take it back"),
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
