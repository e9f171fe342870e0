"""The file of one grant on the screen, in print and as a table; and one look at one piece of evidence.

Enters: the giver of the match, its household, or staff of the district. Leaves: a page without any name; evidence is
shown only by a press of its own, which is logged, to staff only with a reason.
"""

from __future__ import annotations

import base64
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from adapters.tabular_writer import Column, write_xlsx
from marketplace.actors import GIVERS, STAFF
from marketplace.calendar import utc_now
from marketplace.decisions.models import UNDER_WAY, Match
from marketplace.drawing import svg_of
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.policy import may
from marketplace.proofs import archive, donors, evidence, publicity
from marketplace.proofs.archive import GrantFile
from marketplace.proofs.doors import KINDS, attachment, bp, layout, say
from marketplace.proofs.models import ProofKind
from marketplace.reference.words import choices
from marketplace.web import pages
from marketplace.web.codes import amount, place, word
from marketplace.web.desk import XLSX
from marketplace.web.display import language
from marketplace.web.fields import Form, OneField
from marketplace.web.formats import NOTHING, day, moment
from marketplace.web.leaving import leaves, mark
from marketplace.web.transactions import current_session, writes


class ReasonForm(Form):
    """Why a member of staff looks."""

    reason = OneField(_l("Why do you look?"), select=True)


def reason_form() -> ReasonForm:
    form = ReasonForm()
    form.reason.choices = choices("reveal_reason", lang=language())
    return form


@bp.get("/grants/<match_id>")
@guard("proof:view")
def grant(match_id: str) -> ResponseReturnValue:
    """One grant from the need to the follow-up."""
    found = archive.grant_file(current_session(), match_id, actor=current_actor())
    return _page(found)


def _page(found: GrantFile, **more: Any) -> ResponseReturnValue:
    actor = current_actor()
    return pages.render(
        "proofs/grant.html",
        layout=layout(),
        grant=found,
        facts=_facts(found),
        kinds=KINDS,
        form=more.pop("form", None) or (reason_form() if actor.role in STAFF else None),
        back=_back(found),
        adds=actor.role in GIVERS
        and found.match.state in evidence.PROVABLE
        and not evidence.comes_otherwise(found.card),
        may_open=actor.role not in GIVERS or (found.match.state in UNDER_WAY and found.consent_state == "active"),
        may_show=publicity.may_show(current_session(), found.match, now=utc_now()),
        asks_donor=found.match.state in publicity.AFTER and donors.has_donor(current_session(), found.match),
        **more,
    )


def _back(found: GrantFile) -> str:
    role = current_actor().role
    if role in GIVERS:
        return url_for("decisions.charity_match", match_id=found.match.id)
    if role in STAFF:
        return url_for("decisions.running" if may(current_actor(), "match:list").allow else "portal.staff_home")
    return url_for("decisions.household_offer", match_id=found.match.id)


def _facts(found: GrantFile) -> list[tuple[Any, list[tuple[Any, Any]]]]:
    """Station ► its lines, in the order in which they happened; the same for page, print and table."""
    return [
        (_("Need and verification"), _need(found)),
        (_("Decision"), _decision(found)),
        (_("Consent"), _consent(found)),
        (_("Delivery and confirmation"), _delivery(found)),
        (_("Result"), _result(found)),
        (_("Follow-up"), _follow_up(found)),
    ]


def _need(found: GrantFile) -> list[tuple[Any, Any]]:
    need = found.card.need
    return [
        (_("Kind of need"), word(need.category, "need")),
        (_("District"), place(need.district_code)),
        (_("Urgency"), word(need.urgency, "urgency")),
        (_("How it was verified"), word(need.verification_level, "verification_level")),
        (_("Verified on"), day(need.verified_on) if need.verified_on else NOTHING),
    ]


def _decision(found: GrantFile) -> list[tuple[Any, Any]]:
    match, run = found.match, found.run
    return [
        (_("Number"), match.id[:8].upper()),
        (_("Giver"), found.card.organisation.name),
        (_("Resource"), found.card.offer.title),
        (_("Donor's purpose"), found.card.offer.donor_purpose or NOTHING),
        (_("Approved on"), moment(match.created_at)),
        (_("Approvers"), _approvers(match)),
        (_("Run"), run.number if run else NOTHING),
        (_("Plan, SHA-256"), (run.plan_sha256 if run else "") or NOTHING),
    ]


