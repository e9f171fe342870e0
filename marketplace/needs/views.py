"""The staff's pages of needs: the queue with its filters, one need with its acts, and what may be revealed.

Enters: requests of staff. Leaves: pages; the rules are in `needs.service`. Uploads, typing in and referring hang
their pages on the same blueprint.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flask import Response, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace import policy
from marketplace.accounts.models import Account
from marketplace.calendar import last_before, local_day
from marketplace.errors import BadInput, Conflict
from marketplace.guards import current_actor, guard
from marketplace.households import service as households
from marketplace.households.models import Person
from marketplace.needs import entry, forms, noting, remainder, service, uploads
from marketplace.needs.blueprint import bp
from marketplace.needs.forms import SENTENCES
from marketplace.needs.models import Need, NeedState
from marketplace.needs.whom_form import chosen, people_choices, told
from marketplace.organisations.models import Organisation
from marketplace.reference import events
from marketplace.reference.districts import current
from marketplace.reference.needs import list_need_kinds
from marketplace.web import Page, _, confirm, current_session, done, page_number, render, writes
from marketplace.web.codes import amount, place, word
from marketplace.web.display import language
from marketplace.web.formats import day, moment

__all__ = ["SENTENCES", "bp", "entry", "noting", "remainder", "uploads"]

TINTS = {
    NeedState.UNVERIFIED: "wait",
    NeedState.HELD: "late",
    NeedState.VERIFIED: "done",
    NeedState.REFUSED: "plain",
    NeedState.CLOSED: "plain",
}
QUEUE = (NeedState.UNVERIFIED, NeedState.HELD, NeedState.VERIFIED, NeedState.REFUSED, NeedState.CLOSED)


@bp.get("/")
@guard("need:list")
def index() -> ResponseReturnValue:
    """The queue: what waits first; filters and page travel in the address."""
    session, actor = current_session(), current_actor()
    filters = _filters()
    found = service.list_needs(session, filters, actor=actor, page=page_number())
    names = households.masked_names(session, [need.household_id for need in found.needs])
    counts = service.count_by_state(session, actor=actor)
    states = [
        {
            "label": word(state.value, "need_state"),
            "href": url_for(".index", state=state.value),
            "current": state is filters.state,
            "count": counts[state],
        }
        for state in QUEUE
    ]
    places = [d for d in current(local_day(datetime.now(UTC))) if actor.serves(d.code)]
    return render(
        "needs/index.html",
        needs=found.needs,
        page=Page(number=found.page, total=found.total),
        names=names,
        states=states,
        filters=filters,
        places=places,
        kinds=list_need_kinds(),
        empty_house=not any(counts.values()),
        may_import=policy.may(actor, "need:import").allow,
        may_create=policy.may(actor, "need:create").allow,
        tints=TINTS,
    )


def _filters() -> service.NeedFilters:
    asked = request.args.get("state", NeedState.UNVERIFIED.value)
    urgency = request.args.get("urgency", "")
    return service.NeedFilters(
        state=NeedState(asked) if asked in set(NeedState) else NeedState.UNVERIFIED,
        district=request.args.get("district", "")[:6],
        category=request.args.get("category", "")[:48],
        urgency=int(urgency) if urgency in ("0", "1", "2", "3") else None,
    )


@bp.get("/<need_id>")
@guard("need:view")
def one(need_id: str) -> ResponseReturnValue:
    """One need: facts left, people and acts right."""
    return _page(_need(need_id))


def _page(need: Need, **over: Any) -> Response:
    session = current_session()
    people = households.list_people(session, need.household_id)
    context: dict[str, Any] = {
        "need": need,
        "facts": _facts(session, need),
        "people": [(person, households.masked_name(session, person), _told_fields(person)) for person in people],
        "size": households.get_household(session, need.household_id).size,
        "reveal": forms.reveal_form([name for person in people for name in _told_fields(person)]) if people else None,
        "verify": _verify_form(need),
        "release": _release_form(need),
        "may": {act: _may(need, act) for act in ("verify", "release", "refuse")},
        "tint": TINTS[need.state],
        "seen": None,
    }
    response = render("needs/one.html", **{**context, **over})
    response.headers["Cache-Control"] = "no-store"
    return response


def _verify_form(need: Need) -> Any:
    allowed = need.state is NeedState.UNVERIFIED or (need.state is NeedState.HELD and _may(need, "release"))
    people = people_choices(current_session(), need.household_id)
    return forms.verify_form(need, people) if allowed and _may(need, "verify") else None


def _release_form(need: Need) -> Any:
    held = need.state is NeedState.HELD and need.verification_level
    return forms.release_form(need) if held and _may(need, "release") else None


def _may(need: Need, act: str) -> bool:
    return policy.decide(current_actor(), f"need:{act}", district=need.district_code).allow


def _told_fields(person: Person) -> list[str]:
    return [name for name in households.SEALED if getattr(person, name) is not None]


def _facts(session: Session, need: Need) -> list[dict[str, Any]]:
    giver = session.get(Organisation, need.referred_by_org_id) if need.referred_by_org_id else None
    last = last_before(need.valid_to) if need.valid_to else None
    span = f"{day(need.valid_from)} – {day(last)}" if need.valid_from or last else ""
    rows = [
        (_("Kind of need"), word(need.category, "need")),
        (_("Whom it is for"), told(session, need.person_id)),
        (_("Missing"), amount(need.gap_units, need.unit)),
        (_("Of it under way or given"), amount(need.committed_units, need.unit)),
        (_("Urgency"), word(need.urgency, "urgency")),
        (_("Valid"), span),
        (_("Cause"), _cause(need.cause)),
        (_("District"), place(need.district_code)),
        (_("Tags"), "、".join(word(tag, "tag") for tag in need.tags)),
        (_("Checked"), word(need.verification_level, "verification_level") if need.verification_level else ""),
        (_("Evidence"), need.evidence),
        (_("Checked by"), _who(session, need.verifier_id)),
        (_("Checked on"), day(need.verified_on) if need.verified_on else ""),
        (_("Why not government aid"), word(need.referral_reason, "referral_reason") if need.referral_reason else ""),
        (_("What government decided"), need.government_decision),
        (_("Referred by"), giver.name if giver else ""),
        (_("Number"), need.id[:8].upper()),
        (_("Source"), word(need.source, "need_source")),
        (_("Came in"), moment(need.created_at)),
    ]
    return [{"label": label, "value": value} for label, value in rows if value]


def _cause(cause: str) -> str:
    """The event in words; one that nobody has named yet says what follows from that."""
    told = events.words(cause, lang=language())
    if not cause or events.known(cause):
        return told
    return f"{told} – " + str(_("Not yet named from the list: it counts as possibly the same as any other event."))


def _who(session: Session, account_id: str | None) -> str:
    """The name a colleague goes by; the id where the account is gone."""
    account = session.get(Account, account_id) if account_id else None
    return account.display_name if account else account_id or ""


@bp.post("/<need_id>/reveal")
@guard("household:reveal")
@writes
def reveal(need_id: str) -> ResponseReturnValue:
    """Show one field of one person, once, with the reason written down."""
    need = _need(need_id)
    session, now = current_session(), datetime.now(UTC)
    people = {person.id: person for person in households.list_people(session, need.household_id)}
    person = people.get(request.form.get("person", ""))
    form = forms.reveal_form([name for one in people.values() for name in _told_fields(one)])
    if person is None or not form.validate_on_submit():
        return _page(need, reveal=form)
    if getattr(person, str(form.field.data)) is None:
        form.field.errors = [_("This person's record does not hold it.")]
        return _page(need, reveal=form)
    text = households.reveal(
        session,
        person.id,
        field=str(form.field.data),
        actor=current_actor(),
        now=now,
        purpose="verification",
        reason=form.reason.data or "",
    )
    seen = {"label": forms.REVEALED[str(form.field.data)], "text": text, "person": person.id}
    return _page(need, seen=seen)


@bp.post("/<need_id>/verify")
@guard("need:verify")
@writes
def verify(need_id: str) -> ResponseReturnValue:
    """Say that it is as stated."""
    need = _need(need_id)
    form: Any = forms.verify_form(need, people_choices(current_session(), need.household_id))
    if not form.validate_on_submit():
        return _page(need, verify=form)
    try:
        service.verify_need(
            current_session(),
            need_id,
            actor=current_actor(),
            now=datetime.now(UTC),
            level=int(form.level.data),
            evidence=form.evidence.data,
            referral_reason=forms.REASONS[form.referral_reason.data],
            government_decision=form.government_decision.data or "",
            gap_units=form.gap.data,
            person_id=chosen(form.for_person.data),
        )
    except (BadInput, Conflict) as error:
        forms.say(form, error, otherwise="gap")
        return _page(need, verify=form)
    return done(_("Verified. The next run takes this need in."), to=url_for(".one", need_id=need_id))


@bp.post("/<need_id>/release")
@guard("need:release")
@writes
def release(need_id: str) -> ResponseReturnValue:
    """Let a held need go on."""
    need = _need(need_id)
    form: Any = forms.release_form(need)
    if not form.validate_on_submit():
        return _page(need, release=form)
    try:
        after = service.release_need(
            current_session(), need_id, actor=current_actor(), now=datetime.now(UTC), gap_units=form.gap.data
        )
    except (BadInput, Conflict) as error:
        forms.say(form, error, otherwise="gap")
        return _page(need, release=form)
    state = word(after.state.value, "need_state")
    return done(_("Released: %(state)s.", state=state), to=url_for(".one", need_id=need_id))


@bp.route("/<need_id>/hold", methods=["GET", "POST"])
@guard("need:verify")
@writes
def hold(need_id: str) -> ResponseReturnValue:
    """Ask for a reason, then take it out of allocation."""
    need, form = _need(need_id), forms.reason_form("need_hold")
    if form.validate_on_submit():
        service.hold_need(
            current_session(), need_id, actor=current_actor(), now=datetime.now(UTC), reason=form.reason.data or ""
        )
        return done(_("Held. It is not allocated until somebody releases it."), to=url_for(".one", need_id=need_id))
    return _ask(need, form, title=_("Hold this need back?"), button=_("Hold it"))


@bp.route("/<need_id>/refuse", methods=["GET", "POST"])
@guard("need:refuse")
@writes
def refuse(need_id: str) -> ResponseReturnValue:
    """Ask for a reason, then send it back."""
    need, form = _need(need_id), forms.reason_form("need_refusal")
    if form.validate_on_submit():
        try:
            service.refuse_need(
                current_session(), need_id, actor=current_actor(), now=datetime.now(UTC), reason=form.reason.data or ""
            )
        except Conflict as error:
            forms.say(form, error, otherwise="reason")
        else:
            return done(_("Sent back with your reason."), to=url_for(".one", need_id=need_id))
    return _ask(need, form, title=_("Send this need back?"), button=_("Send it back"), danger=True)


def _ask(need: Need, form: Any, *, title: str, button: str, danger: bool = False) -> Response:
    facts = _facts(current_session(), need)[:4]
    back = url_for(".one", need_id=need.id)
    return confirm(layout="staff", title=title, button=button, back=back, facts=facts, form=form, danger=danger)


def _need(need_id: str) -> Need:
    return service.get_need(current_session(), need_id, actor=current_actor())
