"""The household's side: offers to it, accepting with two ticks, declining, confirming receipt.

Enters: the signed-in household and what it pressed. Leaves: pages in plain words, and the acts of `service`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from marketplace.actors import Role
from marketplace.calendar import utc_now
from marketplace.consent import notice
from marketplace.consent.ask import others_say_yes
from marketplace.consent.capacity import require_voice, speaks_for
from marketplace.consent.models import ConsentHead, Purpose
from marketplace.consent.service import Capture
from marketplace.decisions import service
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.doors import bp
from marketplace.decisions.models import MatchState
from marketplace.decisions.withdrawing import Then, is_on_its_way
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.service import masked_name
from marketplace.reference import purposes
from marketplace.reference.words import choices
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import Form, ManyField, OneField, TickField
from marketplace.web.transactions import current_session, writes

HIDDEN_UNTIL = (MatchState.AWAITING_SECOND, MatchState.AWAITING_GIVER)
"""An offer is shown to the household only when nobody else can take it away by saying no."""


class AcceptForm(Form):
    """Two ticks and the fields to share, on one screen; nothing is ticked beforehand. A guardian says whose."""

    person = OneField(_l("Whose details are they?"), required=False)
    agrees_to_terms = TickField(_l("I accept this help on these terms"))
    agrees_to_share = TickField(_l("I let this organisation, and nobody else, see what I tick below"))
    data_fields = ManyField(_l("What they may see"), required=False)


class DeclineForm(Form):
    """A reason from a short list."""

    reason_code = OneField(_l("Why?"))


def _card(session: Session, match_id: str) -> Card:
    match = service.get_match(session, match_id, actor=current_actor())
    if match.state in HIDDEN_UNTIL:
        raise NotFound("match")
    return cards_of(session, [match])[0]


@bp.route("/offers-to-me", methods=["GET"])
@guard("match:view")
def household_offers() -> ResponseReturnValue:
    """All offers to this household: those that wait for an answer first."""
    session = current_session()
    matches = [m for m in service.matches_of_household(session, own_household()) if m.state not in HIDDEN_UNTIL]
    waiting = (MatchState.AWAITING_HOUSEHOLD, MatchState.DELIVERED)
    matches.sort(key=lambda match: match.state not in waiting)
    return pages.render("decisions/household_offers.html", cards=cards_of(session, matches))


@bp.route("/offers-to-me/<match_id>", methods=["GET"])
@guard("match:view")
def household_offer(match_id: str) -> ResponseReturnValue:
    """One offer: who gives what on which terms, why, and what can be done now."""
    return pages.render("decisions/household_offer.html", card=_card(current_session(), match_id))


def _accept_form(session: Session, card: Card) -> AcceptForm:
    form = AcceptForm()
    if card.match.state is MatchState.HELD:
        del form.agrees_to_terms  # they were agreed to and have not lapsed
    people = speaks_for(session, card.match.household_id, actor=current_actor(), now=utc_now())
    form.person.choices = [(one.id, masked_name(session, one)) for one in people]
    if len(people) == 1:
        form.person.data = people[0].id
    codes = list(dict.fromkeys(code for one in people for code in service.fields_to_ask(session, card.match, one.id)))
    zh = not language().startswith("en")
    form.data_fields.choices = [
        (code, purposes.field_kind(code).zh if zh else purposes.field_kind(code).en) for code in codes
    ]
    return form


@bp.route("/offers-to-me/<match_id>/accept", methods=["GET"])
@guard("match:accept")
def accept_form(match_id: str) -> ResponseReturnValue:
    """The one screen of two ticks."""
    session = current_session()
    card = _card(session, match_id)
    return _show_accept(session, card, _accept_form(session, card))


def _show_accept(session: Session, card: Card, form: AcceptForm) -> ResponseReturnValue:
    purpose = purposes.purpose(service.purpose_of(session, card.match))
    zh = not language().startswith("en")
    impacts = {
        code: purposes.field_kind(code).impact_zh if zh else purposes.field_kind(code).impact_en
        for code, _words in form.data_fields.choices
    }
    return pages.render(
        "decisions/household_accept.html",
        card=card,
        form=form,
        purpose=purpose.zh if zh else purpose.en,
        impacts=impacts,
        days=purposes.USUAL_DAYS,
        notice=notice.paragraphs(notice.share_with(card.organisation.kind.value), lang=language()),
    )


@bp.route("/offers-to-me/<match_id>/accept", methods=["POST"])
@guard("match:accept")
@writes
def accept(match_id: str) -> ResponseReturnValue:
    """Accept with a separate consent."""
    session = current_session()
    card = _card(session, match_id)
    form = _accept_form(session, card)
    ticks = [form[name] for name in ("agrees_to_terms", "agrees_to_share") if name in form]
    missing = [tick for tick in ticks if not tick.data] if form.validate_on_submit() else []
    for wrong in missing[:1]:
        wrong.errors = [
            _("Tick both boxes to accept, or decline: refusing loses nothing.")
            if len(ticks) > 1
            else _("Tick the box to go on, or decline: refusing loses nothing.")
        ]
    if not form.person.data:
        form.person.errors = [_("Choose one")]
    if form.errors:
        return _show_accept(session, card, form)
    person_id = form.person.data or ""
    held = service.fields_to_ask(session, card.match, person_id)
    service.household_accepts(
        session,
        match_id,
        data_fields=[code for code in form.data_fields.data or [] if code in held],
        agrees_to_share=True,
        agrees_to_terms=True,
        person_id=person_id,
        actor=current_actor(),
        now=utc_now(),
        capture=Capture(lang=language()),
    )
    return pages.done(
        _("You have accepted. The giver has been told and will contact you."),
        to=url_for("decisions.household_offer", match_id=match_id),
    )


@bp.route("/offers-to-me/<match_id>/decline", methods=["GET", "POST"])
@guard("match:decline")
@writes
def decline(match_id: str) -> ResponseReturnValue:
    """Decline with a reason; nothing else is lost."""
    session = current_session()
    card = _card(session, match_id)
    form = DeclineForm()
    form.reason_code.choices = choices("decline", lang=language())
    if not form.validate_on_submit():
        return pages.confirm(
            layout="household",
            title=_("Decline this offer"),
            intro=_("Refusing loses nothing: your other help and your place in later matches stay as they are."),
            button=_("Decline"),
            back=url_for("decisions.household_offer", match_id=card.match.id),
            form=form,
        )
    actor = current_actor()
    helped = {"authenticated_by": "helper", "helper_id": actor.id} if actor.role is Role.HELPER else {}
    service.household_declines(
        session,
        match_id,
        reason_code=form.reason_code.data or "",
        actor=actor,
        now=utc_now(),
        capture=Capture(lang=language(), **helped),
    )
    return pages.done(_("You have declined. Nothing else changes."), to=url_for("decisions.household_offers"))


@bp.route("/offers-to-me/<match_id>/received", methods=["POST"])
@guard("match:receive")
@writes
def received(match_id: str) -> ResponseReturnValue:
    """The aid has arrived."""
    service.confirm(current_session(), match_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Thank you. This help is now closed."), to=url_for("decisions.household_offers"))


@bp.route("/offers-to-me/<match_id>/not-received", methods=["GET", "POST"])
@guard("match:receive")
@writes
def not_received(match_id: str) -> ResponseReturnValue:
    """The aid has not arrived: ask once, then open the need again, or let a person look where money was paid."""
    session = current_session()
    form = Form()
    if not form.validate_on_submit():
        card = _card(session, match_id)
        return pages.confirm(
            layout="household",
            title=_("Nobody helped you?") if card.match.help_only else _("Nothing has arrived?"),
            intro=_("The insurer says that it paid. Civil affairs asks it; look at your account too.")
            if card.match.paid_at is not None and card.by_case
            else _("The bank says that it paid. Civil affairs asks the giver and its bank; look at your account too.")
            if card.match.paid_at is not None
            else _("The giver says that it handed the money over. Civil affairs asks it first, and then decides.")
            if card.stays_given
            else _(
                "Every visit of this help that was recorded then counts as not served, unless your time to say so has "
                "passed. Civil affairs and the giver will be told, and your need is open again."
            )
            if card.by_visits
            else _("Civil affairs and the giver will be told, and your need is open again."),
            button=_("Nobody helped me") if card.match.help_only else _("Nothing has arrived"),
            back=url_for("decisions.household_offer", match_id=match_id),
            form=form,
        )
    match = service.not_received(session, match_id, actor=current_actor(), now=utc_now())
    words = (
        _("We have noted that nothing arrived. The giver says that it was paid: a person asks it and its bank.")
        if match.state is MatchState.RECLAIMING
        else _("We have noted that nothing arrived. Your need is open again.")
    )
    return pages.done(words, to=url_for("decisions.household_offers"))


class OnItsWayForm(Form):
    """What becomes of help that is on its way; to stop it is chosen before, so that withdrawing stays three taps."""

    then = OneField(_l("What about the help that is on its way?"), default="stop")


@bp.route("/my-consents/<chain_id>/withdraw", methods=["GET", "POST"])
@guard("consent:withdraw")
@writes
def withdraw(chain_id: str) -> ResponseReturnValue:
    """Say first what follows, then end the consent and free what stood on it, at once."""
    session = current_session()
    head = session.get(ConsentHead, chain_id)
    if head is None or head.household_id != own_household():
        raise NotFound("consent")
    require_voice(session, head, "consent:withdraw", actor=current_actor(), now=utc_now())
    form = _withdraw_form(session, head)
    if not form.validate_on_submit():
        return pages.confirm(
            layout="household",
            title=_("Withdraw this consent"),
            intro=_what_follows(head.purpose, stays=others_say_yes(session, head, now=utc_now())),
            button=_("Withdraw"),
            back=url_for("portal.my_consents"),
            form=form,
        )
    then = Then(form.then.data) if isinstance(form, OnItsWayForm) and form.then.data else Then.STOP
    service.withdraw_consent(session, chain_id, actor=current_actor(), now=utc_now(), then=then)
    return pages.done(_("Withdrawn. It took effect at once."), to=url_for("portal.my_consents"))


def _withdraw_form(session: Session, head: ConsentHead) -> Form:
    """Where help is on its way, the household picks what becomes of it."""
    if not is_on_its_way(session, head):
        return Form()
    form = OnItsWayForm()
    form.then.choices = [
        ("stop", _("Stop it: I do not want this help")),
        ("finish", _("Let this one delivery be finished, with my name and pick-up code only, for seven days")),
        ("hold", _("Hold it and call me: I may say yes again")),
    ]
    return form


def _what_follows(purpose: Purpose, *, stays: bool) -> str:
    """What ends with a consent of this purpose, in the household's words; `stays`: another adult's yes goes on."""
    if purpose is Purpose.AUTO_MATCH and stays:
        return str(
            _("Your yes ends. Another adult of your household said yes too: help is looked for until it also says no.")
        )
    if purpose is Purpose.AUTO_MATCH:
        return str(_("You are no longer matched; offers that wait for an answer end. Help that arrived stays yours."))
    if purpose is Purpose.PAYMENT:
        return str(_("This organisation can no longer see your account, and pays nothing until you let it again."))
    return str(
        _("This organisation can see nothing of you from now on; help on its way ends. Help that arrived stays.")
    )
