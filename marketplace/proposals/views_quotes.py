"""Between runs on pages and as JSON: what could help a need now, taking free stock, and who could make way.

Enters: staff. Leaves: pages and one JSON door; both say the same. A GET only reads; what is taken is proposed, and
what is kept or dropped is written down with its reason.
"""

from __future__ import annotations

from typing import Any

from flask import jsonify, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace import policy
from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.ledger.sentences import Sayings
from marketplace.proposals import making_way, quotes
from marketplace.proposals.doors import bp
from marketplace.proposals.making_way import LONGEST_REASON, Pending
from marketplace.proposals.quotes import Told
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import Form, TextField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes
from matching.quote import CLOSED, COVERED, EVEN, FREE, LIKELY, NOTHING_FITS, UNLIKELY, UNSURE, Quote
from matching.wording import RULE

LEVEL = {
    LIKELY: _l("likely in the next run"),
    EVEN: _l("on the line: cost or the lot decides"),
    UNLIKELY: _l("below the line"),
    UNSURE: _l("the spare stock would be used up: the next run will tell"),
    CLOSED: _l("no resource may give more"),
}
SENTENCE = {
    FREE: _l("Everything that is still open is free at once."),
    LIKELY: _l("The next unit ranks above the line: it is likely in the next run, as long as nothing else changes."),
    EVEN: _l("The next unit ranks on the line: cost or the published lot decides."),
    UNLIKELY: _l("The next unit ranks below the line: as things stand, the next run gives it nothing."),
    UNSURE: _l("Resources that fit had stock to spare in the last run: the next run will tell who comes first."),
    CLOSED: _l("No resource may give this need more: its own limits or those of the household are reached."),
    COVERED: _l("Nothing is open: the whole gap is covered or under way."),
    NOTHING_FITS: _l("No posted resource fits this need."),
    quotes.RULED_OUT: _l("A rule against helping twice allows nothing for this need now, whatever is free."),
    quotes.NO_RUN: _l("There is no finished run yet that looked at needs like this one."),
    quotes.NOT_VERIFIED: _l("Only a verified need that has not ended is quoted."),
}
TINT = {FREE: "done", LIKELY: "done", EVEN: "wait", UNSURE: "wait", COVERED: "info"}


class ReasonForm(Form):
    """Why a displacement is kept or dropped."""

    reason = TextField(_l("Why? (no personal data)"), longest=LONGEST_REASON, lines=3)


@bp.route("/quotes/needs/<need_id>.json", methods=["GET"])
@guard("quote:view")
def quote_json(need_id: str) -> ResponseReturnValue:
    """The quote of this moment for machines of the staff's side; no personal data."""
    told = quotes.tell(current_session(), need_id, actor=current_actor(), now=utc_now())
    response = jsonify(quotes.as_json(told))
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.route("/quotes/needs/<need_id>", methods=["GET"])
@guard("quote:view")
def quote(need_id: str) -> ResponseReturnValue:
    """What could help this need now, in words."""
    told = quotes.tell(current_session(), need_id, actor=current_actor(), now=utc_now())
    may_take = policy.decide(current_actor(), "quote:take", district=told.need.district_code).allow
    return pages.render(
        "proposals/quote.html",
        told=told,
        sentence=SENTENCE[told.state],
        tint=TINT.get(told.state, "plain"),
        levels=LEVEL,
        refused=_refused(told.quote),
        sayings=_sayings(told),
        may_take=may_take and told.quote is not None and bool(told.quote.free),
    )


def _sayings(told: Told) -> list[str]:
    """What the rules say that leave something open to nobody."""
    if not told.rules:
        return []
    says = Sayings(current_session(), on=local_day(utc_now()), lang=language())
    words = says.about(told.need.district_code, told.need.category)
    return [words.get(code, code) for code in told.rules]


def _refused(told: Quote | None) -> list[tuple[str, int]]:
    """By which rule how many resources fell away, the nearest to a match first."""
    at = 1 if language().startswith("en") else 0
    return [(RULE[rule][at], count) for rule, count in told.refused.items() if rule != "category"] if told else []


@bp.route("/quotes/needs/<need_id>/take", methods=["POST"])
@guard("quote:take")
@writes
def take(need_id: str) -> ResponseReturnValue:
    """Propose the free stock; approvers decide as on every line."""
    lines = quotes.take_free_stock(current_session(), need_id, actor=current_actor(), now=utc_now())
    words = ngettext(
        "%(num)d line is proposed. It waits for an approver.",
        "%(num)d lines are proposed. They wait for an approver.",
        len(lines),
    )
    return pages.done(words, to=url_for("proposals.quote", need_id=need_id))


@bp.route("/quotes/displacements", methods=["GET"])
@guard("displacement:list")
def displacements() -> ResponseReturnValue:
    """What waits: who could make way for whom; nothing has changed yet."""
    session, actor = current_session(), current_actor()
    page = Page(number=page_number(), total=making_way.count_pending(session, actor=actor))
    rows = making_way.list_pending(session, actor=actor, offset=page.offset, limit=page.size)
    return pages.render("proposals/displacements.html", rows=rows, page=page)


@bp.route("/quotes/displacements/<displacement_id>/keep", methods=["GET", "POST"])
@guard("displacement:decide")
@writes
def keep(displacement_id: str) -> ResponseReturnValue:
    """Say why the next run should know of it."""
    return _decide(displacement_id, kept=True)


@bp.route("/quotes/displacements/<displacement_id>/drop", methods=["GET", "POST"])
@guard("displacement:decide")
@writes
def drop(displacement_id: str) -> ResponseReturnValue:
    """Say why the plan stays as it is."""
    return _decide(displacement_id, kept=False)


def _decide(displacement_id: str, *, kept: bool) -> ResponseReturnValue:
    session, actor = current_session(), current_actor()
    pending = making_way.get_pending(session, displacement_id, actor=actor)
    form = ReasonForm()
    if form.validate_on_submit():
        decide = making_way.keep if kept else making_way.drop
        try:
            decide(session, displacement_id, reason=form.reason.data or "", actor=actor, now=utc_now())
        except BadInput:
            form.reason.errors = [_("Leave out ID and telephone numbers: others read this.")]
        else:
            words = (
                _("Kept: a pin for the next run. It is listed among the overrides, where it can be withdrawn.")
                if kept
                else _("Dropped. The plan stays as it is.")
            )
            return pages.done(words, to=url_for("proposals.displacements"))
    return pages.confirm(
        layout="staff",
        title=_("Keep this for the next run?") if kept else _("Drop this?"),
        intro=_("Nothing changes now. The next run is told to give this need one unit more.")
        if kept
        else _("The plan stays as it is."),
        facts=_facts(pending),
        button=_("Keep it") if kept else _("Drop it"),
        back=url_for("proposals.displacements"),
        form=form,
    )


def _facts(pending: Pending) -> list[dict[str, Any]]:
    loser = pending.loser
    rows = [
        (_("Would gain"), _named(pending.need)),
        (_("Would lose"), _named(loser) if loser else _("nobody")),
        (_("Ranks"), _("%(gained)s against %(lost)s", gained=pending.row.rank_gained, lost=pending.row.rank_lost)),
    ]
    return [{"label": label, "value": value} for label, value in rows]


def _named(need: Any) -> str:
    """A need in words that name nobody."""
    kind, urgency = codes.word(need.category, "need"), codes.word(need.urgency, "urgency")
    return f"{kind} · {codes.place(need.district_code)} · {urgency}"
