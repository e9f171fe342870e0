"""Meetings as pages: the list, calling one, the sheet on screen and on paper, closing and checking it.

Enters: staff of a district or of the whole city. Leaves: pages; numbers and codes, and masked names only where a
district's own staff asked for them. The sheet as a table is `views_sheet_table`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from marketplace import policy
from marketplace.calendar import local_day, utc_now
from marketplace.errors import DomainError
from marketplace.guards import current_actor, guard
from marketplace.households import service as households
from marketplace.ledger.sentences import Sayings
from marketplace.meetings import looking, packs, service, words
from marketplace.meetings.doors import bp, say
from marketplace.meetings.forms import CallForm
from marketplace.meetings.models import Meeting, MeetingRow, MeetingState
from marketplace.meetings.named import name_of, names_of, officers_of
from marketplace.meetings.papers import policy_mark
from marketplace.needs.models import Need
from marketplace.offers.models import Offer
from marketplace.proposals import results
from marketplace.proposals.models import Run
from marketplace.reference import districts
from marketplace.web import codes, formats, pages
from marketplace.web.display import language
from marketplace.web.leaving import leaves
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

FILTERS = ("blocker", "verdict", "remedy")
ON_PAPER = 300
"""The rows that are printed; everybody is in the table."""
SHOWN_REMEDIES = 8


def area(code: str) -> str:
    """A district, or the whole city, in words."""
    return codes.place(code) if code else _("the whole city")


@bp.get("/")
@guard("meeting:list")
def index() -> ResponseReturnValue:
    """All meetings, the newest first."""
    session, actor, page = current_session(), current_actor(), page_number()
    size = Page(1, 0).size
    found, total = service.list_meetings(session, actor=actor, offset=(page - 1) * size, limit=size)
    rows = [(meeting, session.get_one(Run, meeting.run_id)) for meeting in found]
    return pages.render("meetings/index.html", rows=rows, page=Page(page, total), area=area, states=words.STATES)


@bp.route("/call", methods=["GET", "POST"])
@guard("meeting:call")
@writes
def call() -> ResponseReturnValue:
    """One press: everybody the newest run left, on one sheet."""
    actor, form = current_actor(), CallForm()
    near = [row for row in districts.current(local_day(utc_now())) if actor.serves(row.code)]
    form.district.choices = [(row.code, row.name(lang=language())) for row in near]
    if not form.validate_on_submit():
        return pages.render("meetings/call.html", form=form, whole=not actor.districts)
    try:
        meeting = looking.convene(current_session(), form.district.data or "", actor=actor, now=utc_now())
    except DomainError as error:
        if error.code not in words.SENTENCES:
            raise
        say(form, error, fallback="district")
        return pages.render("meetings/call.html", form=form, whole=not actor.districts)
    return pages.done(_("The sheet is ready."), to=url_for(".sheet", meeting_id=meeting.id))


@bp.get("/<meeting_id>")
@guard("meeting:view")
def sheet(meeting_id: str) -> ResponseReturnValue:
    """The sheet on screen: what holds people up, what would serve most, and the rows to decide."""
    session, actor = current_session(), current_actor()
    meeting = service.get_meeting(session, meeting_id, actor=actor)
    filters = {name: request.args.get(name, "")[:32] for name in FILTERS}
    page = Page(page_number(), service.count_rows(session, meeting, filters=filters))
    rows = service.rows_of(session, meeting, filters=filters, offset=page.offset, limit=page.size)
    may = policy.decide(actor, "meeting:close", district=meeting.district_code).allow
    return pages.render(
        "meetings/sheet.html",
        **_facts(meeting),
        rows=told(rows),
        page=page,
        filters=filters,
        can_look=meeting.state is MeetingState.OPEN
        and policy.decide(actor, "meeting:decide", district=meeting.district_code).allow,
        can_close=may and meeting.state is MeetingState.OPEN,
    )


def _facts(meeting: Meeting) -> dict[str, Any]:
    """What the sheet says above its rows, on screen and on paper."""
    session = current_session()
    return {
        "meeting": meeting,
        "run": session.get_one(Run, meeting.run_id),
        "area": area(meeting.district_code),
        "state": words.STATES[meeting.state],
        "blockers": [(code, words.blocker(code), count) for code, count in service.blockers(session, meeting)],
        "remedies": packs.best_remedies(session, meeting.id)[:SHOWN_REMEDIES],
        "words": words,
        "policy": policy_mark(session.get_one(Run, meeting.run_id)),
        "called_by": name_of(session, meeting.called_by),
        "closed_by": name_of(session, meeting.closed_by),
        "undecided": service.count_rows(session, meeting, filters={"verdict": "open"}),
    }


def told(rows: Sequence[MeetingRow]) -> list[dict[str, Any]]:
    """Rows with their sentence: the run's own reason, in the reader's language."""
    session = current_session()
    pairs: list[tuple[str, Mapping[str, Any]]] = [(row.offer_id, row.detail) for row in rows]
    pairs += [(row.remedy_offer_id, {}) for row in rows]
    names = results.names_of(session, pairs)
    says = Sayings(session, on=local_day(utc_now()), lang=language())
    held = officers_of(session, rows)
    people = names_of(session, held.values())
    return [
        {
            "row": row,
            "why": _why(row, names, says),
            "remedy": _remedy(row, names),
            "officer": people.get(held[row.number], ""),
        }
        for row in rows
    ]


def _why(row: MeetingRow, names: Mapping[str, str], says: Sayings) -> str:
    if row.blocker in words.OWN_BLOCKERS:
        return words.blocker(row.blocker)
    rules = says.about(row.district_code, row.category)
    return results.sentence(
        row.blocker, row.offer_id, row.detail, names=names, unit=row.unit, lang=language(), rules=rules
    )


def _remedy(row: MeetingRow, names: Mapping[str, str]) -> str:
    if row.remedy_offer_id:
        return _of_run(row, names.get(row.remedy_offer_id, ""))
    if row.remedy != packs.MORE:
        return str(words.REMEDIES[row.remedy])
    return str(_("%(amount)s more of this kind, pinned to it", amount=codes.amount(row.remedy_units, row.unit)))


def _of_run(row: MeetingRow, resource: str) -> str:
    """The remedy that was found in the run: which resource, how many units, at what cost."""
    amount = codes.amount(row.remedy_units, row.unit)
    if row.remedy == packs.FREE:
        return str(_("%(resource)s: %(amount)s lie free, pin them", resource=resource, amount=amount))
    if row.remedy == packs.LIMIT:
        return str(_("%(resource)s: widen its limit by %(amount)s; they lie free", resource=resource, amount=amount))
    if row.remedy == packs.BUDGET:
        return str(_("%(resource)s: raise its budget by %(amount)s; they lie free", resource=resource, amount=amount))
    cost = formats.yuan(row.remedy_fen)
    return str(_("%(resource)s: %(amount)s more, worth %(cost)s", resource=resource, amount=amount, cost=cost))


@bp.get("/<meeting_id>/print")
@guard("meeting:view")
@leaves
def sheet_print(meeting_id: str) -> ResponseReturnValue:
    """The sheet for the table: A4, page numbers, and lines to write on; masked names only for the district's own."""
    session = current_session()
    meeting = service.get_meeting(session, meeting_id, actor=current_actor())
    rows = service.rows_of(session, meeting, filters={}, limit=ON_PAPER)
    named = bool(request.args.get("names")) and bool(meeting.district_code)
    names = _masked(rows) if named else {}
    return pages.render(
        "meetings/print.html", **_facts(meeting), rows=told(rows), names=names, may_name=bool(meeting.district_code)
    )


