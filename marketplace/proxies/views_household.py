"""The household's side: who may act for me, naming a helper for a day, stopping one, objecting.

Enters: a signed-in person. Leaves: pages; the code of a helper is shown once and kept nowhere.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.models import Person
from marketplace.households.service import contact_of
from marketplace.proxies import heard, service
from marketplace.proxies.doors import bp
from marketplace.proxies.models import PowerState
from marketplace.reference.words import choices
from marketplace.web import Form, OneField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language


class InviteForm(Form):
    """Who helps, and how far."""

    helper_kind = OneField(_l("Who helps you?"))
    far = OneField(
        _l("What may the helper do?"),
        [("see", _l("Look only")), ("answer", _l("Look, and answer for me"))],
        default="see",
    )


@bp.get("/")
@guard("power:view")
def mine() -> ResponseReturnValue:
    """Everybody who may act here, or could, of whom the reader hears."""
    session = current_session()
    found = heard.of_household(session, own_household(), actor=current_actor())
    names = {power.id: service.opened(session, power, "name") or "—" for power in found}
    return render("proxies/mine.html", powers=found, names=names)


@bp.route("/invite", methods=["GET", "POST"])
@guard("power:invite")
@writes
def invite() -> ResponseReturnValue:
    """Name a helper for one day; the code appears once."""
    session, actor, form = current_session(), current_actor(), InviteForm()
    form.helper_kind.choices = choices("helper_kind", lang=language())
    if not form.validate_on_submit():
        return render("proxies/invite.html", form=form)
    acts = ("see", "answer") if form.far.data == "answer" else ("see",)
    person = session.get(Person, actor.id) or contact_of(session, own_household())
    if person is None:
        raise NotFound("person")
    power, code = service.invite(
        session, person.id, helper_kind=form.helper_kind.data or "", acts=acts, actor=actor, now=utc_now()
    )
    return render("proxies/code.html", power=power, code=f"{code[:4]} {code[4:]}", address=request.host_url + "help")


@bp.route("/<power_id>/stop", methods=["GET", "POST"])
@guard("power:stop")
@writes
def stop(power_id: str) -> ResponseReturnValue:
    """Stop a helper: at once, without a reason; staff do it for a person who calls."""
    session, actor, form = current_session(), current_actor(), Form()
    power = heard.get_power(session, power_id, "power:stop", actor=actor)
    ours = actor.household_id is None
    unseen = power.state is PowerState.INVITED  # staff have no page of one who has not come in
    if form.validate_on_submit():
        service.stop(session, power_id, actor=actor, now=utc_now())
        to = url_for(".power", power_id=power.id) if ours else url_for(".mine")
        return done(_("Stopped. This helper can do nothing more from now on."), to=to)
    back = url_for(".index") if unseen else url_for(".power", power_id=power.id)
    return confirm(
        layout="staff" if ours else "household",
        title=_("Stop this helper?"),
        intro=_("For a person who calls: ask for the name and what the helper does, then stop it. No reason is needed.")
        if ours
        else _("It ends at once. No reason is needed, and nothing that was asked for is lost."),
        button=_("Stop this helper"),
        back=back if ours else url_for(".mine"),
        facts=[{"label": _("Helper"), "value": word(power.helper_kind, "helper_kind")}],
        form=form,
    )


@bp.route("/<power_id>/object", methods=["GET", "POST"])
@guard("power:object")
@writes
def objects(power_id: str) -> ResponseReturnValue:
    """I did not want this: it ends at once, and the record says that I objected."""
    session, actor, form = current_session(), current_actor(), Form()
    power = heard.get_power(session, power_id, "power:object", actor=actor)
    if form.validate_on_submit():
        service.stop(session, power_id, objected=True, actor=actor, now=utc_now())
        return done(_("It has ended, and your objection is on record."), to=url_for(".mine"))
    return confirm(
        layout="household",
        title=_("I did not want this helper"),
        intro=_("The power ends at once. You can also complain about what was done under it."),
        button=_("I object"),
        back=url_for(".mine"),
        facts=[{"label": _("Helper"), "value": word(power.helper_kind, "helper_kind")}],
        form=form,
    )
