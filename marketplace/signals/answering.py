"""What people do with alerts: look, start a call or a visit, put off, close with what they found.

Enters: a household with its open alerts and a member of staff of its district. Leaves: alerts closed with an outcome,
tasks, one clock for each household, whose limit is that of the most urgent colour. An alert opens help or a check; it
takes nothing from anybody: this room writes no amount and no category.
Called by the pages of alerts and by `sweeping`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime, timedelta

from sqlmodel import Session, col, select

from marketplace import audit
from marketplace.accounts.streets import Workers
from marketplace.actors import SYSTEM, Actor
from marketplace.calendar import local_day
from marketplace.clocks import service as clocks
from marketplace.clocks.service import Holder
from marketplace.db import flush, new_id
from marketplace.errors import BadInput, Conflict, NotFound, WrongState
from marketplace.households.service import require_household
from marketplace.policy import require
from marketplace.reference.words import list_codes
from marketplace.signals import homes
from marketplace.signals.models import Alert, AlertState, Colour, TaskKind, WatchTask

STEPS = {
    Colour.RED: "alert_red",
    Colour.ORANGE: "alert_orange",
    Colour.YELLOW: "alert_yellow",
    Colour.BLUE: "alert_blue",
}
FEED_LATE = "feed_late"
WhoGoes = Callable[[Session, Collection[str]], dict[str, str]]
WHO_GOES: list[WhoGoes] = []
"""Households ► the account that goes to each; filled by the room of visits."""
WhenOver = Callable[..., object]
WHEN_OVER: list[WhenOver] = []
"""Called with a household of which no alert is left; filled by the room of visits."""
LONGEST_SNOOZE = 90
NOT_NEEDED = "NOT_NEEDED"
"""Result of a call or a visit for which no alert is left."""
OUTCOMES, FEED_OUTCOMES, CAME = "alert_outcome", "feed_outcome", "came"
SNOOZES, RESULTS = "snooze_reason", "watch_result"


def ref_of(household_id: str, /) -> str:
    """Under which name the clock of a household's alerts runs."""
    return f"alerts:{household_id}"


def feed_ref(feed: str, /) -> str:
    """Under which name the clock of a late feed runs."""
    return f"feed:{feed}"


def start_feed_clock(session: Session, feed: str, /, *, now: datetime) -> None:
    """A late feed is somebody's of the whole city: the first reminder names who."""
    if not clocks.running_of(session, feed_ref(feed)):
        clocks.start(session, FEED_LATE, feed_ref(feed), holder=Holder(), now=now)


def start_clocks(session: Session, colour: Colour, places: Mapping[str, tuple[str, str]], /, *, now: datetime) -> None:
    """One clock for each household: a more urgent colour takes the place of a less urgent one, never the reverse.
    Whoever goes to the household holds it, else a worker of its street; where there is neither, the first reminder
    names somebody of the district."""
    order = list(STEPS.values())
    running = clocks.running_steps(session, [ref_of(home) for home in places])
    goes = {home: account for ask in WHO_GOES for home, account in ask(session, places).items()}
    workers = Workers(session, {street for _district, street in places.values()}, steps=order)
    holders, ending = {}, []
    for home, (district, street) in sorted(places.items()):
        step, clock = running.get(ref_of(home), ("", ""))
        if step and order.index(step) <= order.index(STEPS[colour]):
            continue
        holder = goes.get(home) or workers.next_for(street)
        holders[ref_of(home)] = Holder(district_code=district, account_id=holder)
        ending += [clock] if clock else []
    clocks.start_many(session, STEPS[colour], holders, ending=ending, outcome="more_urgent", now=now)


def open_alerts(session: Session, household_id: str, /) -> list[Alert]:
    """A household's alerts that are not closed, the most urgent first."""
    asked = select(Alert).where(col(Alert.household_id) == household_id, col(Alert.state) != AlertState.CLOSED)
    return list(session.exec(asked.order_by(col(Alert.rank), col(Alert.raised_at), col(Alert.id))))


def get_alert(session: Session, alert_id: str, /, *, rule: str, actor: Actor, lock: bool = False) -> Alert:
    """The alert, if it is of the actor's district; one about a feed belongs to the whole city."""
    found = session.get(Alert, alert_id, with_for_update=lock, populate_existing=lock)
    district = found.district_code if found is not None else None
    if found is not None and found.feed and not actor.districts:
        district = ""
    require(actor, rule, district=district)
    if found is None:
        raise NotFound("alert")
    return found


