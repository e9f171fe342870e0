"""Deliveries recorded with proof: ticked in a list, by the code of a slip, or one by one with photo, name or number.

Enters: a signed-in person of an organisation, or a household that shows its code. Leaves: pages that name nobody, and
the acts of `evidence`. What a telephone does here works without JavaScript; only drawing a name needs it.
"""

from __future__ import annotations

from typing import Any

import segno
from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from wtforms import HiddenField

from marketplace.accounts.cookies import settings
from marketplace.calendar import utc_now
from marketplace.decisions import paying, queues
from marketplace.decisions import service as decisions
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.policy import require
from marketplace.proofs import evidence, narrowing, slips
from marketplace.proofs.doors import SENTENCES, bp, say
from marketplace.proofs.evidence import NAME_LENGTH, SLIP_LENGTH, Piece
from marketplace.proofs.models import ProofKind
from marketplace.proofs.table import kinds_apart
from marketplace.web import pages
from marketplace.web.fields import CountField, Form, TextField, UploadField, YuanField
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes

OPEN = (MatchState.IN_DELIVERY,)
SLIPS_A_PRINT = 40


class CodeForm(Form):
    """The code of a slip, typed."""

    code = TextField(_l("Code on the slip"), longest=32, description=_l("16 letters and digits; spaces do not matter."))


class ProofForm(Form):
    """What proves it; at least one of the four, unless a code was scanned. `units` and `yuan` stand for the unit."""

    units = CountField(_l("Delivered amount"), least=1, required=False)
    yuan = YuanField(_l("Delivered amount"), required=False)
    photo = UploadField(_l("Photo of the delivery"), required=False, accept="image/jpeg,image/png,image/webp")
    typed_name = TextField(_l("Name, typed by the receiver"), required=False, longest=NAME_LENGTH)
    slip_number = TextField(_l("Number of the paper slip"), required=False, longest=SLIP_LENGTH)
    note = TextField(_l("Note on the delivery (no names or addresses)"), required=False, longest=200)
    drawn = HiddenField()

    def pieces(self) -> list[Piece]:
        """The evidence that was filled in."""
        found = [
            Piece(ProofKind.TYPED, text=self.typed_name.data or ""),
            Piece(ProofKind.DRAWN, text=self.drawn.data or ""),
            Piece(ProofKind.SLIP, text=self.slip_number.data or ""),
        ]
        if self.photo.data:
            found.append(Piece(ProofKind.PHOTO, data=self.photo.data.read()))
        return [piece for piece in found if piece.data or piece.text.strip()]


@bp.route("/", methods=["GET"])
@guard("proof:add")
def deliveries() -> ResponseReturnValue:
    """What is on its way, to tick: all of it, or what a month, a kind, a number or a name leaves."""
    return _list()


def _list(told: Any = "") -> ResponseReturnValue:
    session, org_id = current_session(), current_actor().org_id or ""
    require(current_actor(), "proof:add", org_id=current_actor().org_id)
    wanted = narrowing.asked(request.args)
    narrowed = wanted.conditions(session, org_id)
    page = Page(page_number(), queues.count_of_giver(session, org_id, OPEN, narrowed=narrowed), size=100)
    matches = queues.list_of_giver(session, org_id, OPEN, offset=page.offset, limit=page.size, narrowed=narrowed)
    months, kinds = narrowing.choices_of(session, org_id)
    months = sorted({*months, wanted.month} - {""}, reverse=True)
    cards = [(card, slips.code_of(session, card.match)) for card in cards_of(session, matches)]
    at_bank = paying.at_the_bank(session, [match.id for match in matches])
    return pages.render(
        "proofs/deliveries.html",
        cards=cards,
        page=page,
        at_bank=at_bank,
        can_tick={one.match.id for one, _code in cards if one.by_press and not one.match.held_for} - at_bank,
        told=told,
        status=422 if told else 200,
        spelled=slips.shown,
        wanted=wanted,
        kept=wanted.kept,
        months=months,
        kinds=kinds,
        ticked=request.args.get("ticked") == str(page.number),
    )


@bp.route("/", methods=["POST"])
@guard("proof:add")
@writes
def deliver_ticked() -> ResponseReturnValue:
    """Record all that were ticked, in one press."""
    try:
        chosen = request.form.getlist("chosen")
        done = evidence.hand_over_many(current_session(), chosen, actor=current_actor(), now=utc_now())
    except BadInput as error:
        return _list(SENTENCES[error.code])
    words = ngettext("%(num)d delivery recorded.", "%(num)d deliveries recorded.", done)
    return pages.done(words, to=url_for("proofs.deliveries", **narrowing.asked(request.args).kept))


