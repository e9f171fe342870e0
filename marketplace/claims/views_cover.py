"""The household lets the insurers' door be asked what insurance pays of its bills; each adult for itself.

Enters: a household, or a guardian for a child. Leaves: a consent of the kind QUERY to the one insurer that runs the
door. Withdrawing it is done where all consents are, on "My consents".
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.calendar import utc_now
from marketplace.claims.cover import PURPOSE, find_insurer
from marketplace.claims.doors import bp
from marketplace.consent import notice
from marketplace.consent import service as consent
from marketplace.consent.capacity import speaks_for
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.models import Household
from marketplace.households.service import masked_name
from marketplace.ledger.models import CostBill
from marketplace.trail.service import settings_of
from marketplace.web import Form, OneField, _, _l, current_session, done, render, writes
from marketplace.web.display import language


class AskForm(Form):
    """About whom."""

    person = OneField(_l("About whom may be asked?"))


@bp.app_template_global()
def may_let_ask() -> bool:
    """Whether there is a bill of who looks, or of its child, and a door to ask."""
    session, household_id = current_session(), current_actor().household_id
    if not household_id or find_insurer(session, settings_of(session).cover_org) is None:
        return False
    try:
        ours = speaks_for(session, household_id, actor=current_actor(), now=utc_now())
    except NotFound:
        return False
    mine = col(CostBill.person_id).in_([person.id for person in ours])
    return session.exec(select(CostBill.id).where(mine).limit(1)).first() is not None


@bp.route("/my-cover", methods=["GET", "POST"])
@guard("consent:give")
@writes
def my_cover() -> ResponseReturnValue:
    """Let the door be asked about one person."""
    session, form, now, actor = current_session(), AskForm(), utc_now(), current_actor()
    insurer = find_insurer(session, settings_of(session).cover_org)
    if insurer is None:
        raise NotFound("organisation")
    household = session.get_one(Household, own_household())
    people = speaks_for(session, household.id, actor=actor, now=now)
    form.person.choices = [(one.id, masked_name(session, one)) for one in people]
    if form.validate_on_submit():
        person_id = form.person.data or ""
        consent.give_for_match(
            session,
            household,
            organisation=insurer,
            match_id=person_id,
            purpose=PURPOSE,
            data_fields=(),
            person_id=person_id,
            actor=actor,
            now=now,
            capture=consent.Capture(lang=language()),
        )
        return done(_("Your word is kept. You can withdraw it here at any time."), to=url_for("portal.my_consents"))
    words = notice.paragraphs(notice.COVER, lang=language())
    return render("claims/my_cover.html", form=form, insurer=insurer, notice=words)
