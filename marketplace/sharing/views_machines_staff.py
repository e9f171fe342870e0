"""Staff decide on machines: two different people let one in, one is enough to refuse or suspend.

Enters: an approver or the security administrator. Leaves: the decision, written down.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.organisations.models import Organisation
from marketplace.sharing import clients
from marketplace.sharing.doors import bp
from marketplace.sharing.models_api import ClientState, KeyState
from marketplace.web import _, current_session, done, render, writes


@bp.get("/machines/")
@guard("client:decide")
def machines() -> ResponseReturnValue:
    """All machines, those that wait first."""
    session = current_session()
    rows = clients.list_clients(session, actor=current_actor())
    wanted = select(Organisation.id, Organisation.name).where(col(Organisation.id).in_({row.org_id for row in rows}))
    names = dict(session.exec(wanted).all())
    keys = {row.id: clients.keys_of(session, row.id) for row in rows}
    return render("sharing/machines.html", machines=rows, keys=keys, names=names)


@bp.post("/machines/<client_id>/approve")
@guard("client:decide")
@writes
def approve_machine(client_id: str) -> ResponseReturnValue:
    """The first or the second yes."""
    client = clients.approve_client(current_session(), client_id, actor=current_actor(), now=utc_now())
    told = _("The machine is let in.") if client.state is ClientState.ACTIVE else _("Kept. A second person decides.")
    return done(told, to=url_for(".machines"))


@bp.post("/machines/<client_id>/refuse")
@guard("client:decide")
@writes
def refuse_machine(client_id: str) -> ResponseReturnValue:
    """No."""
    clients.refuse_client(current_session(), client_id, actor=current_actor(), now=utc_now())
    return done(_("Refused."), to=url_for(".machines"))


@bp.post("/machines/<client_id>/suspend")
@guard("client:decide")
@writes
def suspend_machine(client_id: str) -> ResponseReturnValue:
    """Shut the door at once."""
    clients.suspend_client(current_session(), client_id, actor=current_actor(), now=utc_now())
    return done(_("Suspended. Its tokens are refused from now on."), to=url_for(".machines"))


@bp.post("/machine-keys/<kid>/approve")
@guard("client:decide")
@writes
def approve_key(kid: str) -> ResponseReturnValue:
    """The first or the second yes to a later key."""
    key = clients.approve_key(current_session(), kid, actor=current_actor(), now=utc_now())
    told = _("The key works now.") if key.state is KeyState.ACTIVE else _("Kept. A second person decides.")
    return done(told, to=url_for(".machines"))
