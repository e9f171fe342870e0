"""Helpers come in: with the code of one day, or as a standing agent by their own telephone.

Enters: anybody. Leaves: a cookie of a session under one power. Tries are counted even when the answer is no.
"""

from __future__ import annotations

from flask import make_response, redirect, request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue

from marketplace.accounts import service as accounts
from marketplace.accounts.cookies import settings, with_cookie
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotAllowed
from marketplace.guards import guard
from marketplace.proxies import agents, service
from marketplace.proxies.doors import SENTENCES, bp, say
from marketplace.sealed import vault_of
from marketplace.web import CodeField, Form, TextField, _, _l, current_database, current_session, render


class HelperForm(Form):
    """The code, and who the helper is."""

    code = TextField(_l("The code that the person gave you"), longest=12)
    name = TextField(_l("Your name"), longest=60)
    phone = TextField(_l("Your mobile number"), longest=20)


class AgentForm(Form):
    """An agent's own telephone."""

    phone = TextField(_l("Your mobile number"), longest=20)


class DigitsForm(Form):
    """The six digits."""

    code = CodeField(_l("The 6 digits we sent you"))


@bp.get("/enter")
@guard("power:enter")
def enter() -> ResponseReturnValue:
    """Ask for the code of the day."""
    return render("proxies/enter.html", form=HelperForm())


@bp.post("/enter")
@guard("power:enter")
def enter_submit() -> ResponseReturnValue:
    """Compare; the household is told who came in."""
    form, token = HelperForm(), ""
    if not form.validate_on_submit():
        return render("proxies/enter.html", form=form)
    given = {"name": form.name.data or "", "phone": form.phone.data or "", "network": request.remote_addr or ""}
    with current_database().transaction() as session:
        try:
            token = service.accept(session, form.code.data or "", **given, now=utc_now())
        except NotAllowed as error:
            form.code.errors = [SENTENCES.get(error.code) or _("Too many tries. Wait a quarter of an hour.")]
        except BadInput as error:
            say(form, error)
    return _inside(token) if token else render("proxies/enter.html", form=form)


def _inside(token: str) -> ResponseReturnValue:
    return with_cookie(make_response(redirect(url_for("portal.household_home"), code=303)), token)


@bp.get("/agent")
@guard("power:enter")
def agent() -> ResponseReturnValue:
    """Ask for an agent's telephone."""
    return render("proxies/agent.html", form=AgentForm())


@bp.post("/agent")
@guard("power:enter")
def agent_submit() -> ResponseReturnValue:
    """Send digits if this telephone stands for somebody; say the same either way."""
    form = AgentForm()
    if not form.validate_on_submit():
        return render("proxies/agent.html", form=form)
    with current_database().transaction() as session:
        try:
            index = vault_of(session).index("phone", service.plain_phone(form.phone.data or ""))
            code = agents.send_code(session, index, network=request.remote_addr or "", now=utc_now())
        except BadInput as error:
            say(form, error)
        except NotAllowed:
            form.phone.errors = [_("Too many tries. Wait a quarter of an hour.")]
        else:
            form_session["agent"] = [index, code.id]
    if form.errors or form.phone.errors:
        return render("proxies/agent.html", form=form)
    return redirect(url_for(".agent_code"), code=303)


@bp.get("/agent/code")
@guard("power:enter")
def agent_code() -> ResponseReturnValue:
    """Ask for the digits."""
    shown = ""
    if settings().demo and "agent" in form_session:
        shown = accounts.code_text(current_session(), form_session["agent"][1])
    return render("proxies/agent_code.html", form=DigitsForm(), shown_code=shown)


@bp.post("/agent/code")
@guard("power:enter")
def agent_code_submit() -> ResponseReturnValue:
    """Compare; an agent of several people comes in for the one whose power is oldest and goes on from there."""
    form, token = DigitsForm(), ""
    if not form.validate_on_submit():
        return render("proxies/agent_code.html", form=form, shown_code="")
    index, code_id = form_session.get("agent", ["", ""])
    now = utc_now()
    with current_database().transaction() as session:
        try:
            powers = agents.enter(session, index, form.code.data or "", code_id=code_id, now=now)
        except NotAllowed:
            powers = []
        if powers:
            token = service.open_session(session, powers[0], now=now)
    if token:
        form_session.pop("agent", None)
        return _inside(token)
    form.code.errors = [_("This code does not fit, or it is too old. Ask for a new one.")]
    return render("proxies/agent_code.html", form=form, shown_code="")
