"""The household's side: not right? Appeal or complain from the decision itself, follow it, print the paper.

Enters: a signed-in household or its helper. Leaves: pages, and the acts of `service`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.appeals import service
from marketplace.appeals.doors import TONES, bp
from marketplace.appeals.models import AppealKind
from marketplace.calendar import utc_now
from marketplace.decisions.cards import cards_of
from marketplace.guards import current_actor, guard, own_household
from marketplace.web import Form, OneField, TextField, _, _l, confirm, current_session, done, render, writes


class AppealForm(Form):
    """Which of the two, and why."""

    kind = OneField(
        _l("What is wrong?"),
        [("appeal", _l("The decision: I want it looked at again")), ("complaint", _l("How I was treated"))],
    )
    words = TextField(_l("In your own words"), longest=1000, lines=4)


@bp.get("/mine")
@guard("appeal:view")
def mine() -> ResponseReturnValue:
    """What this household has raised, with limits and answers."""
    session = current_session()
    found = service.of_household(session, own_household())
    answers = {row.id: service.read(session, row, "answer") for row in found}
    return render("appeals/mine.html", rows=found, answers=answers, tones=TONES)


@bp.route("/about/<match_id>", methods=["GET", "POST"])
@guard("appeal:raise")
@writes
def about(match_id: str) -> ResponseReturnValue:
    """Appeal or complain, with the decision on the same screen."""
    session, actor, form = current_session(), current_actor(), AppealForm()
    match = service.own_match(session, match_id, actor=actor)
    if form.validate_on_submit():
        kind, words = AppealKind(str(form.kind.data)), form.words.data or ""
        service.raise_about(session, match_id, kind, words=words, actor=actor, now=utc_now())
        return done(_("It is being looked into by somebody who did not decide."), to=url_for(".mine"))
    return render(
        "appeals/about.html",
        card=cards_of(session, [match])[0],
        rows=service.of_household(session, match.household_id, match_id=match.id),
        last=service.reconsider_by(match),
        form=form,
        tones=TONES,
    )


@bp.get("/about/<match_id>/paper")
@guard("appeal:view")
def paper(match_id: str) -> ResponseReturnValue:
    """The paper with which reconsideration is asked for, to print and sign."""
    session = current_session()
    match = service.own_match(session, match_id, actor=current_actor())
    return render(
        "appeals/paper.html",
        card=cards_of(session, [match])[0],
        last=service.reconsider_by(match),
        days=service.RECONSIDER_DAYS,
        decide=service.DECIDE_DAYS,
    )


@bp.route("/mine/<appeal_id>/take-back", methods=["GET", "POST"])
@guard("appeal:raise")
@writes
def take_back(appeal_id: str) -> ResponseReturnValue:
    """Not any longer."""
    session, form = current_session(), Form()
    service.get_own(session, appeal_id, actor=current_actor())
    if form.validate_on_submit():
        service.take_back(session, appeal_id, actor=current_actor(), now=utc_now())
        return done(_("Taken back."), to=url_for(".mine"))
    return confirm(
        layout="household",
        title=_("Take this back?"),
        intro=_("Nobody looks into it any longer. You can raise it again."),
        button=_("Take it back"),
        back=url_for(".mine"),
        form=form,
    )
