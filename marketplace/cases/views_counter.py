"""Staff take an application down for somebody without an own screen: find the person, answers, read back, sign, send.

Enters: requests of workers of the district. Leaves: four short pages; what is read aloud is on the page word for word,
and its fingerprint is kept with the reading.
"""

from __future__ import annotations

import re
from typing import Any

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.cases import counter, forms, papers, service
from marketplace.cases.doors import SENTENCES, bp
from marketplace.cases.models import Case, CaseState, PaperKind
from marketplace.errors import BadInput, NotFound, WrongState
from marketplace.guards import current_actor, guard
from marketplace.households.models import Household, Person
from marketplace.households.service import list_people, masked_name
from marketplace.households.views_enter import PHONE
from marketplace.policy import require
from marketplace.readback.forms import ReadingForm, filled_reading, heard_from, show
from marketplace.readback.service import Script
from marketplace.reference import districts
from marketplace.reference.words import label
from marketplace.web import Form, OneField, TextField, UploadField, _, _l, current_session, done, render, writes
from marketplace.web.codes import place
from marketplace.web.display import language
from marketplace.web.formats import yuan

FAULTS: dict[str, Any] = {
    **SENTENCES,
    "bad_id_number": _l("This number does not fit: compare it with the card."),
    "id_number_taken": _l("This number does not fit: compare it with the card."),
    "not_a_picture": _l("This is not a photo that can be read. Take it as JPEG, PNG or WEBP."),
}


class NewcomerForm(Form):
    """As the card says it."""

    name = TextField(_l("Name on the card"), longest=40)
    id_number = TextField(_l("Number on the card"), longest=18)
    phone = TextField(_l("Mobile number, if there is one"), longest=20, required=False)
    district = OneField(_l("District"), select=True)
    street = OneField(_l("Street or township"), select=True, required=False)


class WhoForm(Form):
    """Whose application it is."""

    person = OneField(_l("For whom?"))


class AnswersForm(forms.WantsForm, forms.MoneyForm, forms.SituationForm):
    """All questions on one page: staff fill them in while the person speaks."""

    id_number = TextField(_l("Number on the card"), longest=18, required=False)
    photo = UploadField(_l("Photo of the identity card"), required=False, accept="image/*")


class SendForm(ReadingForm):
    """The reading, the name under it, and the two switches of their own."""

    typed_name = TextField(_l("Name of who signs, as on the card"), longest=40)
    all_classes = forms.SignForm.all_classes
    hand_on = forms.SignForm.hand_on


@bp.route("/cases/counter", methods=["GET", "POST"])
@guard("reading:keep")
@writes
def newcomer() -> ResponseReturnValue:
    """Somebody whom nobody here knows; who is known is found in the register."""
    form, served = NewcomerForm(), current_actor().districts
    found = [one.code for one in districts.current(local_day(utc_now())) if not served or one.code in served]
    form.district.choices, form.street.choices = [(code, place(code)) for code in found], []
    lacks_street = form.district.data in found and forms.asks_street(form, on=local_day(utc_now()))
    ready = form.validate_on_submit()
    if lacks_street and "street" in request.form:
        form.street.errors = [_("Choose from the list")]
    phone = re.sub(r"[\s-]|^\+86", "", form.phone.data or "")
    if phone and not PHONE.match(phone):
        form.phone.errors = [_("Write an 11-digit mobile number, such as 138 0000 0000")]
        ready = False
    if not ready or lacks_street:
        return _newcomer(form)
    who = counter.Newcomer(
        form.name.data or "",
        (form.id_number.data or "").strip().upper(),
        str(form.district.data),
        street_code=str(form.street.data or ""),
        phone=phone,
    )
    try:
        home = counter.enter_newcomer(current_session(), who, actor=current_actor(), now=utc_now())
    except BadInput as error:
        form.id_number.errors = [FAULTS[error.code]]
        return _newcomer(form)
    return redirect(url_for(".counter_for", household_id=home), code=303)


def _newcomer(form: NewcomerForm) -> ResponseReturnValue:
    drafts = named(counter.list_begun(current_session(), actor=current_actor()))
    return render("cases/newcomer.html", form=form, drafts=drafts)


def named(cases: list[Case]) -> list[tuple[Case, str]]:
    """Each case with the masked name of whom it is about."""
    session = current_session()
    return [(case, masked_name(session, session.get_one(Person, case.subject_id))) for case in cases]


@bp.route("/cases/counter/<household_id>", methods=["GET", "POST"])
@guard("reading:keep")
@writes
def counter_for(household_id: str) -> ResponseReturnValue:
    """Begin for one person of a household, or go on with what was begun."""
    session, form = current_session(), WhoForm()
    home = session.get(Household, household_id)
    require(current_actor(), "reading:keep", district=home.district_code if home is not None else None)
    form.person.choices = [(one.id, masked_name(session, one)) for one in list_people(session, household_id)]
    if not form.validate_on_submit():
        return _who(form, household_id)
    try:
        case = service.start(
            session,
            household_id,
            channel="counter",
            subject_id=str(form.person.data),
            actor=current_actor(),
            now=utc_now(),
        )
    except WrongState as error:
        form.person.errors = [SENTENCES.get(error.code, _("Please check this"))]
        return _who(form, household_id)
    return redirect(url_for(".counter_answers", case_id=case.id), code=303)


