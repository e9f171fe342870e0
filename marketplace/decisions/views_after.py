"""What household and giver do after a delivery: say how it went, give the aid back, ask it back.

Enters: the signed-in side and its reason. Leaves: confirm pages, and the acts of `closing`.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from markupsafe import Markup

from marketplace.actors import GIVERS
from marketplace.calendar import utc_now
from marketplace.decisions import service
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.closing import MOST_MINUTES, OF_THE_HOUSE, PAID_MISSING, RECLAIMABLE, RETURNABLE, Answers
from marketplace.decisions.doors import bp
from marketplace.decisions.models import MatchState
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.reference.words import choices
from marketplace.web import codes, pages
from marketplace.web.display import language
from marketplace.web.fields import CountField, Form, OneField, TickField
from marketplace.web.transactions import current_session, writes


class HowForm(Form):
    """Three questions to the household; none of them changes what it may get."""

    satisfaction = OneField(_l("How satisfied are you?"))
    remains = OneField(_l("How are things now?"))
    helper_minutes = CountField(
        _l("Minutes that somebody helped you with it, if you know"), least=0, most=MOST_MINUTES, required=False
    )
    complaint = TickField(_l("I have a complaint: somebody should call me"))


class GiveBackForm(Form):
    """Why the help is given back."""

    reason_code = OneField(_l("Why?"))


class ReclaimForm(Form):
    """Why the giver asks it back; the household reads this."""

    reason_code = OneField(_l("Why?"))


class FoundForm(Form):
    """What an approver found out about money that no bank paid."""

    found = OneField(
        _l("What did you find?"),
        [("came", _l("The household had the money: it stands")), ("nothing", _l("It was never handed over"))],
    )


class PressForm(Form):
    """Nothing but the press of a button."""


def _card(match_id: str, *states: MatchState, action: str = "") -> Card:
    session = current_session()
    card = cards_of(session, [service.get_match(session, match_id, action=action, actor=current_actor())])[0]
    if card.match.state not in states:
        raise NotFound("match")
    return card


def _words(card: Card) -> str:
    return f"{codes.word(card.need.category, 'need')} · {codes.amount(card.match.units, card.need.unit)}"


@bp.route("/offers-to-me/<match_id>/how-it-went", methods=["GET", "POST"])
@guard("household:view")
@writes
def how_it_went(match_id: str) -> ResponseReturnValue:
    """The household answers itself; a worker then need not call."""
    card, form = _card(match_id, MatchState.CONFIRMED), HowForm()
    form.satisfaction.choices = choices("satisfaction", lang=language())
    form.remains.choices = choices("remains", lang=language())
    back = url_for("decisions.household_offer", match_id=match_id)
    if not form.validate_on_submit():
        return pages.confirm(
            layout="household",
            title=_("How did it go?"),
            intro=_("Your answer changes nothing about your help. It helps us to do better."),
            facts=[{"label": _("Help"), "value": f"{_words(card)} · {card.organisation.name}"}],
            button=_("Send my answer"),
            back=back,
            form=form,
        )
    answers = Answers(
        satisfaction=int(form.satisfaction.data or 0),
        remains=form.remains.data or "",
        helper_minutes=form.helper_minutes.data,
        complaint=bool(form.complaint.data),
    )
    service.follow_up(current_session(), match_id, answers, actor=current_actor(), now=utc_now())
    words = _("Thank you. Somebody will look into your complaint.") if answers.complaint else _("Thank you.")
    return pages.done(words, to=back)


@bp.route("/offers-to-me/<match_id>/give-back", methods=["GET", "POST"])
@guard("household:view")
@writes
def household_gives_back(match_id: str) -> ResponseReturnValue:
    """The household does not need or want the help that it accepted, and has not used it."""
    return _give_back(match_id, layout="household", endpoint="decisions.household_offer")


@bp.route("/deliveries/<match_id>/handed-back", methods=["GET", "POST"])
@guard("match:deliver")
@writes
def charity_handed_back(match_id: str) -> ResponseReturnValue:
    """The giver writes down that it has its aid back, unused."""
    return _give_back(match_id, layout="charity", endpoint="decisions.charity_match")


def _give_back(match_id: str, *, layout: str, endpoint: str) -> ResponseReturnValue:
    card, form = _card(match_id, *RETURNABLE), GiveBackForm()
    form.reason_code.choices = choices("give_back", lang=language())
    back, mine = url_for(endpoint, match_id=match_id), layout == "household"
    if not form.validate_on_submit():
        return pages.confirm(
            layout=layout,
            title=_("Give this help back") if mine else _("We have it back"),
            intro=_("Only if it has not been used. You lose nothing by it; the giver is told.")
            if mine
            else _("Only if it was not used. Your stock is free again, and the household is told."),
            facts=[{"label": _("Help"), "value": _words(card)}],
            button=_("Give back") if mine else _("We have it back"),
            back=back,
            form=form,
        )
    service.give_back(
        current_session(), match_id, reason_code=form.reason_code.data or "", actor=current_actor(), now=utc_now()
    )
    return pages.done(_("Noted. The other side has been told."), to=back)


@bp.route("/deliveries/<match_id>/reclaim", methods=["GET", "POST"])
@guard("match:reclaim")
@writes
def reclaim(match_id: str) -> ResponseReturnValue:
    """Ask back what the household has received, with a reason; or write down that it came back."""
    card = _card(match_id, *RECLAIMABLE, MatchState.RECLAIMING)
    back = url_for("decisions.charity_match", match_id=match_id)
    if card.match.state is MatchState.RECLAIMING:
        return _got_back(card, back=back)
    form = ReclaimForm()
    form.reason_code.choices = [one for one in choices("reclaim", lang=language()) if one[0] not in OF_THE_HOUSE]
    if not form.validate_on_submit():
        return pages.confirm(
            layout="charity",
            title=_("Ask it back"),
            intro=_("The household reads your reason and can ask civil affairs, which may end this."),
            facts=[{"label": _("Help"), "value": _words(card)}],
            button=_("Ask it back"),
            back=back,
            form=form,
            danger=True,
        )
    service.reclaim_open(
        current_session(), match_id, reason_code=form.reason_code.data or "", actor=current_actor(), now=utc_now()
    )
    return pages.done(_("Noted. The household has been told."), to=back)


def _got_back(card: Card, *, back: str) -> ResponseReturnValue:
    form = PressForm()
    if not form.validate_on_submit():
        return pages.confirm(
            layout="charity",
            title=_("It came back"),
            intro=_("The ledger then counts this help as returned, and your stock is free again."),
            facts=[{"label": _("Help"), "value": _words(card)}],
            button=_("It came back"),
            back=back,
            form=form,
        )
    service.reclaim_done(current_session(), card.match.id, actor=current_actor(), now=utc_now())
    return pages.done(_("Noted. The ledger follows."), to=back)


def _correction(match_id: str) -> list[dict[str, Any]]:
    """Where an insurer says that it has not paid after all, two people put its payout right."""
    link = Markup('<a href="%s">%s</a>') % (url_for("claims.correct_for", match_id=match_id), _("Correct it …"))
    return [{"label": _("The insurer has not paid it, or not so"), "value": link}]


@bp.route("/matches/<match_id>/drop-reclaim", methods=["GET", "POST"])
@guard("match:reclaim_drop")
@writes
def drop_reclaim(match_id: str) -> ResponseReturnValue:
    """The giver or civil affairs lets it be: the match is where it was before."""
    card = _card(match_id, MatchState.RECLAIMING, action="match:reclaim_drop")
    giver = current_actor().role in GIVERS
    back = url_for("decisions.charity_match", match_id=match_id) if giver else url_for("decisions.deadlines")
    if card.match.reason_code == PAID_MISSING and not giver:
        return _missing(card, back=back)
    form = PressForm()
    if not form.validate_on_submit():
        return pages.confirm(
            layout="charity" if giver else "staff",
            title=_("Ask nothing back"),
            intro=_("The household keeps its help, and the match is where it was before."),
            facts=_asked_back(card, _("The giver's reason")),
            button=_("Ask nothing back"),
            back=back,
            form=form,
        )
    service.reclaim_drop(current_session(), match_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Noted. The household keeps its help."), to=back)


def _asked_back(card: Card, why: str) -> list[dict[str, Any]]:
    return [
        {"label": _("Match"), "value": f"{_words(card)} · {card.organisation.name}"},
        {"label": why, "value": codes.word(card.match.reason_code, "reclaim")},
    ]


def _missing(card: Card, *, back: str) -> ResponseReturnValue:
    """An approver asks both sides: what a bank paid stands or comes back by the bank's word; what the giver handed over
    itself stands, or never came."""
    by_hand = card.match.paid_at is None
    form: FoundForm | PressForm = FoundForm() if by_hand else PressForm()
    if not form.validate_on_submit():
        return pages.confirm(
            layout="staff",
            title=_("Paid, and the household says that nothing came"),
            intro=_(
                "The giver says that it handed the money over, the household that nothing came. Ask both, and look at "
                "the receipt. Until you answer, the money counts as given and nobody else gives for this need."
            )
            if by_hand
            else _(
                "The bank says that it paid, the household that nothing came. Ask the giver and its bank first. If the "
                "money has come after all, let it stand: the household is asked again. If it came back to the giver, "
                "the bank's answer, brought in by the giver, ends this by itself."
            ),
            facts=[*_asked_back(card, _("Why")), *(_correction(card.match.id) if card.by_case else ())],
            button=_("Record it") if by_hand else _("The payment stands"),
            back=back,
            form=form,
        )
    never = isinstance(form, FoundForm) and form.found.data == "nothing"
    act = service.never_handed_over if never else service.reclaim_drop
    act(current_session(), card.match.id, actor=current_actor(), now=utc_now())
    return pages.done(_("Noted. Both sides are told.") if never else _("Noted. The household keeps its help."), to=back)
