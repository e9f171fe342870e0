"""The household's side: not right? Appeal or complain from the decision itself, follow it, print the paper.

Enters: a signed-in household or its helper. Leaves: pages, and the acts of `service`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.appeals import service
from marketplace.appeals.decided import ITEM, MATCH, Decided, own_decision
from marketplace.appeals.doors import TONES, bp
from marketplace.appeals.models import AppealKind
from marketplace.calendar import local_day, utc_now
from marketplace.cases.models import CaseItem
from marketplace.cases.steps import list_steps
from marketplace.cases.whose import civil_affairs, who_decided
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
    found = service.own_appeals(session, own_household(), actor=current_actor(), now=utc_now())
    answers = {row.id: service.read(session, row, "answer") for row in found}
    return render("appeals/mine.html", rows=found, answers=answers, tones=TONES)


@bp.route("/about/<match_id>", methods=["GET", "POST"])
@guard("appeal:raise")
@writes
def about(match_id: str) -> ResponseReturnValue:
    """Appeal or complain about a match, with the decision on the same screen."""
    back = url_for("decisions.household_offer", match_id=match_id), _("An offer to me")
    return _about(MATCH, match_id, back=back, paper=url_for(".paper", match_id=match_id))


@bp.route("/about-item/<item_id>", methods=["GET", "POST"])
@guard("appeal:raise")
@writes
def about_item(item_id: str) -> ResponseReturnValue:
    """The same about one item of an application."""
    item = current_session().get(CaseItem, item_id)
    case = url_for("cases.one", case_id=item.case_id) if item is not None else url_for("cases.mine")
    return _about(ITEM, item_id, back=(case, _("My application")), paper=url_for(".item_paper", item_id=item_id))


def _about(kind: str, object_id: str, *, back: tuple[str, str], paper: str) -> ResponseReturnValue:
    session, actor, form = current_session(), current_actor(), AppealForm()
    decided = own_decision(session, kind, object_id, actor=actor)
    last = service.reconsider_by(decided.at)
    if form.validate_on_submit():
        wanted, words = AppealKind(str(form.kind.data)), form.words.data or ""
        service.raise_about(session, object_id, wanted, about=kind, words=words, actor=actor, now=utc_now())
        return done(_("It is being looked into by somebody who did not decide."), to=url_for(".mine"))
    return render(
        "appeals/about.html",
        decided=decided,
        decider=_decider(decided),
        rows=service.own_appeals(session, decided.household_id, ref=decided.ref, actor=actor, now=utc_now()),
        last=last if last >= local_day(utc_now()) else None,
        form=form,
        back_to=back,
        paper=paper,
        tones=TONES,
    )


@bp.get("/about/<match_id>/paper")
@guard("appeal:view")
def paper(match_id: str) -> ResponseReturnValue:
    """The paper with which reconsideration is asked for, to print and sign."""
    return _paper(MATCH, match_id, back=url_for(".about", match_id=match_id))


@bp.get("/about-item/<item_id>/paper")
@guard("appeal:view")
def item_paper(item_id: str) -> ResponseReturnValue:
    """The same for one item of an application."""
    return _paper(ITEM, item_id, back=url_for(".about_item", item_id=item_id))


def _paper(kind: str, object_id: str, *, back: str) -> ResponseReturnValue:
    decided = own_decision(current_session(), kind, object_id, actor=current_actor())
    days = {"days": service.RECONSIDER_DAYS, "decide": service.DECIDE_DAYS}
    last = service.reconsider_by(decided.at)
    return render("appeals/paper.html", decided=decided, decider=_decider(decided), last=last, back_to=back, **days)


def _decider(decided: Decided) -> str:
    """The office whose decision it is; help of charities and insurers is approved by the district's civil affairs."""
    session = current_session()
    item = session.get(CaseItem, decided.id) if decided.kind == ITEM else None
    if item is None:
        return civil_affairs(decided.district_code)
    return who_decided(session, item, list_steps(session, item.case_id))


@bp.route("/mine/<appeal_id>/take-back", methods=["GET", "POST"])
@guard("appeal:raise")
@writes
def take_back(appeal_id: str) -> ResponseReturnValue:
    """Not any longer."""
    session, form = current_session(), Form()
    service.get_own(session, appeal_id, actor=current_actor(), now=utc_now())
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
