"""Consent on pages: the household's yes or no to being matched, giver by giver.

Enters: a household on its own page. Leaves: new versions of consent. What a household sees of
its consents, and withdrawing one, lie in higher rooms, because they show disclosures and free matches.
"""

from __future__ import annotations

from flask import redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session

from marketplace.calendar import utc_now
from marketplace.consent import changes, notice, service, views_assisted, views_changes
from marketplace.consent.ask import LIVING, newest, others_say_yes
from marketplace.consent.doors import SENTENCES, bp, givers
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.models import Household
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import Form, ManyField
from marketplace.web.transactions import current_session, writes

__all__ = ["SENTENCES", "bp", "views_assisted", "views_changes"]


class MatchForm(Form):
    """Organisations to keep the base card from; nothing is ticked beforehand."""

    excluded = ManyField(_l("Do not match me with"), required=False)


def _notice() -> tuple[str, ...]:
    return notice.paragraphs(notice.MATCH, lang=language())


def _own(session: Session) -> Household:
    return session.get_one(Household, own_household())


@bp.route("/my-consents/matching", methods=["GET", "POST"])
@guard("consent:give")
@writes
def matching() -> ResponseReturnValue:
    """Say yes to being matched without identity, and exclude givers; or change the excluded ones."""
    session = current_session()
    household = _own(session)
    head = service.own_word(session, household, actor=current_actor(), now=utc_now())
    alive = head is not None and head.state is ConsentState.ACTIVE
    form = MatchForm()
    form.excluded.choices = givers(session)
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
    household, capture = _own(session), service.Capture(lang=language())
    head = service.own_word(session, household, actor=current_actor(), now=utc_now())
    if head is not None and head.state in LIVING:  # running or paused: what stands on it is freed there
        return redirect(url_for("decisions.withdraw", chain_id=head.chain_id), 303)
    said = service.refuse_auto_match(session, household, actor=current_actor(), now=utc_now(), capture=capture)
    words = _("You are not matched. Refusing loses nothing else.")
    if others_say_yes(session, session.get_one(ConsentHead, said.chain_id), now=utc_now()):
        words = _("Your no is kept. Another adult of your household has said yes: its word stays.")
    return pages.done(words, to=url_for("portal.my_consents"))


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
