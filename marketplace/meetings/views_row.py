"""One row of a sheet: the need and its blocker, a try of who would lose, and the decision.

Enters: staff at a meeting. Leaves: the page of the row, and the decision carried out at once.
"""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from marketplace import policy
from marketplace.calendar import utc_now
from marketplace.errors import DomainError
from marketplace.guards import current_actor, guard
from marketplace.meetings import duties, looking, service, words
from marketplace.meetings.doors import bp, say
from marketplace.meetings.forms import DecideForm, LookForm, MoneyDecideForm, MoneyLookForm
from marketplace.meetings.models import Meeting, MeetingRow, MeetingState, Verdict
from marketplace.meetings.named import name_of
from marketplace.meetings.service import Decision
from marketplace.meetings.views_sheet import area, offers_for, told
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.reference.needs import MONEY
from marketplace.web import pages
from marketplace.web.transactions import current_session, writes


@bp.get("/<meeting_id>/rows/<int:number>")
@guard("meeting:view")
def row(meeting_id: str, number: int) -> ResponseReturnValue:
    """One row with its forms, while the sheet is open and the row undecided."""
    meeting, found = _row(meeting_id, number)
    return _page(meeting, found)


def _row(meeting_id: str, number: int) -> tuple[Meeting, MeetingRow]:
    meeting = service.get_meeting(current_session(), meeting_id, actor=current_actor())
    return meeting, service.get_row(current_session(), meeting, number)


def _page(meeting: Meeting, found: MeetingRow, **over: Any) -> Response:
    session, actor = current_session(), current_actor()
    may = policy.decide(actor, "meeting:decide", district=meeting.district_code).allow
    is_open = may and meeting.state is MeetingState.OPEN and not found.verdict
    context: dict[str, Any] = {
        "meeting": meeting,
        "area": area(meeting.district_code),
        "one": told([found])[0],
        "need": session.get_one(Need, found.need_id),
        "offer": session.get(Offer, found.decision_offer_id) if found.decision_offer_id else None,
        "decided_by": name_of(session, found.decided_by),
        "words": words,
        "decide": _decide_form(found, given=False) if is_open else None,
        "look": _look_form(found, given=False) if is_open and found.kind.value == "zero" else None,
        "trial": None,
        "can_undo": may and meeting.state is MeetingState.OPEN and bool(found.verdict),
    }
    return pages.render("meetings/row.html", **{**context, **over})


def _look_form(found: MeetingRow, *, given: bool) -> LookForm | None:
    kind = MoneyLookForm if found.unit == MONEY else LookForm
    start = {"offer": found.offer_id, "units": found.remedy_units or found.open_units}
    form = kind() if given else kind(formdata=None, data=start)
    form.offer.choices = offers_for(found)
    return form if form.offer.choices else None


def _decide_form(found: MeetingRow, *, given: bool) -> DecideForm:
    kind = MoneyDecideForm if found.unit == MONEY else DecideForm
    start = {"offer": found.offer_id, "units": found.remedy_units or found.open_units}
    form = kind() if given else kind(formdata=None, data=start)
    form.verdict.choices = [(verdict.value, label) for verdict, label in words.VERDICTS.items()]
    form.offer.choices = offers_for(found)
    officers = duties.officers(current_session(), found.district_code)
    form.officer.choices = [(one.id, one.display_name) for one in officers]
    return form


@bp.post("/<meeting_id>/rows/<int:number>/look")
@guard("meeting:decide")
@writes
def look(meeting_id: str, number: int) -> ResponseReturnValue:
    """Try a pin on the meeting's run: who would lose, by kind, district and urgency; the number stays on the sheet."""
    meeting, found = _row(meeting_id, number)
    form = _look_form(found, given=True)
    if form is None or not form.validate_on_submit():
        return _page(meeting, found, look=form)
    try:
        trial = service.look_who_loses(
            current_session(),
            meeting_id,
            number,
            offer_id=str(form.offer.data),
            units=int(form.units.data or 0),
            actor=current_actor(),
        )
    except DomainError as error:
        say(form, error, fallback="offer")
        return _page(meeting, found, look=form)
    return _page(meeting, found, look=form, trial=trial)


