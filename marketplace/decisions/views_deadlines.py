"""The board of deadlines: what waits, for whom, until when; a late delivery and a complaint are settled here.

Enters: a member of staff with filters, or what it decides. Leaves: pages of running clocks of its districts, and the
acts of `clocks.board`, `waiting` and `closing`.
"""

from __future__ import annotations

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.accounts.standins import seats_of
from marketplace.calendar import local_day, utc_now
from marketplace.clocks import board
from marketplace.clocks.board import ClockFilter
from marketplace.clocks.steps import STEPS
from marketplace.decisions import asking, holding, service, waiting
from marketplace.decisions import deadlines as told
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.closing import find_follow_up
from marketplace.decisions.doors import bp
from marketplace.decisions.models import MatchState
from marketplace.errors import NotFound
from marketplace.guards import current_action, current_actor, guard
from marketplace.ledger import hits
from marketplace.ledger.overlap import OverlapFound
from marketplace.reference import districts
from marketplace.reference.words import choices
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import Form, OneField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

GROUPS = {
    "calls": ("call_household", "visit_household"),
    "follow_ups": ("follow_up", "complaint"),
    "late": ("late_delivery",),
    "unclaimed": ("unclaimed",),
    "rights": ("right_answer", "source_dispute", "match_review"),
}
"""Tabs of the board: what staff themselves have to do."""
STATES = (board.LATE, board.AT_RISK)


class SettleForm(Form):
    """What came of a complaint."""

    settlement = OneField(_l("What came of it?"))


class LateForm(Form):
    """Nothing but the press of a button."""


@bp.route("/deadlines/", methods=["GET"])
@guard("clock:list")
def deadlines() -> ResponseReturnValue:
    """Every running clock within the actor's districts, the first to be late first."""
    session, actor, now = current_session(), current_actor(), utc_now()
    group = request.args.get("group", "")
    group = group if group in GROUPS else "all"
    wanted = _filter(group)
    page = Page(number=page_number(), total=board.count_clocks(session, wanted, actor=actor, now=now))
    clocks = board.list_clocks(session, wanted, actor=actor, now=now, offset=page.offset, limit=page.size)
    counts = board.count_by_step(session, actor=actor, now=now)
    return pages.render(
        "decisions/deadlines.html",
        rows=told.rows_of(session, clocks, actor=actor, now=now),
        page=page,
        group=group,
        counts={name: sum(counts.get(step, (0, 0))[0] for step in steps) for name, steps in GROUPS.items()},
        running=sum(total for total, _late in counts.values()),
        late=sum(late for _total, late in counts.values()),
        steps=[(code, codes.word(code, "step")) for code in STEPS],
        districts=[(d.code, d.en if language().startswith("en") else d.zh) for d in districts.current(local_day(now))],
        me=actor.id,
    )


def _filter(group: str) -> ClockFilter:
    step, state = request.args.get("step", ""), request.args.get("state", "")
    return ClockFilter(
        steps=GROUPS.get(group, (step,) if step in STEPS else ()),
        state=state if state in STATES else "",
        district=request.args.get("district", "")[:6],
        account_ids=seats_of(current_session(), current_actor(), now=utc_now())
        if request.args.get("mine") == "y"
        else frozenset(),
    )


@bp.route("/deadlines/<clock_id>/take", methods=["POST"])
@guard("clock:take")
@writes
def take(clock_id: str) -> ResponseReturnValue:
    """This person holds it from now on."""
    board.take(current_session(), clock_id, actor=current_actor(), now=utc_now())
    return pages.done(_("You hold this step now."), to=url_for("decisions.deadlines", mine="y"))


def _card(match_id: str) -> Card:
    """The match, if the actor may do here what the page is for."""
    session, actor = current_session(), current_actor()
    return cards_of(session, [service.get_match(session, match_id, action=current_action(), actor=actor)])[0]


def _in_words(card: Card) -> str:
    kind, place = codes.word(card.need.category, "need"), codes.place(card.need.district_code)
    return f"{kind} · {codes.amount(card.match.units, card.need.unit)} · {place} · {card.organisation.name}"


@bp.route("/late-deliveries/<match_id>", methods=["GET", "POST"])
@guard("match:extend")
@writes
def late_delivery(match_id: str) -> ResponseReturnValue:
    """A delivery that is late: give the giver its time once more, or go on to end the match."""
    session, card, form = current_session(), _card(match_id), LateForm()
    if card.match.state is not MatchState.IN_DELIVERY:
        raise NotFound("match")
    if not form.validate_on_submit():
        return pages.render(
            "decisions/late_delivery.html", card=card, form=form, may_extend=waiting.may_extend(session, card.match)
        )
    waiting.extend_delivery(session, match_id, actor=current_actor(), now=utc_now())
    return pages.done(_("The giver has been told its new last day."), to=url_for("decisions.deadlines", group="late"))


@bp.route("/matches/<match_id>/rule", methods=["GET", "POST"])
@guard("match:hold")
@writes
def rule_review(match_id: str) -> ResponseReturnValue:
    """A match that a rule against helping twice holds: see why, ask the rules again, or go on to end it."""
    session, card, form, now = current_session(), _card(match_id), LateForm(), utc_now()
    if card.match.held_for != holding.RULE:
        raise NotFound("match")
    if not form.validate_on_submit():
        hit = asking.behind(session, card.match)
        return pages.render("decisions/rule_review.html", card=card, form=form, hit=hit, sums=hits.SUM_CAPS)
    try:
        asking.go_on(session, match_id, actor=current_actor(), now=now)
    except OverlapFound as error:
        return pages.refuse(codes.word(error.code, "exclusion"), to=url_for("decisions.rule_review", match_id=match_id))
    return pages.done(_("The rules allow it now. The match goes on."), to=url_for("decisions.deadlines"))


@bp.route("/complaints/<match_id>", methods=["GET", "POST"])
@guard("match:settle")
@writes
def settle(match_id: str) -> ResponseReturnValue:
    """A complaint about one match: say what came of it, and the match is closed."""
    session, card = current_session(), _card(match_id)
    row = find_follow_up(session, match_id)
    if row is None or not row.complaint:
        raise NotFound("complaint")
    form = SettleForm()
    form.settlement.choices = choices("settlement", lang=language())
    if not form.validate_on_submit():
        return pages.confirm(
            layout="staff",
            title=_("Settle a complaint"),
            intro=_("Talk to both sides first. What came of it is kept, and the match is closed."),
            facts=[
                {"label": _("Match"), "value": _in_words(card)},
                {"label": _("Satisfaction, 1 to 5"), "value": str(row.satisfaction)},
                {"label": _("What remains"), "value": codes.word(row.remains, "remains")},
                {"label": _("Who answered"), "value": _("the household itself") if row.own_answer else _("staff")},
            ],
            button=_("Settle"),
            back=url_for("decisions.deadlines", group="follow_ups"),
            form=form,
        )
    service.settle(session, match_id, settlement=form.settlement.data or "", actor=current_actor(), now=utc_now())
    return pages.done(_("Settled. The match is closed."), to=url_for("decisions.deadlines", group="follow_ups"))