@bp.route("/slips", methods=["GET"])
@guard("proof:add")
def print_slips() -> ResponseReturnValue:
    """Slips to print: a part that stays with the household, and one to sign, tear off and bring back. What visits
    or an insurer's case deliver has none: its code would open nothing."""
    session, org_id = current_session(), current_actor().org_id or ""
    apart = kinds_apart(session, org_id)
    total = queues.count_of_giver(session, org_id, OPEN, without=apart)
    page = Page(number=page_number(), total=total, size=SLIPS_A_PRINT)
    matches = queues.list_of_giver(session, org_id, OPEN, offset=page.offset, limit=page.size, without=apart)
    cards = [(card, *_code(card.match)) for card in cards_of(session, matches)]
    return pages.render("proofs/slips.html", cards=cards, page=page)


def _code(match: Match) -> tuple[str, str]:
    """The code in groups, and a picture of the address it opens."""
    code = slips.code_of(current_session(), match)
    address = settings().base_url.rstrip("/") + url_for("proofs.scanned", code=code)
    return slips.shown(code), segno.make(address, error="m").svg_data_uri(scale=4, border=2)


@bp.route("/mine/<match_id>/code", methods=["GET"])
@guard("proof:code")
def my_code(match_id: str) -> ResponseReturnValue:
    """The household's code, to show to whoever brings the aid; what visits or a case deliver has none."""
    match = decisions.get_match(current_session(), match_id, actor=current_actor())
    if match.state is not MatchState.IN_DELIVERY:
        raise WrongState("match_moved_on", state=match.state.value)
    card = cards_of(current_session(), [match])[0]
    if evidence.comes_otherwise(card):
        return pages.render("proofs/no_code.html", card=card, status=409)
    code, picture = _code(match)
    return pages.render("proofs/my_code.html", card=card, code=code, picture=picture)


@bp.route("/code", methods=["GET", "POST"])
@guard("proof:add")
def type_code() -> ResponseReturnValue:
    """Type the code instead of scanning it."""
    form = CodeForm()
    if not form.validate_on_submit():
        return pages.render("proofs/code.html", form=form)
    try:
        slips.match_of_code(current_session(), form.code.data or "", actor=current_actor())
    except (NotFound, WrongState) as error:
        form.code.errors = [SENTENCES[error.code]]
        return pages.render("proofs/code.html", form=form)
    return redirect(url_for("proofs.scanned", code=slips.typed(form.code.data or "")), code=303)


@bp.route("/scan/<code>", methods=["GET", "POST"])
@guard("proof:add")
@writes
def scanned(code: str) -> ResponseReturnValue:
    """What a scanned code opens: the one delivery it stands for."""
    match = slips.match_of_code(current_session(), code, actor=current_actor())
    return _hand_over(match, extra=[Piece(ProofKind.SCAN)])


@bp.route("/grants/<match_id>/hand-over", methods=["GET", "POST"])
@guard("proof:add")
@writes
def hand_over(match_id: str) -> ResponseReturnValue:
    """Record one delivery with its proof, or add proof to one that was recorded."""
    match = decisions.get_match(current_session(), match_id, actor=current_actor())
    if match.state not in evidence.PROVABLE:
        raise WrongState("match_moved_on", state=match.state.value)
    return _hand_over(match)


def _hand_over(match: Match, *, extra: list[Piece] | None = None) -> ResponseReturnValue:
    form, card = ProofForm(), cards_of(current_session(), [match])[0]
    if evidence.comes_otherwise(card):
        return pages.render("proofs/not_by_code.html", card=card, status=409)
    if not form.validate_on_submit():
        return _form_page(form, card)
    pieces = [*(extra or []), *form.pieces()]
    if not pieces:
        form.photo.errors = [SENTENCES["no_proof"]]
        return _form_page(form, card)
    try:
        _store(match, form, pieces)
    except BadInput as error:
        current_session().rollback()
        say(form, error)
        return _form_page(form, card)
    return pages.done(_("Recorded with its proof."), to=url_for("proofs.grant", match_id=match.id))


def _store(match: Match, form: ProofForm, pieces: list[Piece]) -> None:
    session, actor, now = current_session(), current_actor(), utc_now()
    if match.state is not MatchState.IN_DELIVERY:
        for piece in pieces:
            evidence.add(session, match.id, piece, actor=actor, now=now)
        return
    units = form.units.data or form.yuan.data
    if units is not None and units > match.units:
        raise BadInput("more_than_matched", field="units" if form.units.data else "yuan")
    note = form.note.data or ""
    evidence.hand_over(session, match.id, pieces=pieces, units=units, note=note, actor=actor, now=now)


def _form_page(form: ProofForm, card: Card) -> ResponseReturnValue:
    delivers = card.match.state is MatchState.IN_DELIVERY
    return pages.render("proofs/hand_over.html", form=form, card=card, delivers=delivers)
