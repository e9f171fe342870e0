"""Urgent cases as pages: what waits for its review, one need to approve at once, one case to review, the roster.

Enters: approvers and those on call. Leaves: pages; kind, district, amounts and colleagues, no household's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import policy
from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.calendar import HERE, local_day, utc_now
from marketplace.clocks import service as clocks
from marketplace.decisions.models import Match
from marketplace.errors import DomainError, NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.meetings import cap, critical, night, reclaims, roster, urgent, words
from marketplace.meetings.doors import bp, say
from marketplace.meetings.forms import ReviewForm, RosterForm, UrgentForm
from marketplace.meetings.models import OnCall, ReviewState, UrgentApproval
from marketplace.meetings.named import name_of
from marketplace.meetings.roster import Shift
from marketplace.meetings.views_sheet import area
from marketplace.needs.models import Need
from marketplace.reference import districts
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

FEW = 10
"""So many critical needs stand on the first page; the others have a list of their own."""


@bp.get("/urgent/")
@guard("urgent:list")
def urgent_cases() -> ResponseReturnValue:
    """What was approved at once: first what waits for its review; and the critical needs that nobody has helped yet."""
    session, actor, now = current_session(), current_actor(), utc_now()
    if request.args.get("state") == "critical":
        return _critical_page()
    state = None if request.args.get("state") == "all" else ReviewState.WAITING
    page = Page(page_number(), urgent.count_urgent(session, state, actor=actor))
    rows = urgent.list_urgent(session, state, actor=actor, offset=page.offset, limit=page.size)
    running = clocks.running_by_object(session, [row.id for row in rows])
    return pages.render(
        "meetings/urgent.html",
        rows=[(row, session.get_one(Need, row.need_id), _by(running.get(row.id))) for row in rows],
        page=page,
        state=state.value if state else "all",
        reviews=words.REVIEWS,
        pairs=_pairs(now),
        critical=critical.list_needs(session, actor=actor, now=now, limit=FEW),
        critical_count=critical.count_needs(session, actor=actor, now=now),
    )


def _critical_page() -> Response:
    """Every critical need without aid, the longest waiting first."""
    session, actor, now = current_session(), current_actor(), utc_now()
    page = Page(page_number(), critical.count_needs(session, actor=actor, now=now))
    found = critical.list_needs(session, actor=actor, now=now, offset=page.offset, limit=page.size)
    return pages.render(
        "meetings/urgent.html",
        rows=[],
        page=page,
        state="critical",
        reviews=words.REVIEWS,
        pairs=_pairs(now),
        critical=found,
        critical_count=page.total,
    )


def _pairs(now: datetime) -> list[tuple[OnCall, str, str, str]]:
    """Who is on call now for the reader's area: the pair, its area and the two names."""
    session, actor = current_session(), current_actor()
    return [
        (row, area(row.district_code), name_of(session, row.verifier_id), name_of(session, row.approver_id))
        for row in roster.running(session, now, districts=actor.districts)
    ]


def _by(clock: Any) -> date | None:
    return clocks.last_day(clock) if clock is not None else None


@bp.route("/urgent/needs/<need_id>", methods=["GET", "POST"])
@guard("urgent:approve")
@writes
def urgent_need(need_id: str) -> ResponseReturnValue:
    """One critical need: what is left of the night's cap, and approving at once."""
    session, actor, form, now = current_session(), current_actor(), UrgentForm(), utc_now()
    need = session.get(Need, need_id)
    policy.require(actor, "urgent:approve", district=need.district_code if need is not None else None)
    if need is None:
        raise NotFound("need")
    if request.method == "GET" or not form.validate_on_submit():
        return _need_page(need, form, now=now)
    try:
        done = urgent.approve(session, need_id, reason=form.reason.data or "", actor=actor, now=now)
    except DomainError as error:
        if error.code not in words.SENTENCES:
            raise
        say(form, error, fallback="reason")
        return _need_page(need, form, now=now)
    told = ngettext(
        "%(num)d line is approved. The household has been told.",
        "%(num)d lines are approved. The household has been told.",
        len(done),
    )
    return pages.done(told, to=url_for(".urgent_cases"))


def _need_page(need: Need, form: UrgentForm, *, now: datetime) -> Response:
    session = current_session()
    refusal = urgent.refusal(session, need, actor=current_actor(), now=now)
    return pages.render(
        "meetings/urgent_need.html",
        need=need,
        form=form,
        room=cap.room_for(session, need.household_id, night=cap.night_of(now)),
        verifier=name_of(session, need.brought_by or need.verifier_id),
        refusal=words.SENTENCES[refusal] if refusal else "",
    )


@bp.route("/urgent/<urgent_id>", methods=["GET", "POST"])
@guard("urgent:list")
@writes
def urgent_case(urgent_id: str) -> ResponseReturnValue:
    """One case and, for another approver, its review."""
    session, actor, now = current_session(), current_actor(), utc_now()
    row = urgent.get_urgent(session, urgent_id, actor=actor)
    form = _review_form(row)
    if request.method == "GET" or form is None or not form.validate_on_submit():
        return _case_page(row, form)
    verdict, reason = ReviewState(str(form.verdict.data)), form.reason.data or ""
    try:
        urgent.review(session, urgent_id, verdict=verdict, reason=reason, actor=actor, now=now)
    except DomainError as error:
        if error.code not in words.SENTENCES:
            raise
        say(form, error, fallback="verdict")
        return _case_page(row, form)
    return pages.done(_("Reviewed."), to=url_for(".urgent_cases"))


