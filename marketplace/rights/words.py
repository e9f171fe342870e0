"""The words of this room: the eight rights as households read them, states, findings, and sentences for refusals."""

from __future__ import annotations

from typing import Any

from marketplace.decisions.models import MatchState
from marketplace.rights.models import DisputeState, RequestState, ReviewState, RightKind
from marketplace.web import _l
from marketplace.web.codes import word

TITLES: dict[RightKind, Any] = {
    RightKind.SEE: _l("See what you know of me"),
    RightKind.COPY: _l("Take a copy along"),
    RightKind.CORRECT: _l("Correct a mistake"),
    RightKind.MOVE: _l("Move my data elsewhere"),
    RightKind.ERASE: _l("Have my data erased"),
    RightKind.EXPLAIN: _l("Have a decision explained"),
    RightKind.COMPLAIN: _l("Complain"),
    RightKind.BY_HAND: _l("A person, not a program"),
}
HINTS: dict[RightKind, Any] = {
    RightKind.SEE: _l("Everything on record, and who looked at it"),
    RightKind.COPY: _l("As a file or on paper"),
    RightKind.CORRECT: _l("A name, a number, an address that is wrong"),
    RightKind.MOVE: _l("To another office or organisation that you name"),
    RightKind.ERASE: _l("When nothing is under way any longer"),
    RightKind.EXPLAIN: _l("Why something was proposed for you, or not"),
    RightKind.COMPLAIN: _l("About anything; a person looks into it"),
    RightKind.BY_HAND: _l("Refuse to be matched by a program alone"),
}
INTROS: dict[RightKind, Any] = {
    RightKind.SEE: _l("This is everything on record of you. If you want it read to you or sent on paper, ask below."),
    RightKind.COPY: _l("Take the file along now, or print it. If you want it on paper from us, ask below."),
    RightKind.CORRECT: _l(
        "Say what is wrong and how it is right. A person checks it. If a department delivered the mistake, we ask that"
        " department too. Nothing you have received is taken back."
    ),
    RightKind.MOVE: _l(
        "Name the office or organisation that shall get your data. We answer how it is handed over. You can also take"
        " the file along yourself; others can read it in."
    ),
    RightKind.ERASE: _l(
        "Two people look at it. What the law makes us keep stays without your name. After that nobody, not even we, can"
        " read your details, and you can no longer sign in. What you received stays yours."
    ),
    RightKind.EXPLAIN: _l(
        "A program makes proposals by rules that are open; a person decides on each. Below is what it found for you."
        " If that is not enough, ask, and a person explains it."
    ),
    RightKind.COMPLAIN: _l("Tell us what went wrong. Complaining never costs you anything."),
    RightKind.BY_HAND: _l(
        "From now on no program proposes anything for you: a person looks for help that fits. You lose nothing: your"
        " needs, your consents and what is under way stay as they are."
    ),
}
BUTTONS: dict[RightKind, Any] = {
    RightKind.SEE: _l("Ask for it on paper"),
    RightKind.COPY: _l("Ask for it on paper"),
    RightKind.CORRECT: _l("Ask for the correction"),
    RightKind.MOVE: _l("Ask for the move"),
    RightKind.ERASE: _l("Ask for erasure"),
    RightKind.EXPLAIN: _l("Ask for an explanation"),
    RightKind.COMPLAIN: _l("Send the complaint"),
    RightKind.BY_HAND: _l("I want a person"),
}
STATES: dict[RequestState, tuple[Any, str]] = {
    RequestState.OPEN: (_l("waits for us"), "wait"),
    RequestState.SECOND: (_l("waits for a second person"), "wait"),
    RequestState.DONE: (_l("done"), "done"),
    RequestState.REFUSED: (_l("refused"), "late"),
    RequestState.TAKEN_BACK: (_l("taken back"), "plain"),
}
REVIEWS: dict[ReviewState, tuple[Any, str]] = {
    ReviewState.WAITING: (_l("waits for a person"), "wait"),
    ReviewState.KEPT: (_l("goes on"), "done"),
    ReviewState.ENDED: (_l("was ended"), "late"),
    ReviewState.LISTED: (_l("listed only"), "plain"),
}
DISPUTES: dict[DisputeState, tuple[Any, str]] = {
    DisputeState.OPEN: (_l("the source is asked"), "wait"),
    DisputeState.CORRECTED: (_l("the source corrected it"), "done"),
    DisputeState.UPHELD: (_l("the source upholds it"), "late"),
}
CAUSES: dict[str, Any] = {"correction": _l("a fact was corrected"), "death": _l("a person has died")}
SENTENCES: dict[str, Any] = {
    "right_asked_already": _l("You have asked for this already. It waits for us; you see it below."),
    "right_answered": _l("This request has been answered in the meantime."),
    "right_needs_act": _l("Correct or erase by the button for it, or refuse with a reason."),
    "right_open_matches": _l("Help is still under way for this household. Finish or end it before erasing."),
    "right_others_open": _l(
        "Answer this person's other requests first: after the erasure nobody can write to it any more."
    ),
    "no_death_on_record": _l("Near kin may ask only when the death is on record."),
    "death_on_record": _l("This death is on record already."),
    "disputed_already": _l("The source has been asked already."),
    "dispute_settled": _l("The source has answered already."),
    "id_number_taken": _l("This number belongs to another person on record. Ask your street office to look into it."),
    "demand_leaks": _l("This week's counts would tell too much about single households and are not published."),
}
FAULTS: dict[str, Any] = {
    "bad_number": _l("Write how many people live in the household, such as 3"),
    "bad_phone": _l("Write an 11-digit mobile number, such as 138 0000 0000"),
    "bad_day": _l("Write the day as year, month, day, such as 1960-05-01"),
    "bad_id_number": _l("This ID number cannot be right: compare it with the card"),
    "reason_missing": _l("Choose a reason"),
    "not_by_helper": _l("Only the person itself has this corrected, from its own telephone or at the counter"),
    "id_number_taken": SENTENCES["id_number_taken"],
    "right_asked_already": SENTENCES["right_asked_already"],
}


FINDINGS = ("sound", "need_not_verified")


def finding(code: str) -> str:
    """What asking again found, in a few words."""
    if code in {state.value for state in MatchState}:
        return word(code, "match_state")
    return word(code, "finding" if code in FINDINGS else "exclusion")