def _who(form: WhoForm, household_id: str) -> ResponseReturnValue:
    session = current_session()
    found = [case for case in service.list_cases(session, household_id) if case.state is CaseState.DRAFT]
    return render("cases/counter_who.html", form=form, household_id=household_id, drafts=named(found))


@bp.route("/cases/<case_id>/counter", methods=["GET", "POST"])
@guard("reading:keep")
@writes
def counter_answers(case_id: str) -> ResponseReturnValue:
    """All answers on one page."""
    session, case = current_session(), _draft(case_id)
    person = session.get_one(Person, case.subject_id)
    known = {"size": service.facts_of(session, case, on=local_day(utc_now())).size}
    form = forms.filled(
        AnswersForm(data={**known, **{key: value for key, value in case.answers.items() if value is not None}})
    )
    if form.validate_on_submit() and _kept(case, form):
        return redirect(url_for(".counter_read", case_id=case.id), code=303)
    return render("cases/counter_answers.html", form=form, case=case, ask_number=person.id_number is None)


def _kept(case: Case, form: Any) -> bool:
    session = current_session()
    acts: Any = {"actor": current_actor(), "now": utc_now()}
    names = [field.name for part in (forms.WantsForm, forms.MoneyForm, forms.SituationForm) for field in part()]
    answers = {name: form[name].data for name in names if name != "csrf_token"}
    try:
        if form.photo.data:
            papers.add_photo(session, case, form.photo.data.read(), kind=PaperKind.ID_PHOTO, **acts)
        number = (form.id_number.data or "").strip().upper()
        counter.take_down(session, case, answers, id_number=number, **acts)
    except BadInput as error:
        told = str(error.facts.get("field", ""))
        form[told if told in form else "wants"].errors = [FAULTS.get(error.code, _("Please check this"))]
        return False
    return True


@bp.route("/cases/<case_id>/read-back", methods=["GET", "POST"])
@guard("reading:keep")
@writes
def counter_read(case_id: str) -> ResponseReturnValue:
    """Read it aloud as it stands here; then sign and send."""
    session, case = current_session(), _draft(case_id)
    form, script = SendForm(), Script("apply", 2, language(), tuple(script_of(case)))
    filled_reading(form)
    if form.validate_on_submit() and _sent(case, form, script):
        return done(
            _("Sent. Give the person the printed sheet; it says what comes next."),
            to=url_for(".sheet", case_id=case.id),
        )
    show(form, script)
    signer = masked_name(session, session.get(Person, papers.signer_of(session, case, now=utc_now())))
    return render("cases/counter_read.html", form=form, case=case, script=script.lines, signer=signer)


def _sent(case: Case, form: SendForm, script: Script) -> bool:
    try:
        counter.read_and_send(
            current_session(),
            case,
            heard_from(form, script),
            name=form.typed_name.data or "",
            all_classes=bool(form.all_classes.data),
            hand_on=bool(form.hand_on.data),
            actor=current_actor(),
            now=utc_now(),
        )
    except BadInput as error:
        told = str(error.facts.get("field", ""))
        form[told if told in form else "channel"].errors = [FAULTS.get(error.code, form.fault(error.code))]
        return False
    return True


def script_of(case: Case, /) -> list[str]:
    """What is read aloud, sentence by sentence, in the reader's language."""
    facts, lang = service.facts_of(current_session(), case, on=local_day(utc_now())), language()
    wants = _(", ").join(label("case_want", code, lang=lang) for code in facts.wants)
    ticks = _(", ").join(label("case_ticks", code, lang=lang) for code in facts.ticks)
    told = case.answers.get("label")
    income, known = [], []
    if case.answers.get("income_fen") is not None:  # temporary aid after an alert asks no income
        held = {"money": yuan(facts.income_fen), "saved": yuan(facts.savings_fen)}
        income.append(_("All together have %(money)s a month and %(saved)s saved.", **held))
    if told:
        word = label("case_label", told, lang=lang)
        known.append(_("Your family has been identified already as: %(what)s.", what=word))
    return [
        _("You ask for help with: %(what)s.", what=wants),
        _("%(n)s people live together.", n=facts.size),
        *income,
        _(
            "In the last twelve months you paid %(medical)s for treatment and %(school)s for school yourselves.",
            medical=yuan(facts.medical_fen),
            school=yuan(facts.schooling_fen),
        ),
        _("You also said: %(what)s.", what=ticks) if ticks else _("You said nothing further."),
        *known,
        _("Civil affairs may check the income, property and spending of your household. Without your yes nobody does."),
        _("Saying no costs nothing, and you can take all of it back at any time: by telephone, here, in writing."),
        _("Is all of this right, and do you say yes?"),
        _("Besides: if one kind of help does not fit, may we look at the next ones with the same papers? Yes or no?"),
        _(
            "And if something stays uncovered, may it be written down as a need for charities? None of them learns who "
            "you are before you say yes to it by name. Yes or no?"
        ),
    ]


def _draft(case_id: str) -> Case:
    case = service.get_case(current_session(), case_id, actor=current_actor(), asks="case:apply")
    if case.state is not CaseState.DRAFT:
        raise NotFound("case")
    return case
