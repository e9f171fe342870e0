"""The staff's side: who waits to be seen, what came of a call, a visit or the counter, who is asked at all.

Enters: staff of a district. Leaves: pages, and the acts of `service` and `duties`.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.models import Person
from marketplace.households.service import get_household, list_people, masked_name
from marketplace.liveness import duties, service
from marketplace.liveness.doors import bp
from marketplace.liveness.models import WAITING, CheckCause, SurvivalDuty, Way
from marketplace.policy import may, require
from marketplace.reference.facts import feeds
from marketplace.reference.words import choices, label
from marketplace.web import Form, OneField, Page, TextField, _, _l, confirm, current_session, done, page_number, render
from marketplace.web.codes import word
from marketplace.web.display import language
from marketplace.web.formats import day
from marketplace.web.transactions import writes


class SeenForm(Form):
    """What came of it."""

    result = OneField(
        _l("What came of it?"),
        [
            ("video", _l("Seen in a video call")),
            ("home", _l("Seen at home")),
            ("counter", _l("Seen at the counter")),
            ("not_met", _l("Nobody was met: somebody goes again")),
            ("died", _l("Told there that the person died")),
            ("detained", _l("Told with a paper that the person is detained")),
        ],
    )
    note = TextField(_l("Note"), longest=200, required=False)


class ReportForm(Form):
    """Whom a record is about."""

    person = OneField(_l("Who?"))
    cause = OneField(_l("What does the record say?"))
    evidence = TextField(_l("Which record?"), longest=120)


class EnrolForm(Form):
    """Who draws what."""

    person = OneField(_l("Who?"))
    kind = OneField(_l("Which benefit?"))


class EndForm(Form):
    """Why nobody asks any longer."""

    reason = OneField(_l("Why?"))


@bp.get("/")
@guard("survival:list")
def index() -> ResponseReturnValue:
    """Who waits to be seen in the reader's districts: visits first."""
    session, number = current_session(), page_number()
    size = Page(number, 0).size
    found = service.list_waiting(session, actor=current_actor(), offset=Page(number, 0).offset, limit=size + 1)
    names = {one.id: masked_name(session, session.get_one(Person, one.person_id)) for one in found[:size]}
    return render("liveness/index.html", rows=found[:size], names=names, number=number, more=len(found) > size)


@bp.route("/<check_id>", methods=["GET", "POST"])
@guard("survival:list")
@writes
def one(check_id: str) -> ResponseReturnValue:
    """One check; whoever went there writes down what came of it."""
    session, actor, form = current_session(), current_actor(), SeenForm()
    found = service.get_check(session, check_id, "survival:list", actor=actor)
    if form.validate_on_submit():
        try:
            _write(check_id, form.result.data or "", note=form.note.data or "")
        except BadInput:
            form.note.errors = [_("Write down who said so")]
        else:
            return done(_("Written down."), to=url_for(".one", check_id=check_id))
    person = session.get_one(Person, found.person_id)
    return render(
        "liveness/one.html",
        one=found,
        name=masked_name(session, person),
        draws=duties.duties_of(session, person.id),
        waits=found.state in WAITING,
        record=_record_of(found.evidence),
        may_record=may(actor, "survival:record").allow,
        form=form,
    )


def _record_of(evidence: str) -> str:
    """Which record it was: as staff wrote it, or the feed that told of it and until which day."""
    feed, _colon, on = evidence.partition(":")
    if feed in feeds():
        with suppress(ValueError):  # else staff wrote it in words of their own
            return f"{word(feed, 'feed')} · {day(date.fromisoformat(on))}"
    return evidence


def _write(check_id: str, result: str, *, note: str) -> None:
    given: dict[str, Any] = {"note": note, "actor": current_actor(), "now": utc_now()}
    if result == "not_met":
        service.record_not_met(current_session(), check_id, **given)
    elif result == "died":
        service.record_died(current_session(), check_id, **given)
    elif result == "detained":
        service.record_detained(current_session(), check_id, **given)
    else:
        service.record_seen(current_session(), check_id, way=Way(result), **given)


