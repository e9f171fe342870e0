"""A yes that is taken with help, on pages: read aloud and signed, its document, and the colleague who calls back.

Enters: a worker beside the household, then another one. Leaves: a consent that waits with its document, and is
confirmed or not. The rules are in `service`, `evidence` and `changes`.
"""

from __future__ import annotations

import base64

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlmodel import Session, col, select
from wtforms import Field, HiddenField

from marketplace.calendar import utc_now
from marketplace.consent import changes, custody, evidence, notice, service
from marketplace.consent.ask import is_to_be_asked, kept_out, newest
from marketplace.consent.capacity import is_child
from marketplace.consent.doors import SENTENCES, bp, givers
from marketplace.consent.models import Consent, ConsentHead, ConsentState
from marketplace.consent.versions import require_area
from marketplace.drawing import svg_of
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard, need_fresh_proof
from marketplace.households.models import Household, Person
from marketplace.households.service import contact_of, list_people, masked_name
from marketplace.needs import entry
from marketplace.policy import may, require
from marketplace.reference.words import choices
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import Form, ManyField, OneField, TickField, UploadField
from marketplace.web.transactions import current_session, writes


class EvidenceForm(Form):
    """How it was signed, and the document."""

    signature_kind = OneField(_l("How was it signed?"))
    photo = UploadField(
        _l("Photo of the signed paper, or of the sheet that names the recording"), required=False, accept="image/*"
    )
    drawn = HiddenField()


class AssistForm(EvidenceForm):
    """How the household's yes was taken, besides."""

    person = OneField(_l("Who said yes?"), required=False)
    channel = OneField(_l("How was it said?"))
    excluded = ManyField(_l("Do not match the household with"), required=False)
    read_aloud = TickField(
        _l("I read the notice aloud and the household said yes"), required=_l("Read the notice aloud first")
    )


@bp.route("/households/<household_id>/consent", methods=["GET", "POST"])
@guard("consent:assist")
@writes
def assist(household_id: str) -> ResponseReturnValue:
    """A worker takes the household's yes at a counter, a visit or by phone; it waits for a colleague's call-back."""
    session, actor = current_session(), current_actor()
    household = session.get(Household, household_id)
    if household is None:
        raise NotFound("household")
    require(actor, "consent:assist", household_id=household.id, district=household.district_code)
    form = AssistForm()
    form.channel.choices = [one for one in choices("channel", lang=language()) if one[0] in evidence.KINDS]
    form.signature_kind.choices = choices("signature_kind", lang=language())
    adults = _adults(session, household.id)
    form.person.choices = [(one.id, masked_name(session, one)) for one in adults]
    all_givers, before = givers(session), {out for one in adults for out in kept_out(session, household.id, one.id)}
    form.excluded.choices = [one for one in all_givers if one[0] not in before]
    if form.validate_on_submit() and _is_said_by_one(form) and _taken(session, household, form):
        onward = "consent.to_check" if may(actor, "consent:check").allow else "portal.household_home"
        return pages.done(
            _("Kept. It takes effect when a colleague has called the household back."), to=url_for(onward)
        )
    name = masked_name(session, adults[0] if len(adults) == 1 else None)
    words = notice.paragraphs(notice.MATCH, lang=language())
    out = [giver for org_id, giver in all_givers if org_id in before]
    return pages.render("consent/assist.html", form=form, name=name, household=household, notice=words, out=out)


def _adults(session: Session, household_id: str) -> list[Person]:
    """Who may say yes for itself there, whom messages reach first."""
    now = utc_now()
    return [one for one in list_people(session, household_id) if not is_child(one, now=now)]


def _is_said_by_one(form: AssistForm) -> bool:
    """Each adult says yes for itself: with several of them it is said whose word this is."""
    if not form.person.data and len(form.person.choices) > 1:
        form.person.errors = [_("Choose one")]
    return not form.person.errors


def _taken(session: Session, household: Household, form: AssistForm) -> bool:
    """Both or nothing: the yes and its document."""
    actor, now = current_actor(), utc_now()
    capture = service.Capture(
        channel=form.channel.data or "counter",
        lang=language(),
        authenticated_by="helper",
        signature_kind=form.signature_kind.data or "",
        helper_id=actor.id,
    )
    try:
        with session.begin_nested():
            given = service.give_auto_match(
                session,
                household,
                actor=actor,
                now=now,
                capture=capture,
                excluded_org_ids=form.excluded.data or [],
                person_id=form.person.data or "",
            )
            _attach(session, given.chain_id, form)
    except BadInput as error:
        _say(form, error)
        return False
    return True


def _attach(session: Session, chain_id: str, form: EvidenceForm) -> None:
    evidence.attach(
        session,
        chain_id,
        kind=form.signature_kind.data or "",
        photo=form.photo.data.read() if form.photo.data else b"",
        drawn=form.drawn.data or "",
        actor=current_actor(),
        now=utc_now(),
    )


def _say(form: EvidenceForm, error: BadInput) -> None:
    field: Field = form.photo if error.facts.get("field") == "photo" else form.signature_kind
    field.errors = [SENTENCES.get(error.code, error.code)]


@bp.route("/consents/<chain_id>/evidence", methods=["GET", "POST"])
@guard("consent:assist")
@writes
def add_evidence(chain_id: str) -> ResponseReturnValue:
    """Add the document to a yes that was taken elsewhere, such as that to a payment."""
    session, form = current_session(), EvidenceForm()
    head = session.get(ConsentHead, chain_id)
    if head is None:
        raise NotFound("consent")
    require_area(session, current_actor(), "consent:assist", household_id=head.household_id)
    kinds = evidence.KINDS.get(newest(session, head).channel, ())
    form.signature_kind.choices = [one for one in choices("signature_kind", lang=language()) if one[0] in kinds]
    if form.validate_on_submit():
        try:
            with session.begin_nested():
                _attach(session, chain_id, form)
        except BadInput as error:
            _say(form, error)
        else:
            return pages.done(_("Kept without place and time."), to=url_for(".to_check"))
    return pages.render("consent/add_evidence.html", form=form)


@bp.route("/consents/<chain_id>/document", methods=["POST"])
@guard("consent:check")
@writes
def evidence_look(chain_id: str) -> ResponseReturnValue:
    """The document; the look is written down."""
    need_fresh_proof()
    row, text = evidence.look(current_session(), chain_id, actor=current_actor(), now=utc_now())
    drawn = row.signature_kind == evidence.DRAWN
    kind, body = ("svg+xml", base64.b64encode(svg_of(text).encode()).decode()) if drawn and text else ("jpeg", text)
    return pages.render("consent/evidence.html", row=row, picture=f"data:image/{kind};base64,{body}" if text else "")


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
        (consent, household, masked_name(session, _to_call(session, consent)))
        for consent, household in session.exec(waiting)
        if actor.serves(household.district_code)
    ]
    papers = evidence.newest_of(session, [row[0].chain_id for row in rows])
    asked = custody.list_asked(session, actor=actor) if may(actor, custody.ACTION).allow else []
    links = [(link, child, masked_name(session, child)) for link, child in asked]
    return pages.render("consent/to_check.html", rows=rows, papers=papers, links=links)


def _to_call(session: Session, consent: Consent) -> Person | None:
    """Whose word it is; else whom messages reach."""
    return session.get(Person, consent.person_id) if consent.person_id else contact_of(session, consent.household_id)


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


entry.TO_BE_ASKED.append(is_to_be_asked)
