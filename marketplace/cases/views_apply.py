"""Applying on a telephone: the way in by a code, one short page after another, check, and the confirmation.

Enters: requests of a household, of a stranger at the way in, or of staff who help. Leaves: pages; answers are kept at
every step, so that whoever stops comes back to the same place. Works without scripts.
"""

from __future__ import annotations

import re
from typing import Any

import segno
from flask import request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue
from markupsafe import Markup
from werkzeug.utils import redirect

from marketplace.accounts.trying import TOO_MANY, may_try
from marketplace.calendar import local_day, utc_now
from marketplace.cases import apart, forms, looking, once, papers, service
from marketplace.cases.doors import SENTENCES, bp
from marketplace.cases.evaluate import wishes_for
from marketplace.cases.models import Case, CaseState, PaperKind
from marketplace.cases.views_uploads import photo_of
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households import newcomers
from marketplace.households.models import Person
from marketplace.households.views_enter import PHONE
from marketplace.households.views_wechat import APPLY_FOR
from marketplace.reference import districts
from marketplace.reference.words import list_codes
from marketplace.sealed import vault_of
from marketplace.web import _, _l, current_session, done, render, writes
from marketplace.web.display import language
from marketplace.web.formats import masked_id

NAMES = tuple(forms.STEPS)
FAULTS: dict[str, Any] = {
    **SENTENCES,
    "bad_id_number": _l("This number does not fit: compare it with the card."),
    "id_number_taken": _l("This number does not fit: compare it with the card."),
    "not_a_picture": _l("This is not a photo that can be read. Take it as JPEG, PNG or WEBP."),
}


@bp.get("/apply")
@guard("case:enter")
def entry() -> ResponseReturnValue:
    """The way in for everybody; whoever is signed in begins at once."""
    return _entry("")


@bp.get("/apply/<code>")
@guard("case:enter")
def entry_of(code: str) -> ResponseReturnValue:
    """Straight to one item, from the code on a leaflet or at a counter."""
    if code not in list_codes("aid_item"):
        raise NotFound("item")
    return _entry(code)


def _entry(code: str) -> ResponseReturnValue:
    ours = current_actor().household_id is not None
    if not ours:
        form_session[APPLY_FOR] = code
    return render("cases/entry.html", code=code, ours=ours, form=None if ours else _first())


def _first() -> forms.FirstForm:
    form = forms.FirstForm()
    today = local_day(utc_now())
    form.district.choices = [
        (one.code, districts.district_name(one.code, on=today, lang=language())) for one in districts.current(today)
    ]
    form.street.choices = []
    return form


@bp.post("/apply")
@guard("case:enter")
def first() -> ResponseReturnValue:
    """Somebody who was never here: known afterwards by the telephone, which the sign-in proves. The answer is the same
    for a number that is known already. The count of tries is kept even when the answer is no."""
    form, today = _first(), local_day(utc_now())
    phone = re.sub(r"[\s-]|^\+86", "", form.phone.data or "")
    lacks_street = form.district.data in dict(form.district.choices) and forms.asks_street(form, on=today)
    if form.validate_on_submit() and not PHONE.match(phone):
        form.phone.errors = [_("Write an 11-digit mobile number, such as 138 0000 0000")]
    if lacks_street and "street" in request.form:
        form.street.errors = [_("Choose from the list")]
    faulty = form.errors or form.phone.errors or lacks_street
    if not faulty and may_try("first", crowd=True):
        return _newcomer(form, phone)
    if not faulty:
        form.phone.errors = [TOO_MANY]
    return render("cases/entry.html", code=str(form_session.get(APPLY_FOR, "")), ours=False, form=form)


def _newcomer(form: forms.FirstForm, phone: str) -> ResponseReturnValue:
    """Nothing is written down yet: the browser keeps the page until a code has proved the telephone."""
    place = {"district": str(form.district.data), "street": str(form.street.data or "")}
    vault = vault_of(current_session())
    form_session[newcomers.KEPT] = newcomers.kept_text(vault, name=form.name.data, phone=phone, now=utc_now(), **place)
    return done(
        _("Now prove your telephone: write the number once more and we send you a code."),
        to=url_for("households.enter"),
    )