def _approvers(match: Match) -> str:
    if match.at_once:
        return str(_("one person on call: urgent, approved at once"))
    return str(_("two people") if match.second_approver_id else _("one person"))


def _consent(found: GrantFile) -> list[tuple[Any, Any]]:
    given = found.consent
    if given is None:
        return [(_("Consent"), _("none yet"))]
    fields = _(", ").join(word(code, "field") for code in given.data_fields) or _("nothing more")
    return [
        (_("Reference"), found.consent_ref),
        (_("What for"), word(given.purpose.value, "purpose")),
        (_("Fields named"), fields),
        (_("Given on"), moment(given.created_at)),
        (_("State now"), word(found.consent_state, "consent_state")),
    ]


def _delivery(found: GrantFile) -> list[tuple[Any, Any]]:
    match, unit = found.match, found.card.need.unit
    rows = [
        (_("State"), word(match.state.value, "match_state")),
        (_("Amount"), amount(match.units, unit)),
        (_("Handed over"), moment(match.delivered_at) if match.delivered_at else NOTHING),
        (_("Confirmed by the household"), moment(match.confirmed_at) if match.confirmed_at else NOTHING),
    ]
    return [*rows, (_("Approved but not given"), amount(match.short_units, unit))] if match.short_units else rows


def _result(found: GrantFile) -> list[tuple[Any, Any]]:
    told = found.result
    if told is None:
        return [(_("Result"), _("none yet"))]
    minutes = _("unknown") if told.minutes is None else told.minutes
    return [
        (_("Reported by the giver"), moment(told.created_at)),
        (_("Result"), word(told.outcome, "giver_result")),
        (_("Minutes of its people"), minutes),
    ]


def _follow_up(found: GrantFile) -> list[tuple[Any, Any]]:
    answer = found.follow_up
    if answer is None:
        return [(_("Follow-up"), _("none yet"))]
    return [
        (_("Asked on"), moment(answer.created_at)),
        (_("Satisfaction, 1 to 5"), answer.satisfaction),
        (_("What remains"), word(answer.remains, "remains")),
        (_("Complaint"), _("yes") if answer.complaint else _("no")),
    ]


@bp.post("/grants/<match_id>/look/<proof_id>")
@guard("proof:view")
@writes
def look(match_id: str, proof_id: str) -> ResponseReturnValue:
    """Show one piece of evidence, once; the look is logged."""
    session, actor = current_session(), current_actor()
    found = archive.grant_file(session, match_id, actor=actor)
    form = reason_form() if actor.role in STAFF else None
    reason = (form.reason.data or "") if form else ""
    if proof_id not in {proof.id for proof in found.proofs}:
        proof_id = ""
    try:
        proof, text = evidence.look(session, proof_id, reason=reason, actor=actor, now=utc_now())
    except BadInput as error:
        say(form, error)
        return _page(found, form=form)
    picture = ""
    if proof.kind is ProofKind.PHOTO:
        picture = f"data:image/jpeg;base64,{text}"
    elif proof.kind is ProofKind.DRAWN:
        picture = "data:image/svg+xml;base64," + base64.b64encode(svg_of(text).encode()).decode()
    return _page(found, opened=proof, picture=picture, text="" if picture else text)


@bp.post("/grants/<match_id>/file.xlsx")
@guard("proof:view")
@leaves
@writes
def grant_xlsx(match_id: str) -> ResponseReturnValue:
    """The same as a table; that it leaves the house is written down."""
    session = current_session()
    found = archive.grant_file(session, match_id, actor=current_actor())
    archive.record_export(session, found, actor=current_actor(), now=utc_now())
    rows = [(str(station), str(name), str(value)) for station, lines in _facts(found) for name, value in lines]
    for proof in found.proofs:
        rows.append(
            (_("Evidence"), str(KINDS[proof.kind]), f"{moment(proof.recorded_at)} {proof.envelope_sha256}".strip())
        )
    columns = [Column(_("Station"), width=26), Column(_("Fact"), width=26), Column(_("Value"), width=70)]
    return attachment(write_xlsx(columns, rows, mark=mark()), name=f"grant-{found.match.id[:8]}.xlsx", kind=XLSX)
