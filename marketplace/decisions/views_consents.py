"""A household's consents and credentials on one page of staff: withdrawn on request, found invalid, suspended.

Enters: staff of the district, or the protection officer. Leaves: the page and what `withdrawing` writes; who said yes
to what is shown without names of the household.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import utc_now
from marketplace.consent import changes
from marketplace.consent.ask import LIVING, list_of_household, lock_with_all, newest
from marketplace.consent.versions import require_area
from marketplace.credentials import service as credentials
from marketplace.credentials import status
from marketplace.decisions import withdrawing
from marketplace.decisions.doors import bp
from marketplace.guards import current_actor, guard
from marketplace.reference.words import choices
from marketplace.web import Form, ManyField, OneField, _, _l, confirm, current_session, done, render, writes
from marketplace.web.codes import word
from marketplace.web.display import language

OWN_PHONE = "self"
"""A household that withdraws by itself needs no staff."""


class VoidForm(Form):
    """Why this was never a free yes."""

    reason = OneField(_l("What did you find?"))


class EndForm(Form):
    """How the household asked for it."""

    way = OneField(_l("How did the household ask for it?"))


class EndOnItsWayForm(EndForm):
    """The same where help is on its way: the household says what becomes of it, and nothing is chosen for it."""

    then = OneField(_l("What does the household want of the help that is on its way?"))


@bp.get("/households/<household_id>/consents")
@guard("consent:list")
def household_consents(household_id: str) -> ResponseReturnValue:
    """Every consent with its state, and every credential that has not run out."""
    session, now = current_session(), utc_now()
    require_area(session, current_actor(), "consent:list", household_id=household_id)
    rows = list_of_household(session, household_id)
    issued = credentials.list_of_household(session, household_id)
    return render(
        "decisions/household_consents.html",
        household_id=household_id,
        rows=[(row, row.state in LIVING and row.valid_to > now) for row in rows],
        names={row.chain_id: row.recipient_name for row in rows},
        issued=[(one, status.state_of(session, one, now=now)) for one in issued],
    )


class LessForm(Form):
    """What may still be seen, and how the household asked for it."""

    keep = ManyField(_l("What may still be seen"), required=False)


@bp.post("/consents/<chain_id>/pause")
@guard("consent:end")
@writes
def pause_consent(chain_id: str) -> ResponseReturnValue:
    """Pause for a household that asked at the counter or by phone; it alone lets the consent hold again."""
    session = current_session()
    paused = changes.pause(session, chain_id, actor=current_actor(), now=utc_now())
    return done(
        _("Paused. Nobody can see anything under it now."),
        to=url_for(".household_consents", household_id=paused.household_id),
    )


@bp.route("/consents/<chain_id>/less", methods=["GET", "POST"])
@guard("consent:end")
@writes
def narrow_consent(chain_id: str) -> ResponseReturnValue:
    """Let less be seen for a household that asked at the counter or by phone; nothing can be added here."""
    session, form, now = current_session(), LessForm(), utc_now()
    head = lock_with_all(session, chain_id)
    require_area(session, current_actor(), "consent:end", household_id=head.household_id)
    changes.require_by_field(head)
    held = newest(session, head).data_fields
    form.keep.choices = [(code, word(code, "field")) for code in held]
    back = url_for(".household_consents", household_id=head.household_id)
    if not form.is_submitted():
        form.keep.data = list(held)
    elif form.validate_on_submit():
        keep = form.keep.data or []
        changes.narrow(session, chain_id, keep=keep, until=head.valid_to, actor=current_actor(), now=now)
        return done(_("Less can be seen from now on."), to=back)
    return confirm(
        layout="staff",
        title=_("Let less be seen for the household"),
        intro=_("Only because the household asked for it. What was seen already cannot be unseen."),
        button=_("Keep"),
        back=back,
        form=form,
    )


@bp.route("/consents/<chain_id>/end", methods=["GET", "POST"])
@guard("consent:end")
@writes
def end_consent(chain_id: str) -> ResponseReturnValue:
    """Withdraw for a household that asked at the counter or by phone; it frees what stood on it, at once."""
    session = current_session()
    head = lock_with_all(session, chain_id)
    on_its_way = withdrawing.is_on_its_way(session, head)
    form: Any = EndOnItsWayForm() if on_its_way else EndForm()
    if on_its_way:
        form.then.choices = [
            ("stop", _("Stop it")),
            ("finish", _("Let this one delivery be finished, with name and pick-up code only, for seven days")),
            ("hold", _("Hold it and call: the household may say yes again")),
        ]
    require_area(session, current_actor(), "consent:end", household_id=head.household_id)
    form.way.choices = [one for one in choices("channel", lang=language()) if one[0] != OWN_PHONE]
    back = url_for(".household_consents", household_id=head.household_id)
    if form.validate_on_submit():
        way = form.way.data or ""
        then = withdrawing.Then(form.then.data) if on_its_way else withdrawing.Then.STOP
        withdrawing.withdraw_consent(session, chain_id, way=way, then=then, actor=current_actor(), now=utc_now())
        return done(_("Withdrawn. It took effect at once, and the household is told."), to=back)
    return confirm(
        layout="staff",
        title=_("Withdraw this consent for the household"),
        intro=_("Only because the household asked for it. Of help on its way it says itself what becomes of it."),
        button=_("Withdraw"),
        back=back,
        form=form,
    )


@bp.route("/consents/<chain_id>/void", methods=["GET", "POST"])
@guard("consent:void")
@writes
def void_consent(chain_id: str) -> ResponseReturnValue:
    """Find that this was never a free yes."""
    session, form = current_session(), VoidForm()
    head = lock_with_all(session, chain_id)
    require_area(session, current_actor(), "consent:void", household_id=head.household_id)
    form.reason.choices = choices("consent_void", lang=language())
    back = url_for(".household_consents", household_id=head.household_id)
    if form.validate_on_submit():
        reason = form.reason.data or ""
        withdrawing.void_consent(session, chain_id, reason_code=reason, actor=current_actor(), now=utc_now())
        return done(_("Void. Nothing is shown under it, and what stood on it is freed."), to=back)
    return confirm(
        layout="staff",
        title=_("Find this consent invalid"),
        intro=_("It ends for good and everything that stood on it is freed. The recipient has to delete what it saw."),
        button=_("Find it invalid"),
        back=back,
        form=form,
        danger=True,
    )