@bp.post("/cases/start")
@guard("case:apply")
@writes
def start() -> ResponseReturnValue:
    """Begin, or come back to what was begun; a guardian does it for a child."""
    wanted, actor = request.form.get("code", ""), current_actor()
    child = request.form.get("child", "")
    case = service.start(
        current_session(), own_household(), wanted=wanted, subject_id=child, actor=actor, now=utc_now()
    )
    return _to(case, "wants" if not case.answers.get("wants") else "check")


@bp.route("/cases/<case_id>/step/<name>", methods=["GET", "POST"])
@guard("case:apply")
@writes
def step(case_id: str, name: str) -> ResponseReturnValue:
    """One page of questions."""
    case = _draft(case_id)
    if name not in forms.STEPS:
        raise NotFound("not_found")
    title, kind = forms.STEPS[name]
    form = forms.filled(kind(data=_given(case)))
    if form.validate_on_submit() and _kept(case, name, form):
        return _to(case, "check" if request.args.get("to") == "check" else _after(case, name))
    number, total = NAMES.index(name) + 1, len(NAMES)
    signs = name != "sign" or service.may_sign(current_session(), case, **_acts())
    shown: dict[str, Any] = {"number": number, "total": total, "signs": signs, "fault": SENTENCES["signs_itself"]}
    shown["mine"] = papers.own_card(current_session(), case, **_acts()) if name == "card" else ""
    return render("cases/step.html", case=case, name=name, title=title, form=form, **shown)


@bp.route("/cases/<case_id>/check", methods=["GET", "POST"])
@guard("case:apply")
@writes
def check(case_id: str) -> ResponseReturnValue:
    """All answers with their ways back; sending is the last act."""
    case, fault = _draft(case_id), ""
    if request.method == "POST":
        try:
            service.submit(current_session(), case, actor=current_actor(), now=utc_now())
        except BadInput as error:
            fault = FAULTS.get(error.code, SENTENCES["not_signed"])
            unsigned = error.code in ("not_signed", "signed_before")
            if unsigned and not service.may_sign(current_session(), case, **_acts()):
                fault = SENTENCES["signs_itself"]
        else:
            return redirect(url_for(".sent", case_id=case.id), code=303)
    session = current_session()
    shown: dict[str, Any] = {"apart": apart.left_out(session, case, now=utc_now())}
    facts = service.facts_of(session, case, on=local_day(utc_now()))
    again = SENTENCES["signed_before"] if papers.was_signed(session, case) else ""
    shown["wanted"], shown["bills"] = (
        apart.papers_for(session, case, now=utc_now()),
        papers.count_bills(session, case.id),
    )
    shown |= {"facts": facts, "number": _number(case), "fault": fault, "again": again}
    shown["photo"] = any(paper.kind is PaperKind.ID_PHOTO for paper, _check in looking.list_uploads(session, case))
    return render("cases/check.html", status=422 if fault else 200, case=case, **shown)


def _number(case: Case) -> str:
    """The end of the card's number, enough to see that it is the right card; empty where it is not known."""
    session = current_session()
    person = session.get_one(Person, case.subject_id)
    sealed = person.id_number
    return masked_id(vault_of(session).open_if_kept(session, person.id, column="person.id_number", sealed=sealed))


@bp.get("/cases/<case_id>/sent")
@guard("case:view")
def sent(case_id: str) -> ResponseReturnValue:
    """The confirmation: number, what happens next, by when, and a code to keep."""
    session = current_session()
    case = service.get_case(session, case_id, actor=current_actor())
    if case.state is CaseState.DRAFT:
        raise NotFound("case")
    items = service.list_items(session, case.id)
    left = once.left_to(session, case)
    wanted = apart.papers_for(session, case, now=utc_now())
    by = min((item.due_at for item in items if item.due_at), default=None)
    picture = qr_of(url_for(".one", case_id=case.id))
    return render("cases/sent.html", case=case, items=items, apart=left, by=by, picture=picture, wanted=wanted)