def close(session: Session, alert_id: str, /, *, outcome: str, actor: Actor, now: datetime) -> Alert:
    """Say what came of it: helped, no need, wrong data, confirmed. The clock ends with the last alert of the household,
    and so do the calls and visits that nobody has made yet and the need that nobody has entered."""
    alert = get_alert(session, alert_id, rule="alert:close", actor=actor, lock=True)
    if outcome not in list_codes(outcomes_of(alert)):
        raise BadInput("reason_missing", field="outcome")
    if alert.state is AlertState.CLOSED:
        raise WrongState("alert_closed")
    return _close(session, alert, outcome=outcome, actor=actor, now=now)


def outcomes_of(alert: Alert, /) -> str:
    """Which words say what came of an alert: one of a feed is about no household."""
    return FEED_OUTCOMES if alert.feed else OUTCOMES


def feed_came(session: Session, feed: str, /, *, now: datetime) -> None:
    """A feed is late no more: its alert is answered by that, and its clock ends."""
    late = select(Alert).where(Alert.feed == feed, col(Alert.closed_at).is_(None))
    for alert in session.exec(late.with_for_update()).all():
        _close(session, alert, outcome=CAME, actor=SYSTEM, now=now)


def _close(session: Session, alert: Alert, *, outcome: str, actor: Actor, now: datetime) -> Alert:
    need = open_task(session, alert.household_id, TaskKind.NEED)
    alert.state, alert.outcome, alert.closed_by, alert.closed_at = AlertState.CLOSED, outcome, actor.id, now
    alert.snoozed_until = None
    session.add(alert)
    homes.renew(session, [alert.household_id])
    _settle_clock(session, alert, outcome=outcome, now=now)
    _tell(session, "alert:close", alert, rule_id=outcome, actor=actor, now=now)
    if alert.household_id is not None and not open_alerts(session, alert.household_id):
        if need is not None:
            drop_task(session, need, actor=actor, now=now)
        for follow in WHEN_OVER:
            follow(session, alert.household_id, actor=actor, now=now)
    return alert


def snooze(session: Session, alert_id: str, /, *, until: date, reason: str, actor: Actor, now: datetime) -> Alert:
    """Put an alert off until a day, with a reason; a red one cannot be put off."""
    alert = get_alert(session, alert_id, rule="alert:snooze", actor=actor, lock=True)
    today = local_day(now)
    if reason not in list_codes(SNOOZES):
        raise BadInput("reason_missing", field="reason")
    if not today < until <= today + timedelta(days=LONGEST_SNOOZE):
        raise BadInput("bad_snooze_day", field="until")
    if alert.state is AlertState.CLOSED:
        raise WrongState("alert_closed")
    if alert.colour is Colour.RED:
        raise WrongState("red_not_snoozed")
    alert.state, alert.snoozed_until, alert.reason = AlertState.SNOOZED, until, reason
    session.add(alert)
    homes.renew(session, [alert.household_id])
    _settle_clock(session, alert, outcome="snoozed", now=now)
    _tell(session, "alert:snooze", alert, rule_id=reason, actor=actor, now=now)
    return alert


def _settle_clock(session: Session, alert: Alert, *, outcome: str, now: datetime) -> None:
    """End the household's clock, or let the most urgent of what is left go on with a limit of its own, counted from the
    day of its alert: an answer to one alert makes no other one younger. One that was put off counts anew."""
    if alert.household_id is None:
        clocks.move_on(session, feed_ref(alert.feed), outcome=outcome, now=now)
        return
    ref = ref_of(alert.household_id)
    left = [one for one in open_alerts(session, alert.household_id) if one.state is AlertState.OPEN]
    running = clocks.running_by_object(session, [ref]).get(ref)
    step = STEPS[left[0].colour] if left else ""
    if running is not None and running.step != step:
        holder = Holder(district_code=alert.district_code, account_id=running.account_id)
        clocks.move_on(session, ref, outcome=outcome, now=now)
        if left:
            clocks.start(session, step, ref, holder=holder, now=now if left[0].reason else left[0].raised_at)


