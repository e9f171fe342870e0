"""The staff's side: how every insurer stands, and payouts that make open charity money too much.

Enters: verifiers and approvers. Leaves: counts by step without names; for an approver the tasks, each with the matches
that could give way.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.claims import ordering, worklists
from marketplace.claims.doors import bp
from marketplace.claims.models import WAITING, InsuranceCase
from marketplace.decisions.cards import cards_of
from marketplace.guards import current_actor, guard
from marketplace.needs.models import Need
from marketplace.policy import may
from marketplace.reference.words import label
from marketplace.web import Form, OneField, Page, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web.display import language


class LeaveForm(Form):
    """Why nothing gives way."""

    reason_code = OneField(_l("Why?"))


@bp.get("/overview")
@guard("claim:overview")
def overview() -> ResponseReturnValue:
    """Every insurer by step, what is late, what was paid."""
    session, actor = current_session(), current_actor()
    return render(
        "claims/overview.html",
        standings=worklists.standings(session, actor=actor, now=utc_now()),
        steps=[state.value for state in WAITING],
        open_count=ordering.count_open(session, actor=actor),
        settles=may(actor, "payout:settle").allow,
    )


@bp.get("/overlaps")
@guard("payout:settle")
def overlaps() -> ResponseReturnValue:
    """The tasks that wait, the oldest first."""
    session, actor = current_session(), current_actor()
    page = Page(page_number(), ordering.count_open(session, actor=actor))
    rows = ordering.open_overlaps(session, actor=actor, offset=page.offset, limit=page.size)
    found = [(overlap, session.get_one(Need, overlap.need_id)) for overlap in rows]
    return render("claims/overlaps.html", overlaps=found, page=page)


@bp.get("/overlaps/<overlap_id>")
@guard("payout:settle")
def overlap(overlap_id: str) -> ResponseReturnValue:
    """One task: the need, the payout, and the matches that could give way."""
    session = current_session()
    found = ordering.get_overlap(session, overlap_id, actor=current_actor())
    matches = ordering.matches_of(session, found)
    return render(
        "claims/overlap.html",
        overlap=found,
        need=session.get_one(Need, found.need_id),
        case=session.get_one(InsuranceCase, found.case_id),
        cards=cards_of(session, matches),
        can_lower={m.id for m in matches if m.state in ordering.CAN_LOWER and m.units > found.over_fen},
    )


@bp.post("/overlaps/<overlap_id>/<any(lower, end):act>/<match_id>")
@guard("payout:settle")
@writes
def give_way(overlap_id: str, act: str, match_id: str) -> ResponseReturnValue:
    """Lower or end one match."""
    use = ordering.lower if act == "lower" else ordering.end
    found = use(current_session(), overlap_id, match_id, actor=current_actor(), now=utc_now())
    return _back(found.settled_at is not None, overlap_id)


@bp.post("/overlaps/<overlap_id>/refresh")
@guard("payout:settle")
@writes
def refresh(overlap_id: str) -> ResponseReturnValue:
    """The matches ended in the meantime: fill the room they left."""
    found = ordering.refresh(current_session(), overlap_id, actor=current_actor(), now=utc_now())
    return _back(found.settled_at is not None, overlap_id)


@bp.route("/overlaps/<overlap_id>/leave", methods=["GET", "POST"])
@guard("payout:settle")
@writes
def leave(overlap_id: str) -> ResponseReturnValue:
    """Leave the matches as they are, with a reason."""
    session = current_session()
    ordering.get_overlap(session, overlap_id, actor=current_actor())
    form = LeaveForm()
    form.reason_code.choices = [(c, label("overlap_decision", c, lang=language())) for c in ordering.LEAVE]
    if not form.validate_on_submit():
        return confirm(
            layout="staff",
            title=_("Leave it as it is"),
            intro=_("The charity's matches stay. What was paid beyond the gap stays the household's history."),
            button=_("Leave it as it is"),
            back=url_for(".overlap", overlap_id=overlap_id),
            form=form,
        )
    ordering.leave(session, overlap_id, reason_code=form.reason_code.data or "", actor=current_actor(), now=utc_now())
    return _back(True, overlap_id)


def _back(settled: bool, overlap_id: str) -> ResponseReturnValue:
    if settled:
        return done(_("Settled."), to=url_for(".overlaps"))
    return done(_("Noted. More has to give way."), to=url_for(".overlap", overlap_id=overlap_id))
