"""A standing agent comes in by its own telephone, and goes from one of the people it acts for to another.

Enters: anybody with a telephone and the digits sent to it; an agent who is in already. Leaves: a cookie of a session
under one power. Tries are counted even when the answer is no. Who acts for several chooses for whom; the digits count
for that choice for a quarter of an hour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import redirect, request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.accounts import service as accounts
from marketplace.accounts.cookies import cookie_name
from marketplace.calendar import utc_now
from marketplace.errors import BadInput, NotAllowed, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.proxies import agents, service
from marketplace.proxies.doors import bp, say
from marketplace.proxies.models import HelpPower
from marketplace.proxies.views_enter import DigitsForm, inside, shown_digits
from marketplace.sealed import vault_of
from marketplace.web import Form, TextField, _, _l, current_database, current_session, render

PROVED_FOR = timedelta(minutes=15)


class AgentForm(Form):
    """An agent's own telephone."""

    phone = TextField(_l("Your mobile number"), longest=20)


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
    return render("proxies/agent_code.html", form=DigitsForm(), shown_code=shown_digits("agent"), way="agent")


@bp.post("/agent/code")
@guard("power:enter")
def agent_code_submit() -> ResponseReturnValue:
    """Compare; an agent of one person comes in for it, an agent of several is asked for whom."""
    form, token = DigitsForm(), ""
    if not form.validate_on_submit():
        return render("proxies/agent_code.html", form=form, shown_code="", way="agent")
    index, code_id = form_session.get("agent", ["", ""])
    now = utc_now()
    with current_database().transaction() as session:
        try:
            powers = agents.enter(session, index, form.code.data or "", code_id=code_id, now=now)
        except NotAllowed:
            powers = []
        if len(powers) == 1:
            accounts.sign_out(session, request.cookies.get(cookie_name(), ""))
            token = service.open_session(session, powers[0], now=now)
    if not powers:
        form.code.errors = [_("This code does not fit, or it is too old. Ask for a new one.")]
        return render("proxies/agent_code.html", form=form, shown_code="", way="agent")
    form_session.pop("agent", None)
    if token:
        return inside(token)
    form_session["agent_proved"] = [index, now.isoformat()]
    return redirect(url_for(".agent_people"), code=303)


@bp.get("/agent/people")
@guard("power:enter")
def agent_people() -> ResponseReturnValue:
    """For whom this agent may act, to choose from."""
    session, now = current_session(), utc_now()
    powers = _powers(session, now=now)
    if not powers:
        return redirect(url_for(".agent"), code=303)
    names = {one.id: masked_name(session, session.get(Person, one.subject_id)) for one in powers}
    return render("proxies/agent_people.html", powers=powers, names=names, here=current_actor().id)


@bp.post("/agent/people/<power_id>")
@guard("power:enter")
def agent_goes(power_id: str) -> ResponseReturnValue:
    """Come in for this one; the session for another one ends."""
    now = utc_now()
    with current_database().transaction() as session:
        power = next((one for one in _powers(session, now=now) if one.id == power_id), None)
        if power is None:
            raise NotFound("help_power")
        accounts.sign_out(session, request.cookies.get(cookie_name(), ""))
        token = service.open_session(session, power, now=now)
    form_session.pop("agent_proved", None)
    return inside(token)


def _powers(session: Session, *, now: datetime) -> list[HelpPower]:
    """Those of the telephone whose digits were right a moment ago, or of the agent who is in."""
    index, proved = form_session.get("agent_proved", ["", ""])
    if not proved or not now - PROVED_FOR < datetime.fromisoformat(proved) <= now:
        index = ""
    return agents.living_of_phone(session, index or agents.phone_index_of(session, current_actor(), now=now), now=now)
