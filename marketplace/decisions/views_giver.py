"""The giver's side: matches to answer, the consented facts of accepted ones, deliveries.

Enters: a signed-in person of an organisation. Leaves: pages without any identity until a household has accepted, and
afterwards exactly the consented fields, one look at a time, each written to the disclosure log.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from marketplace.calendar import utc_now
from marketplace.clocks import service as clocks
from marketplace.decisions import moves, queues, results, service
from marketplace.decisions.cards import Card
from marketplace.decisions.doors import bp
from marketplace.decisions.models import UNDER_WAY, MatchState
from marketplace.decisions.showing import giver_cards
from marketplace.guards import current_actor, guard, need_fresh_proof, own_org
from marketplace.reference.needs import MONEY
from marketplace.reference.words import choices
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import CountField, Form, OneField, TextField, YuanField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

TO_ANSWER = (MatchState.AWAITING_GIVER,)
TABS = {
    "answer": TO_ANSWER,
    "household": (MatchState.AWAITING_HOUSEHOLD, MatchState.HELD),
    "arrived": (MatchState.CONFIRMED, MatchState.CLOSED),
    "over": (
        MatchState.RECLAIMING,
        MatchState.RECLAIMED,
        MatchState.GIVEN_BACK,
        MatchState.DECLINED_GIVER,
        MatchState.DECLINED_HOUSEHOLD,
        MatchState.EXPIRED_GIVER,
        MatchState.EXPIRED_HOUSEHOLD,
        MatchState.CANCELLED,
        MatchState.RETURNED,
    ),
}


class GiverDeclineForm(Form):
    """Why this match cannot be taken on."""

    reason_code = OneField(_l("Why?"))


class DeliverForm(Form):
    """How much was handed over, and a short note; no personal data."""

    units = CountField(_l("How much was handed over?"), least=1)
    note = TextField(_l("Note on the delivery (no names or addresses)"), required=False, longest=200)


class DeliverMoneyForm(Form):
    """The same for money, which is typed in yuan."""

    units = YuanField(_l("How much was handed over?"), least=1)
    note = TextField(_l("Note on the delivery (no names or addresses)"), required=False, longest=200)


@bp.route("/our-matches/", defaults={"tab": "answer"}, methods=["GET"])
@bp.route("/our-matches/<any(answer, household, arrived, over):tab>", methods=["GET"])
@guard("match:answer")
def charity_matches(tab: str) -> ResponseReturnValue:
    """Matches that wait for this organisation, for the household, that arrived, or that are over."""
    session, org_id = current_session(), own_org()
    page = Page(number=page_number(), total=queues.count_of_giver(session, org_id, TABS[tab]))
    matches = queues.list_of_giver(session, org_id, TABS[tab], offset=page.offset, limit=page.size)
    counts = {name: queues.count_of_giver(session, org_id, states) for name, states in TABS.items()}
    return pages.render(
        "decisions/charity_matches.html",
        cards=giver_cards(session, matches, now=utc_now()),
        page=page,
        tab=tab,
        counts=counts,
    )


@bp.route("/our-matches/<match_id>", methods=["GET"])
@guard("match:answer")
def charity_match(match_id: str) -> ResponseReturnValue:
    """One match: the base card without identity, and what can be done now."""
    return match_page(giver_card(match_id), known=None)


def giver_card(match_id: str) -> Card:
    """The organisation's own match as it may see it now; a foreign one looks like a missing one."""
    session = current_session()
    match = service.get_match(session, match_id, actor=current_actor())
    return giver_cards(session, [match], now=utc_now())[0]


def match_page(card: Card, *, known: Any) -> ResponseReturnValue:
    """The match with what waits beside it: a result to report, a review that asks the aid back."""
    session, match = current_session(), card.match
    result = results.find_result(session, match.id)
    asked = clocks.running_of(session, moves.asked_ref(match.id))
    return pages.render(
        "decisions/charity_match.html",
        card=card,
        known=known,
        result=result,
        asks_result=result is None and match.state in results.REPORTABLE and results.is_asked(session, match.id),
        asked_back=asked[0] if asked else None,
    )


@bp.route("/our-matches/<match_id>/recipient", methods=["POST"])
@guard("match:deliver")
@writes
def recipient(match_id: str) -> ResponseReturnValue:
    """Open the consented fields for this one look; the look is logged and the household sees it."""
    need_fresh_proof()
    session = current_session()
    known = service.see_recipient(session, match_id, actor=current_actor(), now=utc_now())
    card = giver_card(match_id)
    return match_page(card, known=known)


