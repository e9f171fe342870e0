"""Pages of staff for households without a page: read an offer aloud, print a slip, type a slip in, ask a second time.

Enters: requests of staff of the district. Leaves: pages; what is read aloud stands on them word for word.
"""

from __future__ import annotations

from typing import Any

import segno
from flask import url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from marketplace.answers import service, slips, texts
from marketplace.answers.doors import SENTENCES, bp
from marketplace.answers.models import CodeState
from marketplace.answers.views_second import field_names
from marketplace.calendar import utc_now
from marketplace.consent import notice
from marketplace.decisions import seeing
from marketplace.decisions import service as decisions
from marketplace.decisions.cards import Card, cards_of
from marketplace.decisions.models import MatchState
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households import service as households
from marketplace.readback.forms import ReadingForm, filled_reading, heard_from, show
from marketplace.readback.service import Script
from marketplace.reference import purposes
from marketplace.reference.words import choices, label
from marketplace.web import (
    ManyField,
    OneField,
    Page,
    TextField,
    _,
    _l,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language

__all__ = ["SENTENCES", "bp"]
SPOKEN = ("call", "home_visit", "counter")


class SaidForm(ReadingForm):
    """What the person said to one offer."""

    act = OneField(_l("What did the person say?"))
    reason_code = OneField(_l("Why, if the person declines?"), select=True, required=False)
    data_fields = ManyField(_l("What the giver may see, if the person accepts"), required=False)


class SlipForm(ReadingForm):
    """A slip that came back."""

    code = TextField(_l("The 8 digits of the slip"), longest=10)
    answer = OneField(_l("What is ticked?"), [("1", _l("Yes")), ("2", _l("No")), ("9", _l("I take my consent back"))])


def _card(match_id: str) -> Card:
    session = current_session()
    match = decisions.get_match(session, match_id, action="reading:match", actor=current_actor())
    return cards_of(session, [match])[0]


def _script(card: Card) -> Script:
    """What is read aloud about an offer: who, what, terms, who will see what, how to stop. Words that are changed here
    get a new version in `texts`."""
    lang = language()
    zh = not lang.startswith("en")
    purpose = purposes.purpose(decisions.purpose_of(current_session(), card.match))
    use, what = purpose.zh if zh else purpose.en, label("need", card.need.category, lang=lang)
    lines = [
        _("%(giver)s offers you: %(what)s.", giver=card.organisation.name, what=what),
        _("Terms: %(terms)s. %(steps)s", terms=(card.offer.rules or "—").rstrip(".。"), steps=card.offer.steps or ""),
        _("To bring it they would need to know who you are, for: %(purpose)s.", purpose=use),
    ]
    seen = _(", ").join(name for _code, name in _fields(card))
    if seen:
        lines.append(_("With your yes they may see this, and you may leave any of it out: %(what)s.", what=seen))
    shown = notice.paragraphs(notice.share_with(card.organisation.kind.value), lang=lang)
    said = (*lines, *shown, _("Refusing loses nothing. What do you say?"))
    return Script(texts.TEMPLATE, texts.VERSION, lang, said)


def _fields(card: Card) -> list[tuple[str, str]]:
    """What the giver may be let see, each with its name."""
    session = current_session()
    if card.match.state is not MatchState.AWAITING_HOUSEHOLD:
        return []
    return field_names(seeing.fields_to_ask(session, card.match, service.person_of(session, card.match).id))


@bp.get("/")
@guard("reading:match")
def index() -> ResponseReturnValue:
    """What households are asked now, then what is under way, for whoever has no page of its own."""
    page = Page(page_number(), 0)
    found = service.waiting(current_session(), actor=current_actor(), offset=page.offset, limit=page.size + 1)
    cards = cards_of(current_session(), found[: page.size])
    names = households.masked_names(current_session(), {card.match.household_id for card in cards})
    more = len(found) > page.size
    return render("answers/index.html", cards=cards, names=names, number=page.number, more=more)


@bp.route("/matches/<match_id>", methods=["GET", "POST"])
@guard("reading:match")
@writes
def say(match_id: str) -> ResponseReturnValue:
    """Read an offer aloud and write down what the person says."""
    card, form = _card(match_id), SaidForm()
    allowed = service.ACTS.get(card.match.state, ())
    if not allowed:
        raise NotFound("match")
    filled_reading(form, channels=SPOKEN)
    form.act.choices = [pair for pair in choices("reading_act", lang=language()) if pair[0] in allowed]
    form.reason_code.choices = choices("decline", lang=language())
    form.data_fields.choices = _fields(card) if service.ACCEPT in allowed else []
    script = _script(card)
    if form.validate_on_submit() and _said(card, form, script):
        text = _("Kept. A yes counts when somebody else has asked again; everything else counts now.")
        return done(text, to=url_for(".second_calls"))
    show(form, script)
    made = slips.slips_of(current_session(), card.match.id)
    return render("answers/say.html", card=card, form=form, script=script, slips=made)


def _said(card: Card, form: SaidForm, script: Script) -> bool:
    act = str(form.act.data)
    if act == service.DECLINE and not form.reason_code.data:
        form.reason_code.errors = [_("Choose why the household declines")]
        return False
    try:
        service.say(
            current_session(),
            card.match.id,
            act,
            heard_from(form, script),
            reason_code=str(form.reason_code.data or "other"),
            data_fields=form.data_fields.data or () if act == service.ACCEPT else (),
            actor=current_actor(),
            now=utc_now(),
        )
    except BadInput as error:
        return _blame(form, error)
    return True


def _blame(form: Any, error: BadInput) -> bool:
    told = str(error.facts.get("field", ""))
    form[told if told in form else "channel"].errors = [form.fault(error.code)]
    return False


@bp.post("/matches/<match_id>/slip")
@guard("reading:match")
@writes
def make_slip(match_id: str) -> ResponseReturnValue:
    """A letter with a code of its own."""
    card = _card(match_id)
    row = slips.make_slip(current_session(), card.match.id, _script(card), actor=current_actor(), now=utc_now())
    return done(_("The letter is ready to print."), to=url_for(".slip", code_id=row.id))


@bp.get("/slips/<code_id>")
@guard("reading:match")
def slip(code_id: str) -> ResponseReturnValue:
    """The letter with its slip: the offer in words, two boxes, the code as digits and as a square."""
    session = current_session()
    row = slips.get_slip(session, code_id, actor=current_actor())
    card = _card(row.match_id)
    if row.state is not CodeState.OPEN:
        raise NotFound("slip")
    digits = slips.code_text(session, row.id)
    waits = row.match_state is MatchState.AWAITING_HOUSEHOLD
    fields = [name for _code, name in field_names(row.data_fields if waits else ())]
    code, title = segno.make(digits, error="m"), _("The digits as a square code")
    drawn = code.svg_inline(scale=4, border=2, omitsize=True, svgclass="qr", lineclass=None, title=title)
    return render(
        "answers/slip.html",
        row=row,
        card=card,
        script=slips.letter_of(session, row).lines,
        fields=fields,
        digits=digits,
        picture=Markup(drawn),
    )


@bp.route("/slips", methods=["GET", "POST"])
@guard("reading:match")
@writes
def slip_back() -> ResponseReturnValue:
    """A slip came back by post: scan the square or type its digits."""
    form = SlipForm()
    filled_reading(form, channels=("slip",))
    if form.validate_on_submit() and _came_back(form):
        text = _("Kept. A yes counts when somebody else has asked again; everything else counts now.")
        return done(text, to=url_for(".second_calls"))
    return render("answers/slip_back.html", form=form)


def _came_back(form: SlipForm) -> bool:
    digits = "".join(sign for sign in form.code.data or "" if sign.isdecimal())
    session, answer = current_session(), str(form.answer.data)
    try:
        row = slips.need_code(session, digits)
        letter = slips.letter_of(session, row)
        show(form, letter)
        slips.came_back(session, row, answer, heard_from(form, letter), actor=current_actor(), now=utc_now())
    except NotFound:
        form.code.errors = [_("No slip has these digits. Compare them with the paper.")]
    except WrongState as error:
        form.answer.errors = [SENTENCES.get(error.code, _("Please check this"))]
    except BadInput as error:
        return _blame(form, error)
    return not form.errors and not form.code.errors and not form.answer.errors
