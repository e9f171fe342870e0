"""Fewer details or an earlier end for a consent, by the household; and who may say yes for a child, by staff.

Enters: the household on its own consent; staff with the government's record. Leaves: pages; the rules are in `changes`,
`capacity` and `custody`.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session, col, select

from marketplace.calendar import end_of_day, local_day, utc_now
from marketplace.consent import capacity, changes, custody
from marketplace.consent.ask import newest
from marketplace.consent.capacity import require_own
from marketplace.consent.doors import SENTENCES, bp
from marketplace.consent.models import Consent, ConsentHead
from marketplace.consent.versions import require_area
from marketplace.errors import BadInput, Conflict, NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households.guardians import RESTORED, is_minor
from marketplace.households.models import Guardian, Person
from marketplace.households.service import list_people, masked_name
from marketplace.reference.words import choices
from marketplace.web import (
    DayField,
    Form,
    ManyField,
    OneField,
    TextField,
    _,
    _l,
    confirm,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.codes import word
from marketplace.web.display import language


class NarrowForm(Form):
    """What may still be seen, and until when; as it is now when the page opens."""

    keep = ManyField(_l("What may still be seen"), required=False)
    until = DayField(_l("Last day"))


@bp.route("/my-consents/<chain_id>/narrow", methods=["GET", "POST"])
@guard("consent:narrow")
@writes
def narrow(chain_id: str) -> ResponseReturnValue:
    """Let less be seen, or for a shorter time; nothing can be added here."""
    session, form = current_session(), NarrowForm()
    now = utc_now()
    consent = _own(session, chain_id)
    require_own(session, consent.person_id, actor=current_actor(), now=now)
    changes.require_by_field(session.get_one(ConsentHead, chain_id))
    form.keep.choices = [(code, word(code, "field")) for code in consent.data_fields]
    if not form.is_submitted():
        form.keep.data, form.until.data = list(consent.data_fields), local_day(consent.valid_to)
    if form.validate_on_submit() and form.until.data is not None:
        until = min(consent.valid_to, end_of_day(form.until.data))
        try:
            changes.narrow(session, chain_id, keep=form.keep.data or [], until=until, actor=current_actor(), now=now)
        except BadInput as error:
            form.until.errors = [SENTENCES.get(error.code, error.code)]
        else:
            return done(_("Less can be seen from now on."), to=url_for("portal.my_consents"))
    return confirm(
        layout="household",
        title=_("Let less be seen"),
        intro=_("What was seen already cannot be unseen; from now on only what you leave ticked is shown."),
        button=_("Keep"),
        back=url_for("portal.my_consents"),
        form=form,
    )


def _own(session: Session, chain_id: str) -> Consent:
    head = session.get(ConsentHead, chain_id)
    if head is None or head.household_id != own_household():
        raise NotFound("consent")
    return newest(session, head)


class GuardianForm(Form):
    """The child, its guardian, and the record that says so."""

    child = OneField(_l("The child"))
    guardian = OneField(_l("Who may say yes for it"))
    evidence = TextField(_l("The government's record that says so"), longest=120)


@bp.route("/households/<household_id>/guardians", methods=["GET", "POST"])
@guard("consent:guardian")
@writes
def guardians(household_id: str) -> ResponseReturnValue:
    """Write down who the record names for a child."""
    session, form, now = current_session(), GuardianForm(), utc_now()
    require_area(session, current_actor(), "consent:guardian", household_id=household_id)
    people = list_people(session, household_id)
    children = [person for person in people if is_minor(person, now=now)]
    form.child.choices = [(one.id, masked_name(session, one)) for one in children]
    form.guardian.choices = [(one.id, masked_name(session, one)) for one in people if one not in children]
    if form.validate_on_submit() and _kept(session, form, now=now):
        return done(_("Written down."), to=url_for(".guardians", household_id=household_id))
    return render(
        "consent/guardians.html",
        form=form,
        household_id=household_id,
        known=_known(session, people),
        any=bool(children),
    )


def _kept(session: Session, form: Any, *, now: datetime) -> bool:
    try:
        with session.begin_nested():
            capacity.verify_guardian(
                session,
                form.child.data or "",
                guardian_id=form.guardian.data or "",
                evidence=form.evidence.data or "",
                actor=current_actor(),
                now=now,
            )
    except BadInput as error:
        form.guardian.errors = [SENTENCES.get(error.code, error.code)]
        return False
    except Conflict:
        form.child.errors = [_("For this child somebody is written down already.")]
        return False
    return True


def _known(session: Session, people: list[Person]) -> list[tuple[str, str, Guardian]]:
    """Child, guardian and the link, by their masked names; ended ones last."""
    names = {person.id: masked_name(session, person) for person in people}
    links = session.exec(select(Guardian).where(col(Guardian.child_id).in_(list(names))))
    known = [(names[link.child_id], names.get(link.guardian_id, "—"), link) for link in links]
    return sorted(known, key=lambda row: (row[2].ended_at is not None, row[2].verified_at, row[2].id))


class EndForm(Form):
    """Why this link should end."""

    reason = OneField(_l("Why should it end?"))


@bp.route("/guardians/<link_id>/end", methods=["GET", "POST"])
@guard("consent:guardian")
@writes
def end_guardian(link_id: str) -> ResponseReturnValue:
    """One member of staff asks with a reason."""
    session = current_session()
    link, child, back = _link(session, link_id)
    if link.end_asked_by is not None:
        return _agree(session, link, child)
    form = EndForm()
    form.reason.choices = [one for one in choices(custody.REASONS, lang=language()) if one[0] != RESTORED]
    if form.validate_on_submit():
        custody.ask_end(session, link_id, reason=str(form.reason.data), actor=current_actor(), now=utc_now())
        return done(_("Written down. A colleague has to agree; until then nothing changes."), to=back)
    return _about(session, link, child, button=_("Ask for the end"), form=form)


def _agree(session: Session, link: Guardian, child: Person) -> ResponseReturnValue:
    why = {"label": _("Why should it end?"), "value": word(link.end_reason, custody.REASONS)}
    action = url_for(".agree_guardian", link_id=link.id)
    return _about(session, link, child, why, button=_("Agree: it ends now"), action=action, form=Form())


def _about(session: Session, link: Guardian, child: Person, *more: dict[str, Any], **page: Any) -> ResponseReturnValue:
    guardian = masked_name(session, session.get(Person, link.guardian_id))
    facts = [
        {"label": _("The child"), "value": masked_name(session, child)},
        {"label": _("Who may say yes for it"), "value": guardian},
        {"label": _("The government's record that says so"), "value": link.evidence},
        *more,
    ]
    return confirm(
        layout="staff",
        title=_("End this guardian's link?"),
        intro=_("From then on it neither sees what concerns the child nor speaks for it, and consents given rest."),
        facts=facts,
        back=url_for(".guardians", household_id=child.household_id),
        **page,
    )


@bp.post("/guardians/<link_id>/agree")
@guard("consent:guardian")
@writes
def agree_guardian(link_id: str) -> ResponseReturnValue:
    """Another member of staff ends it."""
    session = current_session()
    _row, _child, back = _link(session, link_id)
    custody.end(session, link_id, actor=current_actor(), now=utc_now())
    return done(_("Ended. What was allowed under it rests from now on."), to=back)


@bp.post("/guardians/<link_id>/keep")
@guard("consent:guardian")
@writes
def keep_guardian(link_id: str) -> ResponseReturnValue:
    """The link stays as it is."""
    _row, _child, back = _link(current_session(), link_id)
    custody.keep(current_session(), link_id, actor=current_actor(), now=utc_now())
    return done(_("The link stays as it is."), to=back)


def _link(session: Session, link_id: str) -> tuple[Guardian, Person, str]:
    """A living link of the actor's district, its child and the page it stands on."""
    link = session.get(Guardian, link_id)
    child = session.get(Person, link.child_id) if link is not None else None
    require_area(session, current_actor(), "consent:guardian", household_id=child.household_id if child else "")
    if link is None or child is None or link.ended_at is not None:
        raise NotFound("guardian")
    return link, child, url_for(".guardians", household_id=child.household_id)