def _review_form(row: UrgentApproval) -> ReviewForm | None:
    """The form, for those who may review this one; nobody reviews what they verified or approved."""
    actor = current_actor()
    may = policy.decide(actor, "urgent:review", district=row.district_code).allow
    if not may or row.state is not ReviewState.WAITING or actor.people & row.pair:
        return None
    form = ReviewForm()
    form.verdict.choices = [(verdict.value, label) for verdict, label in words.VERDICTS_OF_REVIEW.items()]
    return form


def _case_page(row: UrgentApproval, form: ReviewForm | None) -> Response:
    session = current_session()
    running = clocks.running_of(session, row.id)
    asked = [clock for clock in clocks.running_of(session, row.match_id) if clock.step == urgent.ASKED]
    return pages.render(
        "meetings/urgent_case.html",
        row=row,
        form=form,
        need=session.get_one(Need, row.need_id),
        match=session.get_one(Match, row.match_id),
        review=words.REVIEWS[row.state],
        by=_by(running[0] if running else None),
        answer_by=asked[0].due_at if asked else None,
        followers=night.followers(session, row),
        asked_back=reclaims.newest(session, row.match_id),
        back_words=words.ASKED_BACK,
        names={one: name_of(session, one) for one in (row.verifier_id, row.approver_id, row.reviewed_by)},
    )


@bp.route("/urgent/roster", methods=["GET", "POST"])
@guard("urgent:list")
@writes
def on_call() -> ResponseReturnValue:
    """Who is on call and when; approvers plan it."""
    session, actor, now = current_session(), current_actor(), utc_now()
    form = _roster_form() if policy.may(actor, "roster:set").allow else None
    if request.method == "GET" or form is None or not form.validate_on_submit():
        return _roster_page(form, now=now)
    shift = Shift(
        str(form.verifier.data),
        str(form.approver.data),
        _moment(form.starts_on.data, form.starts_at.data),
        _moment(form.ends_on.data, form.ends_at.data),
        verifier_phone=(form.verifier_phone.data or "").strip(),
        approver_phone=(form.approver_phone.data or "").strip(),
        district_code=form.district.data or roster.CITY,
    )
    try:
        roster.plan(session, shift, actor=actor, now=now)
    except DomainError as error:
        say(form, error, fallback="starts_on")
        return _roster_page(form, now=now)
    return pages.done(_("On the roster."), to=url_for(".on_call"))


def _roster_form() -> RosterForm:
    """The reader's own area to choose from, and who serves some of it, each with its area."""
    form, actor = RosterForm(), current_actor()
    near = [row for row in districts.current(local_day(utc_now())) if actor.serves(row.code)]
    form.district.choices = [(row.code, row.name(lang=language())) for row in near]
    form.verifier.choices, form.approver.choices = _choose(roster.VERIFIERS), _choose((Role.APPROVER,))
    return form


def _choose(roles: Sequence[Role]) -> list[tuple[str, str]]:
    actor = current_actor()
    return [
        (one.id, f"{one.display_name} · {_serves(one)}")
        for one in roster.people(current_session(), roles)
        if not (actor.districts and one.districts) or actor.districts & set(one.districts)
    ]


def _serves(account: Account) -> str:
    return "、".join(area(code) for code in sorted(account.districts) or (roster.CITY,))


def _moment(day: Any, hour: Any) -> datetime:
    """A day and an hour in China as a UTC moment."""
    return datetime.combine(day, time(int(hour)), HERE).astimezone(UTC)


def _roster_page(form: RosterForm | None, *, now: datetime) -> Response:
    session = current_session()
    actor = current_actor()
    rows = [
        {
            "row": row,
            "area": area(row.district_code),
            "verifier": name_of(session, row.verifier_id),
            "approver": name_of(session, row.approver_id),
            "stands": _stands(row, now),
            "silent": row.ends_at > now and None in (row.verifier_phone, row.approver_phone),
            "mine": row.ends_at > now and policy.decide(actor, "roster:set", district=row.district_code).allow,
        }
        for row in roster.list_shifts(session, now=now)
    ]
    return pages.render("meetings/roster.html", rows=rows, form=form, whole=not actor.districts)


def _stands(row: Any, now: datetime) -> tuple[str, str]:
    if row.ends_at <= now:
        return _("over"), "plain"
    return (_("now"), "done") if row.starts_at <= now else (_("to come"), "info")


@bp.post("/urgent/roster/<row_id>/drop")
@guard("roster:set")
@writes
def on_call_drop(row_id: str) -> ResponseReturnValue:
    """Take a pair off."""
    try:
        roster.drop(current_session(), row_id, actor=current_actor(), now=utc_now())
    except WrongState as error:
        return pages.refuse(str(words.SENTENCES[error.code]), to=url_for(".on_call"))
    return pages.done(_("Taken off the roster."), to=url_for(".on_call"))
