"""Papers of an application to print: the authorisation, the receipt, the notice, the decision. One form for all.

Enters: requests of the household, its helper, or staff of the district. Leaves: a page that prints on one sheet; a
browser makes a PDF of it.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from marketplace.accounts.service import names_of
from marketplace.actors import Role
from marketplace.calendar import utc_now
from marketplace.cases import forms, orders, papers, service, steps
from marketplace.cases.doors import bp
from marketplace.cases.models import Case, CaseItem, CasePaper, CaseState, CaseStep, ItemState, PaperKind
from marketplace.cases.notice import NOTICES, is_child
from marketplace.cases.views_apply import qr_of
from marketplace.cases.whose import who_decided
from marketplace.drawing import svg_of
from marketplace.errors import NotFound
from marketplace.guards import current_actor, guard
from marketplace.households.models import Person
from marketplace.households.service import masked_name
from marketplace.policy import may, require
from marketplace.readback import service as readback
from marketplace.readback.models import ReadBack
from marketplace.reference.words import label
from marketplace.sealed import vault_of
from marketplace.web import _, current_session, render, writes
from marketplace.web.codes import office as office_name
from marketplace.web.display import language
from marketplace.web.formats import day, yuan
from marketplace.web.leaving import leaves
from marketplace.web.pdf import as_asked

Rows = list[tuple[str, str]]
Signed = tuple[CasePaper, str] | None


@bp.get("/cases/<case_id>/papers/<any(authorisation, receipt):kind>")
@guard("case:view")
def paper(case_id: str, kind: str) -> ResponseReturnValue:
    """The authorisation to sign or as it was signed; the receipt of what was sent in."""
    case = service.get_case(current_session(), case_id, actor=current_actor())
    if kind == "receipt" and case.submitted_at is None:
        raise NotFound("paper")
    if kind == "receipt":
        return _receipt(case)
    own = current_actor().role is Role.HOUSEHOLD
    signed = papers.signature_of(current_session(), case)
    return _authorisation(case, signed=signed, shown=own)


@bp.post("/cases/<case_id>/papers/authorisation/signed")
@guard("case:handle")
@writes
def signed_paper(case_id: str) -> ResponseReturnValue:
    """The same with names, numbers and the signature, for staff who have it signed or send it to a bank or another
    office; the look is logged."""
    session, actor = current_session(), current_actor()
    case = service.get_case(session, case_id, actor=actor)
    signed = papers.show_signature(session, case, actor=actor, now=utc_now())
    return _authorisation(case, signed=signed, shown=True, whole=True)


def _names(case: Case, *, whole: bool = False, numbers: bool = False) -> Rows:
    """Number and people of an application, with the numbers of their cards where asked for. Masked, but for a page that
    staff opened; at home everybody reads its own, and who signs today all of it."""
    session, actor = current_session(), current_actor()
    signs = actor.id == papers.signer_of(session, case, now=utc_now())
    people = {case.signer_id: _("Guardian who signs")} | {case.subject_id: _("Whose application")}
    rows = [(_("Application"), case.number)]
    for person_id, title in sorted(people.items(), key=lambda one: one[0] != case.subject_id):
        person, opens = session.get_one(Person, person_id), whole or signs or actor.id == person_id
        rows.append((title, _opened(person, "name") if opens else masked_name(session, person)))
        if numbers:
            rows.append((_("ID number"), _opened(person, "id_number") if opens else "••••"))
    return rows


def _opened(person: Person, name: str) -> str:
    vault, sealed = vault_of(current_session()), getattr(person, name)
    return vault.open_if_kept(current_session(), person.id, column=f"person.{name}", sealed=sealed) or "—"


def _authorisation(case: Case, *, signed: Signed, shown: bool, whole: bool = False) -> ResponseReturnValue:
    rows = _names(case, whole=whole, numbers=True)
    reading = _reading(signed)
    if signed is not None:
        rows += _read_rows(reading, shown=shown) if reading is not None else _signed_rows(signed)
    text = forms.authorisation_text()
    picture = _signature(signed) if shown else ""
    opens = not shown and may(current_actor(), "case:handle").allow
    open_by = url_for(".signed_paper", case_id=case.id) if opens else ""
    title = _("Authorisation to check means")
    under = _("Name of who signed, written down by staff") if reading is not None else _("Signature")
    shows: dict[str, Any] = {"signature": picture, "under": under, "open_by": open_by}
    return _sheet(case, title, rows, text, blanks=signed is None, **shows)


def _signed_rows(signed: tuple[CasePaper, str]) -> Rows:
    """The person's own signature, or its agent's under a written power."""
    kind, when = label("paper_kind", signed[0].kind.value, lang=language()), day(signed[0].recorded_at)
    rows = [(_("Signed"), f"{kind} · {when}")]
    if signed[0].kind is PaperKind.BY_AGENT:
        rows.append((_("Written power"), signed[0].recorded_by[:8]))
    return rows


def _reading(signed: Signed) -> ReadBack | None:
    """The reading with which staff took this signature down."""
    if signed is None:
        return None
    found = papers.readings_of(current_session(), signed[0].case_id)
    return next((row for row in found if row.read_at == signed[0].recorded_at), None)


def _read_rows(row: ReadBack, *, shown: bool) -> Rows:
    """Staff wrote it down: who, where, how it was read and signed, and where the paper with the signature lies."""
    session, lang = current_session(), language()
    who = names_of(session, {row.read_by}).get(row.read_by, "—")
    rows = [
        (_("Signed"), f"{label('reading_sign', row.signed.value, lang=lang)} · {day(row.read_at)}"),
        (_("Taken down by staff"), f"{who} · {label('reading_channel', row.channel, lang=lang)}"),
        (_("Read aloud in"), label("dialect", row.dialect, lang=lang)),
        (_("Where the signed paper or the recording is kept"), row.evidence),
    ]
    witnesses = readback.witnesses_of(session, row) if shown else ""
    return [*rows, (_("Witnesses"), witnesses)] if witnesses else rows


def _signature(signed: Signed) -> Markup | str:
    """The strokes as a drawing, or the name as it was typed."""
    if signed is None or not signed[1]:
        return ""
    drawn = signed[0].kind is PaperKind.DRAWN
    return Markup(svg_of(signed[1], title=_("Signature"))) if drawn else signed[1]


def _receipt(case: Case) -> ResponseReturnValue:
    rows = [*_names(case), (_("Sent on"), day(case.submitted_at))]
    lang = language()
    for item in service.list_items(current_session(), case.id):
        until = _("by %(day)s", day=day(item.due_at)) if item.due_at else _("when its turn comes")
        rows.append((label("aid_item", item.code, lang=lang), until))
    text = [_("We have received this application. Whatever is still missing is told to you once, all together.")]
    return _sheet(case, _("Receipt"), rows, text)


@bp.get("/cases/items/<item_id>/papers/<any(notice, decision):kind>")
@guard("case:view")
def item_paper(item_id: str, kind: str) -> ResponseReturnValue:
    """The notice as it hangs out, with a masked name; the decision with its reason and the way to object."""
    session = current_session()
    item = steps.get_item(session, item_id)
    case = service.get_case(session, item.case_id, actor=current_actor())
    return _notice(case, item) if kind == "notice" else _decision(case, item)


@bp.get("/cases/items/<item_id>/order")
@guard("case:step")
def order(item_id: str) -> ResponseReturnValue:
    """The order to pay, for whoever holds the payment; payee and account are opened by a press."""
    return _order(item_id, opened=None)


@bp.post("/cases/items/<item_id>/order")
@guard("case:step")
@leaves
@writes
def open_order(item_id: str) -> ResponseReturnValue:
    """The same with payee and account, to be printed after a fresh proof; the look is logged."""
    session, actor = current_session(), current_actor()
    found = orders.get_order(session, item_id, actor=actor)
    return _order(item_id, opened=orders.show(session, found, actor=actor, now=utc_now()))


def _order(item_id: str, *, opened: orders.Opened | None) -> ResponseReturnValue:
    session, lang = current_session(), language()
    found = orders.get_order(session, item_id, actor=current_actor())
    item = steps.get_item(session, item_id)
    case = service.get_case(session, item.case_id, actor=current_actor())
    payee = session.get_one(Person, found.person_id)
    account = opened.account if opened else "••••" if found.account is not None else ""
    rows = [
        (_("Number of the order"), found.number),
        (_("Application"), case.number),
        (_("Item"), label("aid_item", item.code, lang=lang)),
        (_("Payee"), opened.name if opened else masked_name(session, payee)),
        (_("Account"), account or _("paid by hand")),
        (_("Amount of money"), yuan(found.amount_fen)),
        (_("Ordered on"), day(found.ordered_at)),
    ]
    if found.paid_on is not None:
        rows += [(_("Paid on"), day(found.paid_on)), (_("Voucher"), found.voucher)]
    text = [_("It was granted by a decision of its own. Who pays neither gave the opinion nor decided.")]
    more: dict[str, Any] = {"code": url_for(".item", item_id=item.id)}
    if not opened:
        more |= {
            "open_by": url_for(".open_order", item_id=item.id),
            "open_word": _("Show payee and account to print them"),
        }
    return _sheet(case, _("Order to pay"), rows, text, **more)


def _notice(case: Case, item: CaseItem) -> ResponseReturnValue:
    """Staff print it for the board; nobody prints one of a child."""
    session = current_session()
    require(current_actor(), "case:handle", district=item.district_code)
    step = next((one for one in steps.list_steps(session, case.id) if _hangs(one, item)), None)
    person = session.get_one(Person, case.subject_id)
    if step is None or is_child(person, now=utc_now()):
        raise NotFound("paper")
    rows = [
        (_("Person's name"), masked_name(session, person)),
        (_("Street"), office_name(item.office)),
        (_("Item"), label("aid_item", item.code, lang=language())),
        (_("Amount of money"), yuan(item.notice_fen) if item.notice_fen else "—"),
        (_("From day"), day(step.started_at)),
        (_("Last day"), day(step.due_at)),
    ]
    text = [
        _("Who knows that something here is wrong may say so, without a name, at the street office or by the code.")
    ]
    code = url_for(".object_to", district=item.district_code, item_id=item.id)
    return _sheet(case, _("Public notice"), rows, text, code=code)


def _hangs(step: CaseStep, item: CaseItem) -> bool:
    return step.item_id == item.id and step.code in NOTICES and step.ended_at is None


def _decision(case: Case, item: CaseItem) -> ResponseReturnValue:
    if item.state not in (ItemState.GRANTED, ItemState.REFUSED):
        raise NotFound("paper")
    session, lang, granted = current_session(), language(), item.state is ItemState.GRANTED
    rows = [
        *_names(case),
        (_("Item"), label("aid_item", item.code, lang=lang)),
        (_("Decided by"), who_decided(session, item, steps.list_steps(session, case.id))),
        (_("Decided on"), day(item.decided_at)),
    ]
    rows.append((_("Decision"), label("item_state", item.state.value, lang=lang)))
    if granted and item.found:
        rows.append((_("Identified as"), label("case_label", item.found, lang=lang)))
    if granted and item.amount_fen:
        rows.append((_("Amount of money"), yuan(item.amount_fen)))
    if not granted:
        rows.append((_("Reason"), label("case_reason", item.reason, lang=lang)))
    if item.note:
        rows.append((_("In words"), item.note))
    if item.letter:
        rows.append((_("Number of the department's letter"), item.letter))
    text = [
        _("You may ask that this be looked at again by somebody who did not decide it."),
        _("Within sixty days you may ask for reconsideration, within six months go to court."),
        _("Reconsideration is asked for at the district government."),
        _("Neither costs anything, and nothing that you have is taken away because you ask."),
    ]
    return _sheet(case, _("Decision"), rows, text)


def _sheet(case: Case, title: str, rows: Rows, text: list[str], *, code: str = "", **more: Any) -> ResponseReturnValue:
    home = current_actor().household_id is not None
    shown: dict[str, Any] = {"title": title, "rows": rows, "text": text, **more}
    draft = case.state is CaseState.DRAFT
    back = (
        url_for(".check" if home else ".counter_read", case_id=case.id) if draft else url_for(".one", case_id=case.id)
    )
    picture = qr_of(code or url_for(".one", case_id=case.id))
    layout = f"layout/{'household' if home else 'staff'}.html"
    return as_asked(render("cases/paper.html", layout=layout, back_to=back, picture=picture, **shown))
