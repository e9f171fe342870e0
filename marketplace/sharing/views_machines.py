"""A giver's own machines: which there are, asking for one, one more key, a key out of use; and the API's description.

Enters: a manager of an organisation with the public key of its machine. Leaves: a request that two people of staff
decide on. The description is public and shows nothing but the API itself.
"""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard, own_org
from marketplace.reference.words import choices
from marketplace.sharing import clients
from marketplace.sharing.description import describe
from marketplace.sharing.doors import SENTENCES, bp
from marketplace.web import Form, ManyField, TextField, _, _l, current_session, done, render, writes
from marketplace.web.display import language


class MachineForm(Form):
    """What the machine is called, may do, and signs with; nothing is ticked beforehand."""

    title = TextField(_l("What do you call it?"), longest=60)
    scopes = ManyField(_l("What may it do?"), required=_l("Choose at least one thing that the machine may do."))
    jwk = TextField(_l("Its public key"), longest=1000, lines=6)
    webhook_url = TextField(_l("Where to tell it of changes"), required=False, longest=200)


class KeyForm(Form):
    """One more public key."""

    jwk = TextField(_l("Its public key"), longest=1000, lines=6)


@bp.get("/our-machines/")
@guard("client:list")
def own_machines() -> ResponseReturnValue:
    """The organisation's machines with their keys."""
    session, org_id = current_session(), own_org()
    rows = clients.list_clients(session, actor=current_actor(), org_id=org_id)
    keys = {row.id: clients.keys_of(session, row.id) for row in rows}
    return render("sharing/own_machines.html", machines=rows, keys=keys)


@bp.route("/our-machines/new", methods=["GET", "POST"])
@guard("client:ask")
@writes
def new_machine() -> ResponseReturnValue:
    """Ask for a machine."""
    form = MachineForm()
    form.scopes.choices = choices("api_scope", lang=language())
    if form.validate_on_submit():
        try:
            clients.ask_client(
                current_session(),
                own_org(),
                title=form.title.data,
                scopes=form.scopes.data or [],
                jwk=form.jwk.data,
                webhook_url=form.webhook_url.data or "",
                actor=current_actor(),
                now=utc_now(),
            )
        except BadInput as error:
            _tell(form, error)
        else:
            return done(_("Asked for. Two people of civil affairs decide on it."), to=url_for(".own_machines"))
    return render("sharing/new_machine.html", form=form)


@bp.route("/our-machines/<client_id>/key", methods=["GET", "POST"])
@guard("client:ask")
@writes
def new_key(client_id: str) -> ResponseReturnValue:
    """Upload one more key."""
    session, form = current_session(), KeyForm()
    machine = clients.get_client(session, client_id, actor=current_actor())
    if form.validate_on_submit():
        try:
            clients.add_key(session, client_id, jwk=form.jwk.data, actor=current_actor(), now=utc_now())
        except BadInput as error:
            _tell(form, error)
        else:
            return done(_("Uploaded. It works when two people have approved it."), to=url_for(".own_machines"))
    return render("sharing/new_key.html", form=form, machine=machine)


def _tell(form: Any, error: BadInput) -> None:
    """Put the error beside its field; one that no field can mend is raised again."""
    name = str(error.facts.get("field", ""))
    if error.code not in SENTENCES or name not in form:
        raise error
    form[name].errors = [SENTENCES[error.code]]


@bp.post("/machine-keys/<kid>/retire")
@guard("client:retire_key")
@writes
def retire_key(kid: str) -> ResponseReturnValue:
    """Take a key out of use at once."""
    clients.retire_key(current_session(), kid, actor=current_actor(), now=utc_now())
    back = ".own_machines" if current_actor().org_id else ".machines"
    return done(_("Out of use from now on."), to=url_for(back))


@bp.get("/partner-api")
@guard("api:open")
def description() -> ResponseReturnValue:
    """What the API takes and gives, made from its own code."""
    return render("sharing/description.html", told=describe(current_app))
