"""The staff's side: requests that wait, one request with its answer, a match to look at again, a dispute.

Enters: staff of the district. Leaves: pages; the rules are in `service`, `corrections`, `reviews`, `erasing`.
A request shows the asking person's own words and new value: opening them is written into the chain.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import utc_now
from marketplace.decisions import service as decisions
from marketplace.decisions.cards import cards_of
from marketplace.errors import BadInput, Conflict
from marketplace.guards import current_actor, guard, need_fresh_proof
from marketplace.households import by_hand
from marketplace.households.models import Household, Person
from marketplace.households.service import masked_name
from marketplace.policy import may
from marketplace.reference.words import choices
from marketplace.rights import corrections, erasing, reviews, service
from marketplace.rights.doors import bp, say
from marketplace.rights.explaining import needs_of
from marketplace.rights.models import RequestState, RightKind, RightRequest
from marketplace.rights.views_household import NAMES
from marketplace.rights.words import CAUSES, DISPUTES, REVIEWS, STATES, TITLES, finding
from marketplace.web import (
    Form,
    OneField,
    TextField,
    _,
    _l,
    confirm,
    current_database,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.codes import word
from marketplace.web.display import language


class AnswerForm(Form):
    """The answer the household reads; a reason makes it a no."""

    text = TextField(_l("Your answer, as the household reads it"), longest=1000, lines=4)
    refused = OneField(_l("Refuse because"), required=False, select=True)


def _answer_form() -> AnswerForm:
    form = AnswerForm()
    form.refused.choices = choices("right_refusal", lang=language())
    return form


@bp.get("/rights/")
@guard("right:task")
def tasks() -> ResponseReturnValue:
    """What waits, the first to be late first."""
    found = service.waiting(current_session(), actor=current_actor())
    return render("rights/tasks.html", rows=found, titles=TITLES, states=STATES, now=utc_now())


@bp.get("/rights/<request_id>")
@guard("right:task")
def task(request_id: str) -> ResponseReturnValue:
    """One request. The look at its words is written and committed before they are opened."""
    actor = current_actor()
    with current_database().transaction() as session:
        found = service.get_request(session, request_id, actor=actor, now=utc_now())
        service.record_look(session, found, actor=actor, now=utc_now())
    session = current_session()
    return _task(session, service.get_request(session, request_id, actor=actor, now=utc_now()), _answer_form())


def _task(session: Session, found: RightRequest, form: AnswerForm) -> ResponseReturnValue:
    person = session.get_one(Person, found.person_id)
    return render(
        "rights/task.html",
        one=found,
        title=TITLES[found.kind],
        state=STATES[found.state],
        name=masked_name(session, person),
        what=word(NAMES.get(found.field, found.field), "field"),
        words=service.read(session, found, "words"),
        new_value=service.read(session, found, "new_value"),
        answer=service.read(session, found, "answer"),
        touched=reviews.of_cause(session, found.id),
        reviews=REVIEWS,
        finding=finding,
        dispute=corrections.find_dispute(session, found.id),
        source=corrections.source_of(session, found),
        needs=needs_of(session, found.household_id) if found.kind is RightKind.BY_HAND else [],
        second=found.state is RequestState.SECOND,
        may_second=may(current_actor(), "right:erase").allow and found.answered_by != current_actor().id,
        form=form,
    )


def _again(session: Session, request_id: str, form: AnswerForm) -> ResponseReturnValue:
    """The same page with what is wrong in the form, as it was before: it opens the words once more, so it is a look
    once more."""
    session.rollback()
    with current_database().transaction() as look:
        service.record_look(look, look.get_one(RightRequest, request_id), actor=current_actor(), now=utc_now())
    return _task(session, session.get_one(RightRequest, request_id), form)


@bp.post("/rights/<request_id>/answer")
@guard("right:answer")
@writes
def answer(request_id: str) -> ResponseReturnValue:
    """Answer in words, correct, agree to an erasure, or refuse with a reason."""
    session, actor, now = current_session(), current_actor(), utc_now()
    found, form = service.get_request(session, request_id, actor=actor, now=utc_now()), _answer_form()
    if not form.validate_on_submit():
        return _again(session, request_id, form)
    text, refused = form.text.data or "", form.refused.data or ""
    try:
        if found.kind is RightKind.CORRECT and not refused:
            touched = corrections.correct(session, request_id, text=text, actor=actor, now=now)
            words = _("Corrected. %(n)s matches were built on the old value.", n=len(touched))
            return done(words, to=url_for(".task", request_id=request_id))
        if found.kind is RightKind.ERASE and not refused:
            return _erase(session, found, text=text)
        service.answer(session, request_id, text=text, refused=refused, actor=actor, now=now)
    except (BadInput, Conflict) as error:
        say(form, error, fallback="text")
        return _again(session, request_id, form)
    return done(_("Answered. The household is told that there is an answer."), to=url_for(".tasks"))


def _erase(session: Session, found: RightRequest, *, text: str) -> ResponseReturnValue:
    need_fresh_proof()
    if found.state is RequestState.OPEN:
        erasing.agree(session, found.id, actor=current_actor(), now=utc_now())
        return done(_("A second person has to agree before anything is erased."), to=url_for(".tasks"))
    erasing.carry_out(session, found.id, text=text, actor=current_actor(), now=utc_now())
    return done(_("Erased. Nobody can read this person's details any longer."), to=url_for(".tasks"))


@bp.post("/rights/<request_id>/dispute")
@guard("right:answer")
@writes
def open_dispute(request_id: str) -> ResponseReturnValue:
    """Ask the department that delivered the fact."""
    row = corrections.dispute(current_session(), request_id, actor=current_actor(), now=utc_now())
    return done(_("The source is asked; its limit runs."), to=url_for(".dispute", dispute_id=row.id))


@bp.route("/rights/disputes/<dispute_id>", methods=["GET", "POST"])
@guard("right:answer")
@writes
def dispute(dispute_id: str) -> ResponseReturnValue:
    """What the source said."""
    session, actor = current_session(), current_actor()
    row, form = corrections.get_dispute(session, dispute_id, actor=actor), DisputeForm()
    if form.validate_on_submit():
        corrections.settle(session, row.id, corrected=form.said.data == "corrected", actor=actor, now=utc_now())
        return done(_("Written down."), to=url_for(".task", request_id=row.request_id))
    facts = [
        {"label": _("Source"), "value": row.source},
        {"label": _("Detail"), "value": word(NAMES.get(row.field, row.field), "field")},
        {"label": _("State"), "value": DISPUTES[row.state][0]},
    ]
    return confirm(
        layout="staff",
        title=_("A fact is disputed at its source"),
        intro=_("The department that delivered this fact is asked to check it. Write down what it said."),
        button=_("Write it down"),
        back=url_for(".task", request_id=row.request_id),
        facts=facts,
        form=form,
    )


class DisputeForm(Form):
    """Two answers."""

    said = OneField(
        _l("What did the source say?"),
        [
            ("corrected", _l("It was wrong: the source corrected it")),
            ("upheld", _l("It is right: the source upholds it")),
        ],
    )


@bp.route("/rights/matches/<match_id>", methods=["GET", "POST"])
@guard("match:hold")
@writes
def review(match_id: str) -> ResponseReturnValue:
    """A match that was built on a fact which has changed: let it go on, or end it."""
    session, actor = current_session(), current_actor()
    match = decisions.get_match(session, match_id, action="match:hold", actor=actor)
    found, form = reviews.of_match(session, match_id), ReviewForm()
    if form.validate_on_submit():
        act = reviews.keep if form.verdict.data == "keep" else reviews.end
        act(session, match_id, actor=actor, now=utc_now())
        return done(_("Decided."), to=url_for("decisions.deadlines", group="rights"))
    card = cards_of(session, [match])[0]
    rows = [(CAUSES.get(one.cause, one.cause), finding(one.finding), one.found_at, REVIEWS[one.state]) for one in found]
    return render("rights/review.html", card=card, rows=rows, form=form)


class ReviewForm(Form):
    """Two ways on."""

    verdict = OneField(
        _l("What becomes of this match?"),
        [("keep", _l("It goes on")), ("end", _l("It ends; the need is open again"))],
    )


@bp.get("/rights/by-hand")
@guard("right:task")
def manual_queue() -> ResponseReturnValue:
    """Households that people match: their open needs, each with the way to look for help and to pin it."""
    session, actor = current_session(), current_actor()
    homes = [session.get_one(Household, one) for one in sorted(by_hand.by_hand(session))]
    rows = [need for home in homes if actor.serves(home.district_code) for need in needs_of(session, home.id)]
    return render("rights/by_hand.html", rows=[need for need in rows if need.state.value == "verified"])
