"""Alerts for the street: households with open alerts, and one household with all that is known and may be done.

Enters: staff of the district. Leaves: pages with masked names; closing, putting off and starting a task are POSTs. The
page of a household shows facts as kinds, days and amounts; it is never shown to recipients.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.accounts.service import names_of
from marketplace.calendar import local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.guards import current_actor, guard
from marketplace.households.categories import list_spells
from marketplace.households.models import Household, Person
from marketplace.households.service import masked_name, masked_names
from marketplace.policy import require
from marketplace.reference.districts import street_name
from marketplace.reference.words import choices
from marketplace.signals import answering, declaring, lists, sweeping, telling, wrong
from marketplace.signals.doors import TONES, bp
from marketplace.signals.models import Alert, Rule, TaskKind
from marketplace.signals.parts import hears_silence
from marketplace.signals.returning import WRONG_DATA
from marketplace.signals.rules import tree_of
from marketplace.web import (
    DayField,
    Form,
    ManyField,
    OneField,
    Page,
    _,
    _l,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language


class CloseForm(Form):
    """What came of an alert; if the data are wrong, which of them."""

    outcome = OneField(_l("What came of it?"))
    wrong = ManyField(_l("If the data are wrong: which of them?"), required=False)


class SnoozeForm(Form):
    """Until when an alert waits, and why."""

    until = DayField(_l("Until when?"))
    reason = OneField(_l("Why can it wait?"))


class ResultForm(Form):
    """What came of a call or a visit."""

    result = OneField(_l("What came of it?"), select=True)


def _chosen(form: Any, field: str, table: str) -> Any:
    form[field].choices = choices(table, lang=language())
    return form


@bp.get("/alerts/")
@guard("alert:list")
def alerts() -> ResponseReturnValue:
    """Households with open alerts, the most urgent and oldest first, or by need score."""
    session, actor = current_session(), current_actor()
    colour = request.args.get("colour", "")
    street, today = request.args.get("street", ""), local_day(utc_now())
    page = Page(page_number(), lists.count_homes(session, actor=actor, colour=colour, street=street))
    by_score = request.args.get("order") == "score"
    rows = lists.list_homes(
        session,
        actor=actor,
        on=today,
        colour=colour,
        street=street,
        by_score=by_score,
        offset=page.offset,
        limit=page.size,
        total=page.total,
    )
    refs = [answering.ref_of(row.household_id) for row in rows]
    due = {ref.partition(":")[2]: clock for ref, clock in clocks.running_by_object(session, refs).items()}
    places = lists.streets(session, actor=actor, colour=colour) if actor.districts else []
    return render(
        "signals/alerts.html",
        rows=rows,
        page=page,
        colour=colour,
        by_score=by_score,
        tones=TONES,
        street=street,
        streets=[(code, street_name(code, on=today), number) for code, number in places],
        street_names={row.street_code: street_name(row.street_code, on=today) for row in rows},
        holders=names_of(session, {clock.account_id for clock in due.values() if clock.account_id}),
        due=due,
        now=utc_now(),
        feeds=lists.feed_alerts(session),
        last=sweeping.last_sweep(session, whole=True),
        missed=today - timedelta(days=1),
        answers_feeds=not actor.districts,
    )


def _home(household_id: str) -> Household:
    home = current_session().get(Household, household_id)
    require(current_actor(), "alert:list", district=home.district_code if home is not None else None)
    assert home is not None
    return home


@bp.get("/alerts/households/<household_id>")
@guard("alert:list")
def home(household_id: str) -> ResponseReturnValue:
    """One household: its alerts with their evidence, its categories, what was said and what is told of it."""
    return _home_page(household_id)


def _home_page(household_id: str) -> ResponseReturnValue:
    session, found = current_session(), _home(household_id)
    open_ones = answering.open_alerts(session, household_id)
    spells = list_spells(session, household_id)
    own = {spell.person_id for spell in spells if spell.person_id is not None}
    return render(
        "signals/home.html",
        home=found,
        name=masked_names(session, [household_id])[household_id],
        alerts=[telling.line_of(session, alert) for alert in open_ones],
        tasks=answering.tasks_of(session, household_id),
        taken={task.kind.value for task in answering.tasks_of(session, household_id) if task.done_at is None},
        kinds=[kind.value for kind in TaskKind],
        spells=spells,
        people={person_id: masked_name(session, session.get_one(Person, person_id)) for person_id in own},
        lines=declaring.compare(session, household_id),
        clock=clocks.running_by_object(session, [answering.ref_of(household_id)]).get(answering.ref_of(household_id)),
        today=local_day(utc_now()),
        tones=TONES,
    )


@bp.route("/alerts/<alert_id>/close", methods=["GET", "POST"])
@guard("alert:close")
@writes
def close(alert_id: str) -> ResponseReturnValue:
    """Say what came of an alert."""
    session, actor = current_session(), current_actor()
    alert = answering.get_alert(session, alert_id, rule="alert:close", actor=actor)
    form, now = _chosen(CloseForm(), "outcome", answering.outcomes_of(alert)), utc_now()
    form.wrong.choices = [
        (str(fact.id), telling.fact_told(session, fact)) for fact in wrong.evidence_of(session, alert)
    ]
    if form.validate_on_submit() and _says_which(session, alert, form):
        if form.outcome.data == WRONG_DATA:
            wrong.call_wrong(session, alert, {int(one) for one in form.wrong.data or ()}, actor=actor, now=now)
        answering.close(session, alert_id, outcome=form.outcome.data, actor=actor, now=now)
        return done(_("Closed. Thank you for looking."), to=_after(alert))
    return render("signals/close.html", form=form, row=telling.line_of(session, alert), back_to=_after(alert))


def _says_which(session: Session, alert: Alert, form: CloseForm) -> bool:
    """Wrong data are named, so that they count no more; only silence has nothing that could be named."""
    silent = alert.feed or hears_silence(tree_of(session.get_one(Rule, alert.rule_id)))
    if form.outcome.data != WRONG_DATA or form.wrong.data or not form.wrong.choices or silent:
        return True
    form.wrong.errors = [_("Tick what is wrong: it counts no more until its department answers.")]
    return False


@bp.route("/alerts/<alert_id>/snooze", methods=["GET", "POST"])
@guard("alert:snooze")
@writes
def snooze(alert_id: str) -> ResponseReturnValue:
    """Put an alert off, with a reason."""
    session, actor = current_session(), current_actor()
    alert = answering.get_alert(session, alert_id, rule="alert:snooze", actor=actor)
    form = _chosen(SnoozeForm(), "reason", answering.SNOOZES)
    if form.validate_on_submit():
        answering.snooze(session, alert_id, until=form.until.data, reason=form.reason.data, actor=actor, now=utc_now())
        return done(_("Put off. It comes back on its day."), to=_after(alert))
    return render("signals/snooze.html", form=form, row=telling.line_of(session, alert), back_to=_after(alert))


def _after(alert: Alert) -> str:
    if alert.household_id is None:
        return url_for("signals.alerts")
    return url_for("signals.home", household_id=alert.household_id)


@bp.post("/alerts/households/<household_id>/need")
@guard("need:create")
@writes
def start(household_id: str) -> ResponseReturnValue:
    """One tap: a need for a charity is written down on its form, which ends the task and leads to the consent. Calls,
    visits and temporary aid begin in their own rooms."""
    answering.start_task(current_session(), household_id, TaskKind.NEED, actor=current_actor(), now=utc_now())
    return done(_("Write the need down with the household."), to=url_for("needs.new", household=household_id))


@bp.route("/alerts/tasks/<task_id>", methods=["GET", "POST"])
@guard("alert:act")
@writes
def task(task_id: str) -> ResponseReturnValue:
    """Write down what came of a call, a visit or an application."""
    session, actor = current_session(), current_actor()
    found = answering.get_task(session, task_id, actor=actor)
    form = _chosen(ResultForm(), "result", answering.RESULTS)
    if form.validate_on_submit():
        answering.finish_task(session, task_id, result=form.result.data, actor=actor, now=utc_now())
        return done(_("Kept."), to=url_for("signals.home", household_id=found.household_id))
    return render("signals/task.html", form=form, task=found)