def wake(session: Session, /, *, on: date, now: datetime) -> int:
    """Open the alerts again whose day has come, each with a clock anew; called with each sweep."""
    asked = select(Alert).where(col(Alert.state) == AlertState.SNOOZED, col(Alert.snoozed_until) <= on)
    woken = session.exec(asked.with_for_update(skip_locked=True)).all()
    for alert in woken:
        alert.state, alert.snoozed_until = AlertState.OPEN, None
        session.add(alert)
    homes.renew(session, [alert.household_id for alert in woken])
    for colour in STEPS:
        places = {
            one.household_id: (one.district_code, one.street_code)
            for one in woken
            if one.colour is colour and one.household_id is not None
        }
        start_clocks(session, colour, places, now=now)
    for alert in woken:
        if alert.feed:
            start_feed_clock(session, alert.feed, now=now)
    return len(woken)


def start_task(
    session: Session, household_id: str, kind: TaskKind, /, *, found: bool = False, actor: Actor, now: datetime
) -> WatchTask:
    """One tap: a call, a visit, temporary aid or a need is to be seen to; one of a kind at a time. What somebody has
    `found` at the door outlives the alerts."""
    home = require_household(session, household_id, "alert:act", actor=actor)
    if not found and not open_alerts(session, household_id):
        raise WrongState("no_alert")
    task = WatchTask(
        id=new_id(),
        household_id=household_id,
        kind=kind,
        district_code=home.district_code,
        asked_by=actor.id,
        asked_at=now,
    )
    session.add(task)
    flush(session)
    entry = audit.Entry("alert:task", object_ref=task.id, subject=household_id, rule_id=kind.value)
    audit.record(session, entry, actor=actor, now=now)
    return task


def open_task(session: Session, household_id: str | None, kind: TaskKind, /) -> WatchTask | None:
    """The task of this kind that is to be done, locked."""
    asked = select(WatchTask).where(WatchTask.household_id == household_id, WatchTask.kind == kind)
    return session.exec(asked.where(WatchTask.result == "").with_for_update()).one_or_none()


def get_task(session: Session, task_id: str, /, *, actor: Actor, lock: bool = False) -> WatchTask:
    """The task, if it is of the actor's district."""
    task = session.get(WatchTask, task_id, with_for_update=lock, populate_existing=lock)
    require(actor, "alert:act", district=task.district_code if task is not None else None)
    if task is None:
        raise NotFound("watch_task")
    return task


def finish_task(session: Session, task_id: str, /, *, result: str, actor: Actor, now: datetime) -> WatchTask:
    """Say what came of a call or a visit."""
    task = get_task(session, task_id, actor=actor, lock=True)
    if result not in list_codes(RESULTS):
        raise BadInput("reason_missing", field="result")
    return _finish(session, task, result=result, actor=actor, now=now)


def drop_task(session: Session, task: WatchTask, /, *, actor: Actor, now: datetime) -> WatchTask:
    """Nobody needs to call or go any more."""
    return _finish(session, task, result=NOT_NEEDED, actor=actor, now=now)


def _finish(session: Session, task: WatchTask, *, result: str, actor: Actor, now: datetime) -> WatchTask:
    if task.done_at is not None:
        raise Conflict("task_done")
    task.result, task.done_by, task.done_at = result, actor.id, now
    session.add(task)
    flush(session)
    entry = audit.Entry("alert:task_done", object_ref=task.id, subject=task.household_id, rule_id=result)
    audit.record(session, entry, actor=actor, now=now)
    return task


def tasks_of(session: Session, household_id: str, /) -> list[WatchTask]:
    """The tasks of a household, the open ones first, then the newest."""
    asked = select(WatchTask).where(col(WatchTask.household_id) == household_id)
    order = (col(WatchTask.done_at).is_not(None), col(WatchTask.asked_at).desc(), col(WatchTask.id))
    return list(session.exec(asked.order_by(*order)))


def _tell(session: Session, action: str, alert: Alert, *, rule_id: str, actor: Actor, now: datetime) -> None:
    entry = audit.Entry(action, object_ref=alert.id, subject=alert.household_id or "", rule_id=rule_id)
    audit.record(session, entry, actor=actor, now=now)