@bp.get("/cases/leaflets")
@guard("case:list")
def leaflets() -> ResponseReturnValue:
    """Codes to print for counters and leaflets, each straight to its item."""
    codes = [(code, qr_of(url_for(".entry_of", code=code))) for code in list_codes("aid_item")]
    return render("cases/leaflets.html", codes=codes, every=qr_of(url_for(".entry")))


@bp.get("/apply/on-paper")
@guard("case:enter")
def on_paper() -> ResponseReturnValue:
    """The whole application on one sheet to fill in by hand and post; its square leads staff to where it is typed."""
    wants, situation = forms.filled(forms.WantsForm()), forms.filled(forms.SituationForm())
    asked = {"wants": wants.wants.choices, "ticks": situation.ticks.choices}
    numbers = [field.label.text for field in forms.MoneyForm() if field.name != "csrf_token"]
    shown: dict[str, Any] = {"asked": asked, "numbers": numbers, "text": forms.authorisation_text()}
    return render("cases/on_paper.html", picture=qr_of(url_for(".newcomer")), **shown)


def qr_of(path: str, /) -> Markup:
    """The square code of one of our addresses."""
    settings: Any = current_session().info["settings"]
    address = settings.base_url.rstrip("/") + path
    drawn = segno.make(address, error="m")
    title = _("Code for %(address)s", address=address)
    return Markup(drawn.svg_inline(scale=3, border=2, omitsize=True, svgclass="qr", lineclass=None, title=title))


def _draft(case_id: str) -> Case:
    case = service.get_case(current_session(), case_id, actor=current_actor(), asks="case:apply")
    if case.state is not CaseState.DRAFT:
        raise NotFound("case")
    return case


def _given(case: Case) -> dict[str, Any]:
    facts = service.facts_of(current_session(), case, on=local_day(utc_now()))
    known: dict[str, Any] = {"size": facts.size, "all_classes": case.all_classes, "hand_on": case.hand_on}
    known["wants"] = wishes_for(case.answers.get("only") or ())
    return {**known, **{name: value for name, value in case.answers.items() if value is not None}}


def _kept(case: Case, name: str, form: Any) -> bool:
    session, acts = current_session(), _acts()
    try:
        if name == "card":
            if photo := photo_of(form, case.id):
                papers.add_photo(session, case, photo, kind=PaperKind.ID_PHOTO, **acts)
            service.correct_number(session, case, form.id_number.data, **acts)
        elif name == "sign":
            switches: Any = {"all_classes": bool(form.all_classes.data), "hand_on": bool(form.hand_on.data)}
            service.sign(session, case, form.typed_name.data or "", drawn=form.drawn.data or "", **switches, **acts)
        else:
            answers = {field.name: field.data for field in form if field.name != "csrf_token"}
            service.save(session, case, answers, **acts)
    except BadInput as error:
        told = str(error.facts.get("field", ""))
        field = form[told] if told in form else next(iter(form))
        field.errors = [FAULTS.get(error.code, _("Please check this"))]
        return False
    return True


def _acts() -> Any:
    return {"actor": current_actor(), "now": utc_now()}


def _after(case: Case, name: str) -> str:
    """The next page; whose number is known is not asked for a card."""
    person = current_session().get_one(Person, case.subject_id)
    rest = [one for one in NAMES[NAMES.index(name) + 1 :] if one != "card" or person.id_number is None]
    return rest[0] if rest else "check"


def _to(case: Case, name: str) -> ResponseReturnValue:
    if name == "check":
        return redirect(url_for(".check", case_id=case.id), code=303)
    return redirect(url_for(".step", case_id=case.id, name=name), code=303)