@bp.route("/our-matches/<match_id>/accept", methods=["POST"])
@guard("match:answer")
@writes
def charity_accept(match_id: str) -> ResponseReturnValue:
    """Take the match on."""
    service.giver_accepts(current_session(), match_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Taken on. Now the household is asked."), to=url_for("decisions.charity_matches"))


@bp.route("/our-matches/<match_id>/decline", methods=["GET", "POST"])
@guard("match:answer")
@writes
def charity_decline(match_id: str) -> ResponseReturnValue:
    """Say no with a reason; the stock is free at once."""
    reason = _reason(match_id)
    if reason is None:
        return _ask_reason(
            match_id,
            title=_("Decline this match"),
            intro=_("Your stock is free again at once, and this pair is not proposed again."),
            button=_("Decline"),
        )
    service.giver_declines(current_session(), match_id, reason_code=reason, actor=current_actor(), now=utc_now())
    return pages.done(_("Declined. The resource is free again."), to=url_for("decisions.charity_matches"))


@bp.route("/our-matches/<match_id>/give-up", methods=["GET", "POST"])
@guard("match:deliver")
@writes
def give_up(match_id: str) -> ResponseReturnValue:
    """Say that what was taken on cannot be delivered; the household is told and the need is open again."""
    reason = _reason(match_id)
    if reason is None:
        return _ask_reason(
            match_id,
            title=_("We cannot deliver"),
            intro=_("The household is told, its need is open again, and you can no longer see who it is."),
            button=_("We cannot deliver"),
        )
    service.giver_gives_up(current_session(), match_id, reason_code=reason, actor=current_actor(), now=utc_now())
    return pages.done(_("Noted. The need is open again."), to=url_for("decisions.charity_deliveries"))


def decline_form(*, empty: bool = False) -> GiverDeclineForm:
    """The question for the reason; `empty` while it has not been asked yet."""
    form = GiverDeclineForm(formdata=None) if empty else GiverDeclineForm()
    form.reason_code.choices = choices("giver_decline", lang=language())
    return form


def _reason(match_id: str) -> str | None:
    """The reason that was chosen; None while it has to be asked. A foreign match is not found."""
    service.get_match(current_session(), match_id, actor=current_actor())
    form = decline_form()
    return form.reason_code.data if form.validate_on_submit() else None


def _ask_reason(match_id: str, *, title: str, intro: str, button: str) -> ResponseReturnValue:
    return pages.confirm(
        layout="charity",
        title=title,
        intro=intro,
        button=button,
        back=url_for("decisions.charity_match", match_id=match_id),
        form=decline_form(),
    )


@bp.route("/deliveries/", methods=["GET"])
@guard("match:deliver")
def charity_deliveries() -> ResponseReturnValue:
    """Accepted matches on their way, and those that wait for the household's confirmation."""
    session, org_id = current_session(), own_org()
    page = Page(number=page_number(), total=queues.count_of_giver(session, org_id, UNDER_WAY))
    matches = queues.list_of_giver(session, org_id, UNDER_WAY, offset=page.offset, limit=page.size)
    due = results.count_due(session, org_id)
    return pages.render(
        "decisions/charity_deliveries.html",
        cards=giver_cards(session, matches, now=utc_now()),
        page=page,
        results_due=due,
    )


def _deliver_form(card: Card) -> Any:
    """Asks how much, in the need's own unit and never more than was matched."""
    ours = DeliverMoneyForm if card.need.unit == MONEY else DeliverForm
    form = ours(data={"units": card.match.units})
    form.units.most = card.match.units
    return form


@bp.route("/our-matches/<match_id>/deliver", methods=["GET", "POST"])
@guard("match:deliver")
@writes
def deliver(match_id: str) -> ResponseReturnValue:
    """Say that the help was handed over."""
    session = current_session()
    card = giver_card(match_id)
    form = _deliver_form(card)
    if not form.validate_on_submit():
        return pages.confirm(
            layout="charity",
            title=_("Record the delivery"),
            intro=_("The household is asked to confirm it. If it was less than agreed, the rest is free at once."),
            items=[f"{codes.word(card.need.category, 'need')} · {codes.amount(card.match.units, card.need.unit)}"],
            button=_("It was delivered"),
            back=url_for("decisions.charity_match", match_id=match_id),
            form=form,
        )
    units, note = form.units.data, form.note.data or ""
    service.deliver(session, match_id, units=units, note=note, actor=current_actor(), now=utc_now())
    return pages.done(_("Recorded. The household is asked to confirm."), to=url_for("decisions.charity_deliveries"))