@bp.get("/households/<household_id>")
@guard("survival:list")
def household(household_id: str) -> ResponseReturnValue:
    """Who of this household is asked, for what, and the checks so far."""
    session, people = _people(household_id)
    return render(
        "liveness/household.html",
        household_id=household_id,
        names=people,
        duties=duties.duties_of_household(session, household_id),
        checks=service.of_household(session, household_id),
    )


def _people(household_id: str) -> tuple[Any, dict[str, str]]:
    session = current_session()
    home = get_household(session, household_id)
    require(current_actor(), "survival:list", district=home.district_code)
    return session, {person.id: masked_name(session, person) for person in list_people(session, home.id)}


@bp.route("/households/<household_id>/ask", methods=["GET", "POST"])
@guard("survival:enrol")
@writes
def enrol(household_id: str) -> ResponseReturnValue:
    """Somebody of this household draws a running benefit: ask now and then."""
    (session, people), form = _people(household_id), EnrolForm()
    form.person.choices = list(people.items())
    form.kind.choices = choices("survival_kind", lang=language())
    back = url_for(".household", household_id=household_id)
    if form.validate_on_submit():
        person_id, kind = form.person.data or "", form.kind.data or ""
        duties.enrol(session, person_id, kind, actor=current_actor(), now=utc_now())
        return done(_("Noted. We ask when the day comes."), to=back)
    return confirm(
        layout="staff",
        title=_("Ask now and then"),
        intro=_("Whoever draws a running benefit is seen now and then, in the way that suits them."),
        button=_("Ask now and then"),
        back=back,
        form=form,
    )


@bp.route("/households/<household_id>/record", methods=["GET", "POST"])
@guard("survival:report")
@writes
def report(household_id: str) -> ResponseReturnValue:
    """A record says that somebody died or is detained: somebody goes and looks."""
    (session, people), form = _people(household_id), ReportForm()
    form.person.choices = list(people.items())
    doubts = (CheckCause.DEATH, CheckCause.DETENTION)
    form.cause.choices = [(cause.value, label("survival_cause", cause.value, lang=language())) for cause in doubts]
    back = url_for(".household", household_id=household_id)
    if form.validate_on_submit():
        cause, told = CheckCause(str(form.cause.data)), form.evidence.data or ""
        service.report(session, form.person.data or "", cause, evidence=told, actor=current_actor(), now=utc_now())
        return done(_("Somebody of the street office will go there. Nothing is stopped."), to=back)
    return confirm(
        layout="staff",
        title=_("A record raises a doubt"),
        intro=_("Records can be wrong. Somebody goes and looks; the benefit runs on until people have decided."),
        button=_("Send somebody"),
        back=back,
        form=form,
    )


@bp.route("/duties/<duty_id>/end", methods=["GET", "POST"])
@guard("survival:end")
@writes
def end(duty_id: str) -> ResponseReturnValue:
    """Nobody asks any longer; the benefit itself is its office's matter."""
    session, actor, form = current_session(), current_actor(), EndForm()
    duty = duties.get_duty(session, duty_id, actor=actor)
    form.reason.choices = choices("survival_end", lang=language())
    back = url_for(".household", household_id=duty.household_id)
    if form.validate_on_submit():
        duties.end_duty(session, duty_id, reason=form.reason.data or "", actor=actor, now=utc_now())
        return done(_("We do not ask any longer."), to=back)
    return confirm(
        layout="staff",
        title=_("Ask no longer"),
        intro=_(
            "This ends the asking only. Whether the benefit goes on is decided by its office. "
            "Where it has ended, the household leaves the category of the register and is watched for two years."
        ),
        button=_("Ask no longer"),
        back=back,
        facts=_facts(duty),
        form=form,
    )


def _facts(duty: SurvivalDuty) -> list[dict[str, str]]:
    return [{"label": _("Benefit"), "value": word(duty.kind, "survival_kind")}]
