"""Consent on pages: the household's yes or no to being matched, giver by giver; and the assisted yes with its check.

Enters: a household on its own page, or a worker beside it. Leaves: new versions of consent. What a household sees of
its consents, and withdrawing one, lie in higher rooms, because they show disclosures and free matches.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select

from marketplace.calendar import utc_now
from marketplace.consent import changes, notice, service, views_changes
from marketplace.consent.ask import find_head, newest
from marketplace.consent.doors import SENTENCES, bp
from marketplace.consent.models import Consent, ConsentHead, ConsentState, Purpose
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Household
from marketplace.households.service import contact_of, masked_name
from marketplace.organisations.models import Organisation, OrganisationState
from marketplace.policy import may, require
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import Form, ManyField, OneField, TextField, TickField
from marketplace.web.transactions import current_session, writes

__all__ = ["SENTENCES", "bp", "views_changes"]
CHANNELS = ("counter", "home_visit", "phone")


class MatchForm(Form):
    """Organisations to keep the base card from; nothing is ticked beforehand."""

    excluded = ManyField(_l("Do not match me with"), required=False)


class AssistForm(Form):
    """How the household's yes was taken, and the paper that proves it."""

    channel = OneField(_l("How was it said?"))
    evidence = TextField(_l("Where the signed paper or the recording is kept"), longest=120)
    read_aloud = TickField(
        _l("I read the notice aloud and the household said yes"), required=_l("Read the notice aloud first")
    )


def _notice() -> tuple[str, ...]:
    return notice.paragraphs(notice.MATCH, lang=language())


def _own(session: Session) -> Household:
    household = session.get(Household, current_actor().household_id or "")
    if household is None:
        raise NotFound("household")
    return household


def _givers(session: Session) -> list[tuple[str, str]]:
    statement = select(Organisation.id, Organisation.name).where(col(Organisation.state) == OrganisationState.ACTIVE)
    return [(org_id, name) for org_id, name in session.exec(statement.order_by(col(Organisation.name)))]


@bp.route("/my-consents/matching", methods=["GET", "POST"])
@guard("consent:give")
@writes
def matching() -> ResponseReturnValue:
    """Say yes to being matched without identity, and exclude givers; or change the excluded ones."""
    session = current_session()
    household = _own(session)
    head = find_head(session, household.id, purpose=Purpose.AUTO_MATCH)
    alive = head is not None and head.state is ConsentState.ACTIVE
    form = MatchForm()
    form.excluded.choices = _givers(session)
    if not form.validate_on_submit():
        if alive and head is not None and not form.is_submitted():
            form.excluded.data = newest(session, head).excluded_org_ids
        return pages.render("consent/matching.html", form=form, alive=alive, notice=_notice())
    excluded = form.excluded.data or []
    if alive and head is not None:
        service.exclude(session, head.chain_id, excluded_org_ids=excluded, actor=current_actor(), now=utc_now())
    else:
        capture = service.Capture(lang=language())
        service.give_auto_match(
            session, household, actor=current_actor(), now=utc_now(), capture=capture, excluded_org_ids=excluded
        )
    return pages.done(_("Your choice is kept. You can change it here at any time."), to=url_for("portal.my_consents"))


@bp.route("/my-consents/refuse-matching", methods=["POST"])
@guard("consent:give")
@writes
def refuse() -> ResponseReturnValue:
    """Say no; it is not asked again for 90 days, and nothing else changes."""
    session = current_session()
    capture = service.Capture(lang=language())
    service.refuse_auto_match(session, _own(session), actor=current_actor(), now=utc_now(), capture=capture)
    return pages.done(_("You are not matched. Refusing loses nothing else."), to=url_for("portal.my_consents"))


@bp.route("/households/<household_id>/consent", methods=["GET", "POST"])
@guard("consent:assist")
@writes
def assist(household_id: str) -> ResponseReturnValue:
    """A worker takes the household's yes at a counter, a visit or by phone; it waits for a colleague's call-back."""
    session = current_session()
    household = session.get(Household, household_id)
    if household is None:
        raise NotFound("household")
    require(current_actor(), "consent:assist", household_id=household.id, district=household.district_code)
    form = AssistForm()
    form.channel.choices = [
        ("counter", _("At the counter")),
        ("home_visit", _("At a home visit")),
        ("phone", _("By phone")),
    ]
    if not form.validate_on_submit():
        name = masked_name(session, contact_of(session, household.id))
        return pages.render("consent/assist.html", form=form, name=name, household=household, notice=_notice())
    capture = service.Capture(
        channel=form.channel.data or "counter",
        lang=language(),
        authenticated_by="helper",
        signature_kind="paper",
        evidence=form.evidence.data or "",
        helper_id=current_actor().id,
    )
    service.give_auto_match(session, household, actor=current_actor(), now=utc_now(), capture=capture)
    onward = "consent.to_check" if may(current_actor(), "consent:check").allow else "portal.household_home"
    return pages.done(_("Kept. It takes effect when a colleague has called the household back."), to=url_for(onward))


@bp.route("/consents/to-check", methods=["GET"])
@guard("consent:check")
def to_check() -> ResponseReturnValue:
    """Assisted consents that wait for a call-back, within the actor's districts."""
    session, actor = current_session(), current_actor()
    waiting = (
        select(Consent, Household)
        .join(ConsentHead, col(ConsentHead.chain_id) == col(Consent.chain_id))
        .join(Household, col(Household.id) == col(Consent.household_id))
        .where(col(ConsentHead.state) == ConsentState.PENDING_CHECK)
        .where(col(ConsentHead.version) == col(Consent.version))
        .order_by(col(Consent.created_at), col(Consent.chain_id))
    )
    rows = [
        (consent, household, masked_name(session, contact_of(session, household.id)))
        for consent, household in session.exec(waiting)
        if actor.serves(household.district_code)
    ]
    return pages.render("consent/to_check.html", rows=rows)


@bp.route("/consents/<chain_id>/check", methods=["POST"])
@guard("consent:check")
@writes
def check(chain_id: str) -> ResponseReturnValue:
    """The call-back confirmed the yes."""
    service.confirm_assisted(current_session(), chain_id, actor=current_actor(), now=utc_now())
    return pages.done(
        _("Confirmed. The consent takes effect in a day; until then the household can take it back."),
        to=url_for("consent.to_check"),
    )


@bp.route("/consents/<chain_id>/reject", methods=["POST"])
@guard("consent:check")
@writes
def reject(chain_id: str) -> ResponseReturnValue:
    """The call-back did not confirm the yes."""
    changes.reject_assisted(current_session(), chain_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Noted: this consent does not take effect."), to=url_for("consent.to_check"))


@bp.route("/my-consents/<chain_id>/pause", methods=["POST"])
@guard("consent:pause")
@writes
def pause(chain_id: str) -> ResponseReturnValue:
    """Let nobody see anything for the time being."""
    changes.pause(current_session(), chain_id, actor=current_actor(), now=utc_now())
    return pages.done(_("Paused. Nobody can see anything under it now."), to=url_for("portal.my_consents"))


@bp.route("/my-consents/<chain_id>/resume", methods=["POST"])
@guard("consent:resume")
@writes
def resume(chain_id: str) -> ResponseReturnValue:
    """Let it hold again."""
    changes.resume(current_session(), chain_id, actor=current_actor(), now=utc_now())
    return pages.done(_("In force again."), to=url_for("portal.my_consents"))
