"""The staff's side: undecided lines, approving or rejecting many through a confirm page, second approvals, all matches.

Enters: an approver and the lines ticked. Leaves: pages, and the acts of `approve`. The confirm page names what is left
out and why; what it says is asked again when the act is carried out.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlmodel import Session

from marketplace.calendar import local_day, utc_now
from marketplace.decisions import approve as approval
from marketplace.decisions import pieces, queues, service
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.contradicted import contradicted
from marketplace.decisions.doors import bp
from marketplace.decisions.models import OPEN, MatchState
from marketplace.decisions.outcome import Outcome
from marketplace.decisions.queues import LineFilter, LineRow
from marketplace.errors import BadInput, WrongState
from marketplace.guards import current_action, current_actor, guard
from marketplace.ledger.overlap import OverlapFound
from marketplace.ledger.views_rules import rule_sentence
from marketplace.reference import districts
from marketplace.reference.words import choices, list_codes
from marketplace.web import codes, formats, pages
from marketplace.web.display import language
from marketplace.web.fields import Form, OneField, TextField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

MOST_AT_ONCE = 200
SIZES = (25, 50, 100)


class RejectForm(Form):
    """Why a line is rejected; the code is what counts, the text is for the file."""

    reason_code = OneField(_l("Why?"))
    reason_text = TextField(_l("More, if needed (no personal data)"), required=False, longest=400, lines=3)


class CancelForm(Form):
    """Why a match is ended before it was delivered."""

    reason_code = OneField(_l("Why?"))


def _filter() -> LineFilter:
    urgency = request.args.get("urgency", "")
    return LineFilter(
        district=request.args.get("district", "")[:6],
        category=request.args.get("category", "")[:48],
        urgency=int(urgency) if urgency in ("0", "1", "2", "3") else None,
        run_id=request.args.get("run", "")[:32],
    )


def _size() -> int:
    asked = request.args.get("size", "")
    return int(asked) if asked.isdigit() and int(asked) in SIZES else SIZES[0]


@bp.route("/matches/", methods=["GET"])
@guard("match:list")
def queue() -> ResponseReturnValue:
    """Undecided lines with filters; tick and press."""
    session, actor, wanted = current_session(), current_actor(), _filter()
    page = Page(number=page_number(), total=queues.count_lines(session, wanted, actor=actor), size=_size())
    rows = queues.list_lines(session, wanted, actor=actor, offset=page.offset, limit=page.size)
    return pages.render(
        "decisions/queue.html",
        rows=rows,
        against=_against(session, rows),
        page=page,
        wanted=wanted,
        sizes=SIZES,
        districts=[(d.code, d.zh if not language().startswith("en") else d.en) for d in _districts()],
        categories=choices("need", lang=language()),
        urgencies=choices("urgency", lang=language()),
        second=queues.count_matches(session, (MatchState.AWAITING_SECOND,), actor=actor),
        running=queues.count_matches(session, OPEN, actor=actor),
        returned=queues.count_matches(session, (MatchState.RETURNED,), actor=actor),
    )


def _against(session: Session, rows: list[LineRow]) -> dict[str, str]:
    """Line ► the sentence of the rule that a later report makes stand against it."""
    needs = {row.line.id: row.need for row in rows}
    codes_of = contradicted(session, rows, now=utc_now())
    return {line_id: rule_sentence(code, needs[line_id]) for line_id, code in codes_of.items()}


def _districts() -> tuple[districts.District, ...]:
    return districts.current(local_day(utc_now()))


def _ticked() -> list[str]:
    ids = request.form.getlist("line")
    if not ids:
        raise BadInput("nothing_chosen", field="line")
    if len(ids) > MOST_AT_ONCE:
        raise BadInput("too_many_lines", field="line", most=MOST_AT_ONCE)
    return ids


@bp.route("/matches/confirm", methods=["POST"])
@guard("match:approve")
def confirm_approval() -> ResponseReturnValue:
    """What would be approved, what is left out and why; nothing is written."""
    session, ids = current_session(), _ticked()
    outcome = approval.preview(session, ids, actor=current_actor(), now=utc_now())
    rows = {row.line.id: row for row in queues.rows_of(session, ids, actor=current_actor())}
    return pages.confirm(
        layout="staff",
        title=ngettext("Approve %(num)d line", "Approve %(num)d lines", len(outcome.approved)),
        intro=_intro(outcome),
        items=[_line_words(rows[line_id]) for line_id in outcome.approved],
        warned=[
            (_line_words(rows[w.line_id]), rule_sentence(w.code, rows[w.line_id].need))
            for w in outcome.warned
            if w.line_id in rows
        ],
        excluded=[
            (_line_words(rows[e.line_id]) if e.line_id in rows else "—", codes.word(e.code, "exclusion"))
            for e in outcome.excluded
        ],
        button=_("Approve"),
        back=url_for("decisions.queue"),
        action=url_for("decisions.approve_lines"),
        keep=[("line", line_id) for line_id in outcome.approved],
    )


def _intro(outcome: Outcome) -> str:
    words = [str(_("Consent, overlap and stock are asked again at the moment of approval."))]
    if outcome.value_fen:
        words.append(str(_("Together %(sum)s.", sum=formats.yuan(outcome.value_fen))))
    if outcome.needs_second:
        words.append(
            str(
                ngettext(
                    "%(num)d line will wait for a second approver.",
                    "%(num)d lines will wait for a second approver.",
                    outcome.needs_second,
                )
            )
        )
    return " ".join(words)


def _line_words(row: LineRow) -> str:
    kind, place = codes.word(row.need.category, "need"), codes.place(row.need.district_code)
    return f"{kind} · {codes.amount(row.line.units, row.need.unit)} · {place} · {row.organisation.name}"


@bp.route("/matches/approve", methods=["POST"])
@guard("match:approve")
@writes
def approve_lines() -> ResponseReturnValue:
    """Approve; what no longer holds stays undecided and is counted."""
    outcome = approval.approve(current_session(), _ticked(), actor=current_actor(), now=utc_now())
    words = ngettext("%(num)d line approved.", "%(num)d lines approved.", len(outcome.approved))
    if outcome.excluded:
        causes = sorted({codes.word(excluded.code, "exclusion") for excluded in outcome.excluded})
        words += " " + _("%(n)s left out: %(causes)s", n=len(outcome.excluded), causes=str(_("; ")).join(causes))
    return pages.done(words, to=url_for("decisions.queue"))


@bp.route("/matches/reject", methods=["POST"])
@guard("match:reject")
@writes
def reject_lines() -> ResponseReturnValue:
    """Ask for the reason, then reject; the pair is not proposed again."""
    session, ids = current_session(), _ticked()
    form = RejectForm()
    form.reason_code.choices = choices("rejection", lang=language())
    if "confirmed" not in request.form or not form.validate_on_submit():
        if "confirmed" not in request.form:
            form = RejectForm(formdata=None)
            form.reason_code.choices = choices("rejection", lang=language())
        return pages.confirm(
            layout="staff",
            title=ngettext("Reject %(num)d line", "Reject %(num)d lines", len(ids)),
            intro=_("The reason is kept, and these pairs are not proposed again."),
            items=[_line_words(row) for row in queues.rows_of(session, ids, actor=current_actor())],
            button=_("Reject"),
            back=url_for("decisions.queue"),
            action=url_for("decisions.reject_lines"),
            keep=[("line", line_id) for line_id in ids],
            form=form,
            danger=True,
        )
    outcome = approval.reject(
        session,
        ids,
        reason_code=form.reason_code.data or "",
        reason_text=form.reason_text.data or "",
        actor=current_actor(),
        now=utc_now(),
    )
    words = ngettext("%(num)d line rejected.", "%(num)d lines rejected.", len(outcome.approved))
    return pages.done(words, to=url_for("decisions.queue"))


@bp.route("/matches/second", methods=["GET"])
@guard("match:list")
def second() -> ResponseReturnValue:
    """Matches above the limit that wait for a second approver."""
    return _match_list((MatchState.AWAITING_SECOND,), "second")


@bp.route("/matches/running", methods=["GET"])
@guard("match:list")
def running() -> ResponseReturnValue:
    """Every match that waits for somebody."""
    return _match_list(OPEN, "running")


@bp.route("/matches/not-received", methods=["GET"])
@guard("match:list")
def not_arrived() -> ResponseReturnValue:
    """What givers delivered and households did not receive: a person asks both sides."""
    return _match_list((MatchState.RETURNED,), "not_received")


@bp.route("/matches/<match_id>/cancel", methods=["GET", "POST"])
@guard("match:reject")
@writes
def cancel(match_id: str) -> ResponseReturnValue:
    """End a match that has not been delivered, with a reason; its units are free at once."""
    session = current_session()
    match = service.get_match(session, match_id, action=current_action(), actor=current_actor())
    card = cards_of(session, [match])[0]
    kind = codes.word(card.need.category, "need")
    form = CancelForm()
    form.reason_code.choices = choices("rejection", lang=language())
    if not form.validate_on_submit():
        return pages.confirm(
            layout="staff",
            title=_("End this match"),
            intro=_("Need and resource are free again at once; the household and the giver are told if they knew."),
            items=[
                " · ".join((kind, codes.amount(card.match.units, card.need.unit), card.organisation.name)),
                *_served_lines(card),
            ],
            button=_("End it"),
            back=url_for("decisions.running"),
            form=form,
            danger=True,
        )
    service.cancel(session, match_id, reason_code=form.reason_code.data or "", actor=current_actor(), now=utc_now())
    return pages.done(_("The match has ended."), to=url_for("decisions.running"))


def _served_lines(card: Card) -> list[str]:
    """What of a service was given already, and stays so; and whether something has passed that nobody has recorded."""
    session, lines = current_session(), []
    if units := pieces.given(session, card.match):
        lines.append(_("Served already, and stays given: %(units)s", units=codes.amount(units, card.need.unit)))
    if pieces.is_unrecorded(session, card.match, now=utc_now()):
        lines.append(_("A visit has passed that nobody has recorded. The giver can still record it after the end."))
    return lines


def _match_list(states: tuple[MatchState, ...], tab: str) -> ResponseReturnValue:
    session, actor = current_session(), current_actor()
    page = Page(number=page_number(), total=queues.count_matches(session, states, actor=actor))
    matches = queues.list_matches(session, states, actor=actor, offset=page.offset, limit=page.size)
    return pages.render("decisions/matches.html", cards=cards_of(session, matches), page=page, tab=tab)


@bp.route("/matches/<match_id>/second", methods=["POST"])
@guard("match:approve")
@writes
def second_approve(match_id: str) -> ResponseReturnValue:
    """The second approval."""
    try:
        approval.second_approve(current_session(), match_id, actor=current_actor(), now=utc_now())
    except (OverlapFound, WrongState) as error:
        if error.code not in list_codes("exclusion"):
            raise
        return pages.refuse(codes.word(error.code, "exclusion"), to=url_for("decisions.second"))
    return pages.done(_("Approved. The next side has been told."), to=url_for("decisions.second"))