def _masked(rows: Sequence[MeetingRow]) -> dict[str, str]:
    session = current_session()
    homes = {row.need_id: session.get_one(Need, row.need_id).household_id for row in rows}
    masked = households.masked_names(session, homes.values())
    return {need_id: masked[home] for need_id, home in homes.items()}


@bp.route("/<meeting_id>/close", methods=["GET", "POST"])
@guard("meeting:close")
@writes
def close(meeting_id: str) -> ResponseReturnValue:
    """Ask once more, then freeze."""
    session, actor = current_session(), current_actor()
    meeting = service.get_meeting(session, meeting_id, actor=actor)
    here = url_for(".sheet", meeting_id=meeting_id)
    if request.method == "GET":
        left = service.count_rows(session, meeting, filters={"verdict": "open"})
        return pages.confirm(
            layout="staff",
            title=_("Close the meeting"),
            button=_("Freeze the sheet"),
            back=here,
            intro=_("The sheet cannot change any more. Rows without a decision come back in the next meeting."),
            facts=[{"label": _("Rows"), "value": meeting.row_count}, {"label": _("Not decided"), "value": left}],
        )
    try:
        service.close(session, meeting_id, actor=actor, now=utc_now())
    except DomainError as error:
        return pages.refuse(str(words.SENTENCES.get(error.code, error.code)), to=here)
    return pages.done(_("The sheet is frozen. The next run counts its pins and bans."), to=here)


@bp.get("/<meeting_id>/check")
@guard("meeting:view")
def check(meeting_id: str) -> ResponseReturnValue:
    """Whether the rows still have the hash with which they were frozen."""
    session = current_session()
    meeting = service.get_meeting(session, meeting_id, actor=current_actor())
    holds = service.hash_of(session, meeting) == meeting.sheet_sha256
    return pages.render("meetings/check.html", meeting=meeting, holds=holds, area=area(meeting.district_code))


def offers_for(row: MeetingRow) -> list[tuple[str, str]]:
    """Open resources of the row's kind, the one that the run named first."""
    wanted = packs.open_offers(current_session(), row.category)
    named = current_session().get(Offer, row.offer_id) if row.offer_id else None
    return sorted(
        ((one.id, one.title) for one in wanted), key=lambda pair: (pair[0] != (named.id if named else ""), pair[1])
    )