@bp.post("/<meeting_id>/look")
@guard("meeting:decide")
@writes
def look_all(meeting_id: str) -> ResponseReturnValue:
    """One press: who came since, then the cheapest remedy and who would lose, for every undecided row."""
    here, session, actor, now = url_for(".sheet", meeting_id=meeting_id), current_session(), current_actor(), utc_now()
    more = ""
    try:
        if added := service.add_new(session, meeting_id, actor=actor, now=now):
            more = ngettext("%(num)d row came since and was added.", "%(num)d rows came since and were added.", added)
        count = looking.look_all(session, meeting_id, actor=actor, now=now)
    except DomainError as error:
        if error.code not in words.SENTENCES:
            raise
        return pages.refuse(f"{more} {words.SENTENCES[error.code]}".strip(), to=here)
    told = ngettext("%(num)d row has its answer.", "%(num)d rows have their answer.", count)
    return pages.done(f"{more} {told}".strip(), to=here)


@bp.route("/<meeting_id>/rows/<int:number>/undo", methods=["GET", "POST"])
@guard("meeting:decide")
@writes
def undo(meeting_id: str, number: int) -> ResponseReturnValue:
    """Ask once, then take the decision back."""
    meeting, found = _row(meeting_id, number)
    here = url_for(".row", meeting_id=meeting_id, number=number)
    if request.method == "GET":
        return pages.confirm(
            layout="staff",
            title=_("Take this decision back"),
            button=_("Take it back"),
            back=here,
            intro=_(
                "What it made ends with it: the pin or ban, the duty, or the closing of the need. The row waits again."
            ),
            facts=[
                {"label": _("Decision"), "value": words.SHORT[found.verdict]},
                {"label": _("Reason"), "value": found.reason},
            ],
        )
    try:
        looking.undo(current_session(), meeting.id, number, actor=current_actor(), now=utc_now())
    except DomainError as error:
        if error.code not in words.SENTENCES:
            raise
        return pages.refuse(str(words.SENTENCES[error.code]), to=here)
    return pages.done(_("Taken back. The row waits for a decision again."), to=here)


@bp.post("/<meeting_id>/rows/<int:number>")
@guard("meeting:decide")
@writes
def decide(meeting_id: str, number: int) -> ResponseReturnValue:
    """Enter the decision and carry it out."""
    meeting, found = _row(meeting_id, number)
    form = _decide_form(found, given=True)
    if not form.validate_on_submit() or not _is_whole(form):
        return _page(meeting, found, decide=form)
    try:
        service.decide(current_session(), meeting_id, number, _decision(form), actor=current_actor(), now=utc_now())
    except DomainError as error:
        if error.code not in words.SENTENCES:
            raise
        say(form, error, fallback="verdict")
        return _page(meeting, found, decide=form)
    here = url_for(".sheet", meeting_id=meeting_id, verdict="open")
    return pages.done(_("Entered. It holds from now on."), to=here)


def _is_whole(form: DecideForm) -> bool:
    """Whether the fields that the verdict needs are filled; what is missing is told at its field."""
    wanted = {Verdict.PIN.value: (form.offer, form.units), Verdict.DUTY.value: (form.officer,)}
    missing = [field for field in wanted.get(str(form.verdict.data), ()) if not field.data]
    for field in missing:
        field.errors = [_("Fill this in for what you decide")]
    return not missing


def _decision(form: DecideForm) -> Decision:
    verdict = Verdict(str(form.verdict.data))
    steers = verdict in (Verdict.PIN, Verdict.BAN)
    return Decision(
        verdict,
        form.reason.data or "",
        offer_id=str(form.offer.data or "") if steers else "",
        units=int(form.units.data or 0) if verdict is Verdict.PIN else 0,
        officer_id=str(form.officer.data or "") if verdict is Verdict.DUTY else "",
        due_on=form.due_on.data if verdict is Verdict.DUTY else None,
    )
