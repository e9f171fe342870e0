"""The staff's side: powers of the district with their warnings, writing a paper down, checking it, its print.

Enters: staff of a district. Leaves: pages, and the acts of `service`.
"""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from flask import Response, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import HERE, local_day, utc_now
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Person
from marketplace.households.register import opened
from marketplace.households.service import mask, masked_name
from marketplace.policy import may
from marketplace.proxies import agents, heard, service
from marketplace.proxies.doors import bp, say
from marketplace.proxies.models import HelpPower, PowerState, Signed
from marketplace.reference.words import choices
from marketplace.web import (
    DayField,
    Form,
    ManyField,
    OneField,
    Page,
    TextField,
    _,
    _l,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language


class PaperForm(Form):
    """The five things a written power names, and how it was signed."""

    person = OneField(_l("Whose power is it?"))
    name = TextField(_l("Name of the agent"), longest=60)
    phone = TextField(_l("Mobile number of the agent"), longest=20)
    helper_kind = OneField(_l("Who is the agent?"))
    matters = ManyField(_l("In which matters?"))
    acts = ManyField(_l("What may the agent do?"))
    ends_on = DayField(_l("Last day"))
    signed = OneField(_l("How was it signed?"))
    witnesses = TextField(_l("Names of both witnesses"), longest=120, required=False)
    evidence = TextField(_l("Where does the paper lie?"), longest=120)


def _paper_form(people: list[Person]) -> PaperForm:
    form, lang = PaperForm(), language()
    form.person.choices = [(person.id, masked_name(current_session(), person)) for person in people]
    form.helper_kind.choices = choices("helper_kind", lang=lang)
    form.matters.choices = choices("power_matter", lang=lang)
    form.acts.choices = choices("power_act", lang=lang)
    form.signed.choices = choices("power_sign", lang=lang)
    return form


@bp.get("/staff/")
@guard("power:list")
def index() -> ResponseReturnValue:
    """Powers of the reader's districts; whoever helps conspicuously many households is marked."""
    session, number, now = current_session(), page_number(), utc_now()
    size = Page(number, 0).size
    found = agents.list_powers(session, actor=current_actor(), offset=Page(number, 0).offset, limit=size + 1)
    helped = agents.households_helped(session, {power.phone_index for power in found}, now=now)
    return render(
        "proxies/index.html",
        rows=found[:size],
        names={power.id: masked_name(session, session.get(Person, power.subject_id)) for power in found[:size]},
        helped=helped,
        most=service.MANY,
        number=number,
        more=len(found) > size,
    )


@bp.route("/staff/households/<household_id>", methods=["GET", "POST"])
@guard("power:record")
@writes
def record(household_id: str) -> ResponseReturnValue:
    """Write a signed power down."""
    session, actor = current_session(), current_actor()
    people = heard.people_of(session, household_id, actor=actor)
    form = _paper_form(people)
    if form.validate_on_submit():
        try:
            power = service.record_paper(session, form.person.data or "", _paper(form), actor=actor, now=utc_now())
        except BadInput as error:
            say(form, error)
        else:
            return done(_("Written down. Another person checks it."), to=url_for(".power", power_id=power.id))
    return render("proxies/record.html", form=form, acting=agents.acting_for(session, household_id, actor=actor))


def _paper(form: PaperForm) -> service.Paper:
    last = form.ends_on.data or local_day(utc_now())
    return service.Paper(
        name=form.name.data or "",
        phone=form.phone.data or "",
        helper_kind=form.helper_kind.data or "",
        matters=tuple(form.matters.data or ()),
        acts=tuple(form.acts.data or ()),
        ends_at=datetime.combine(last + timedelta(days=1), time(0), HERE).astimezone(UTC),
        signed=Signed(str(form.signed.data)),
        evidence=form.evidence.data or "",
        witnesses=form.witnesses.data or "",
    )


def _power(power_id: str) -> HelpPower:
    power = heard.get_power(current_session(), power_id, "power:list", actor=current_actor())
    if power.state is PowerState.INVITED:
        raise NotFound("help_power")
    return power


class WhyForm(Form):
    """Why somebody reads the names on a paper."""

    reason = OneField(_l("Why do you look?"), select=True)


def _why() -> WhyForm:
    form = WhyForm()
    form.reason.choices = choices("reveal_reason", lang=language())
    return form


@bp.get("/staff/<power_id>")
@guard("power:list")
def power(power_id: str) -> ResponseReturnValue:
    """One power, with what can be done about it now."""
    return _page(_power(power_id), _why())


@bp.post("/staff/<power_id>/names")
@guard("power:list")
@writes
def names(power_id: str) -> ResponseReturnValue:
    """The same page with the names on the paper; why is asked, and the look is written down."""
    found, why, session = _power(power_id), _why(), current_session()
    if not why.validate_on_submit():
        return _page(found, why)
    reason = why.reason.data or ""
    return _page(found, why, *agents.look(session, power_id, reason=reason, actor=current_actor(), now=utc_now()))


def _page(found: HelpPower, why: WhyForm, name: str = "", witnesses: str = "") -> Response:
    actor, session = current_actor(), current_session()
    helped = agents.households_helped(session, {found.phone_index}, now=utc_now())[found.phone_index]
    return render(
        "proxies/power.html",
        one=found,
        person=masked_name(session, session.get(Person, found.subject_id)),
        name=name or mask(service.opened(session, found, "name")) or "—",
        witnesses=witnesses,
        why=None if name else why,
        helped=helped,
        many=helped > service.MANY,
        may_check=may(actor, "power:check").allow and found.recorded_by not in actor.people,
    )


@bp.get("/staff/<power_id>/paper")
@guard("power:list")
def paper(power_id: str) -> ResponseReturnValue:
    """The power as a sheet of paper: agent, matters, powers, term, signature."""
    found, session = _power(power_id), current_session()
    name, person = mask(service.opened(session, found, "name")), session.get(Person, found.subject_id)
    return _sheet(found, masked_name(session, person), name or "—", why=_why())


@bp.post("/staff/<power_id>/paper")
@guard("power:list")
@writes
def paper_names(power_id: str) -> ResponseReturnValue:
    """The same sheet with both names and the agent's telephone; why is asked, and the look is written down."""
    found, why, session = _power(power_id), _why(), current_session()
    person = session.get_one(Person, found.subject_id)
    if not why.validate_on_submit():
        name = mask(service.opened(session, found, "name"))
        return _sheet(found, masked_name(session, person), name or "—", why=why)
    agents.look(session, power_id, reason=why.reason.data or "", actor=current_actor(), now=utc_now())
    shown = opened(session, person, "name"), service.opened(session, found, "name")
    return _sheet(found, *shown, phone=service.opened(session, found, "phone"))


def _sheet(found: HelpPower, person: str, name: str, *, phone: str = "", why: WhyForm | None = None) -> Response:
    return render("proxies/paper.html", one=found, person=person, name=name, phone=phone, why=why)


@bp.post("/staff/<power_id>/confirm")
@guard("power:check")
@writes
def confirm_power(power_id: str) -> ResponseReturnValue:
    """The second person has asked the household and seen the paper."""
    service.confirm(current_session(), power_id, actor=current_actor(), now=utc_now())
    return done(_("In force. The household is told."), to=url_for(".power", power_id=power_id))


@bp.post("/staff/<power_id>/refuse")
@guard("power:check")
@writes
def refuse_power(power_id: str) -> ResponseReturnValue:
    """It does not come into force."""
    service.refuse(current_session(), power_id, actor=current_actor(), now=utc_now())
    return done(_("Not confirmed. It opens nothing."), to=url_for(".power", power_id=power_id))
