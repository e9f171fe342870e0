"""Meetings in words: verdicts, blockers, remedies, purposes, review verdicts, and why something cannot be done."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask_babel import lazy_gettext as _l

from marketplace.ledger.models import AidState
from marketplace.meetings.models import MeetingState, ReviewState, RowKind, Verdict
from marketplace.web import codes

STATES = {MeetingState.OPEN: (_l("being filled in"), "wait"), MeetingState.CLOSED: (_l("frozen"), "done")}
KINDS = {RowKind.ZERO: _l("left at zero"), RowKind.UNCLAIMED: _l("unclaimed")}
VERDICTS = {
    Verdict.PIN: _l("Pin: the next run gives this need at least so much"),
    Verdict.BAN: _l("Ban: the next run keeps this need and a resource apart"),
    Verdict.DUTY: _l("Duty: a named officer takes care of it by a day"),
    Verdict.GOVERNMENT: _l("Government aid was found: the need is closed here"),
    Verdict.CLOSED: _l("Close the need, with the reason"),
}
SHORT = {
    "": _l("not decided"),
    Verdict.PIN: _l("pinned"),
    Verdict.BAN: _l("banned"),
    Verdict.DUTY: _l("duty given"),
    Verdict.GOVERNMENT: _l("government aid"),
    Verdict.CLOSED: _l("closed"),
}
OWN_BLOCKERS = {
    "came_later": _l("came after the run"),
    "no_yes": _l("no consent to be matched"),
    "all_said_no": _l("earlier matches came to nothing"),
    "rest_open": _l("a part was given, nobody has claimed the rest"),
}
REMEDIES = {
    "more": _l("more of this kind of aid"),
    "consent": _l("ask the household for its consent"),
    "wait": _l("wait until the waiting time ends"),
    "look": _l("have somebody look at it"),
    "terms": _l("ask a giver to widen its terms"),
    "run_free": _l("units of a resource lie free: pin them"),
    "run_limit": _l("units lie free under a limit: widen the limit"),
    "run_budget": _l("units lie free under a budget: raise the budget"),
    "run_stock": _l("more stock of one resource"),
}
PURPOSES = {
    "review": _l("Review of aid"),
    "complaint": _l("A complaint or an appeal"),
    "household_asked": _l("The household asked for it"),
    "handover": _l("Handover to a colleague"),
    "supervision": _l("Supervision"),
}
REVIEWS = {
    ReviewState.WAITING: (_l("waits for its review"), "wait"),
    ReviewState.CONFIRMED: (_l("confirmed"), "done"),
    ReviewState.RECLAIM: (_l("to be reclaimed"), "late"),
    ReviewState.REGULARISE: (_l("papers to be brought"), "info"),
}
VERDICTS_OF_REVIEW = {
    ReviewState.CONFIRMED: _l("Confirmed: it was right and complete"),
    ReviewState.REGULARISE: _l("To be regularised: it was right, papers are missing"),
    ReviewState.RECLAIM: _l("To be reclaimed: it should not have been given"),
}
ASKED_BACK = {
    "": _l("The giver was asked to claim it back and has until %(day)s to answer."),
    "reclaiming": _l("The giver has asked the household for it."),
    "given_back": _l("It was given back."),
    "reclaimed": _l("It is back with the giver."),
    "let_be": _l("The giver lets it be; its reason is a duty of whoever reviewed the case."),
    "late": _l("The giver did not answer; speaking with it is a duty of whoever reviewed the case."),
}
"""How the asking stands, by the outcome of its clock."""
AID = {
    AidState.RESERVED: _l("reserved"),
    AidState.APPROVED: _l("under way"),
    AidState.DELIVERED: _l("given"),
    AidState.RETURNED: _l("returned"),
    AidState.REPEAT: _l("told twice, counted once"),
}
ACTS = {
    "approve": _l("approved"),
    "second_approve": _l("approved as second person"),
    "reject": _l("rejected"),
}
SENTENCES: dict[str, Any] = {
    "no_run": _l("No finished run has looked at this area yet. Start one first."),
    "meeting_open": _l("A meeting of this area is open. Close it before you call the next one."),
    "meeting_closed": _l("This sheet is frozen. Call a new meeting to decide again."),
    "row_undecided": _l("This row has not been decided."),
    "row_decided": _l("This row has been decided already."),
    "reason_missing": _l("Say why, in a few words."),
    "personal_in_text": _l("Leave ID and telephone numbers out of this text."),
    "officer_unknown": _l("Choose a colleague who serves this district."),
    "due_past": _l("This day has passed. Choose today or a later one."),
    "verifier_overrides": _l("You verified this need. Somebody else has to pin or ban for it."),
    "override_stands": _l("A pin or ban of this need and resource stands already. Withdraw it first."),
    "pin_refused": _l("Somebody said no to this pair: no run proposes it again. Choose another resource."),
    "pin_hopeless": _l(
        "No run could carry this pin out now: the household's consent, the resource's terms, its stock, the dates or a"
        " rule do not allow it. Choose another resource, or fewer units."
    ),
    "pin_not_whole": _l("A pin needs a resource and an amount above zero."),
    "need_committed": _l("Aid for this need is under way. It cannot be closed now."),
    "not_in_run": _l("The run did not know this need or resource, so nobody can say who would lose."),
    "input_damaged": _l("The stored input of this run is damaged. It can be neither tried upon nor replayed."),
    "not_on_call": _l("You are not the approver on call now. The roster says who is."),
    "not_critical": _l("Only a critical need is approved in this way. This one goes the ordinary way."),
    "verifier_is_approver": _l("You verified this need, or nobody has. Somebody else has to approve it."),
    "hit_judge_is_approver": _l(
        "You called a hit of this need no duplicate, or allowed it an exception. Somebody else has to approve it."
    ),
    "cap_used": _l("This household has had all that one night allows. The rest waits for the ordinary approval."),
    "above_cap": _l("Nothing here fits under what is left for this household tonight. It waits for two people by day."),
    "nothing_free": _l(
        "Nothing that fits is free at this moment. Call the officer of a giver, or wait for the next run."
    ),
    "run_busy": _l("A run is under way and decides on this need itself. Wait until it has ended."),
    "need_changed": _l("This need is no longer verified or has ended."),
    "already_covered": _l("This need is covered already."),
    "stock_gone": _l("The stock has been given away in the meantime."),
    "offer_not_open": _l("The resource is no longer open."),
    "no_auto_match": _l("The household has not consented to be matched. Ask it first."),
    "urgent_reviewed": _l("This case has been reviewed already."),
    "same_person_twice": _l("You verified or approved this case. Somebody else has to review it."),
    "same_person": _l("Verifier and approver must be two people."),
    "officer_elsewhere": _l("This colleague does not serve the whole of this area. Choose another one."),
    "phone_mobile": _l("Type the mobile number under which this person is reached at night: 11 digits."),
    "span_backwards": _l("The end must lie after the beginning and not in the past."),
    "span_too_long": _l("A pair is on call for 31 days at most."),
    "on_call_overlap": _l("Another pair is on call in this time."),
    "on_call_over": _l("This time has passed."),
    "duty_over": _l("This duty is done already."),
    "not_asked_back": _l("Nobody asks for this any more, or you have answered already."),
    "purpose_missing": _l("Choose what you open the file for."),
}


def blocker(code: str) -> str:
    """Why a row is on the sheet, in a few words."""
    return str(OWN_BLOCKERS[code]) if code in OWN_BLOCKERS else codes.word(code, "reason")


def when(text: str) -> datetime:
    """The moment of an audit row, whose time is kept as text.

    >>> when("2026-11-23T02:00:00.000000Z").isoformat()
    '2026-11-23T02:00:00+00:00'
    """
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
