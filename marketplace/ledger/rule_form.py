"""The form on which staff draft a change of a rule against helping twice.

Enters: a rule's row, and for which district its ticks are shown. Leaves: a form with the fields that the rule has,
ticked as the rule stands there today, and from what was handed in a `Draft` of the values that change. A form that is
handed in for a district where other ticks stand is shown once more with those. Called by `views_rules`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marketplace.calendar import local_day, utc_now
from marketplace.errors import BadInput
from marketplace.ledger import rules
from marketplace.ledger.book import SETS, Book
from marketplace.ledger.rule_values import limit_name
from marketplace.ledger.rules import Draft
from marketplace.ledger.sentences import standing, standing_in
from marketplace.reference.districts import current
from marketplace.reference.duplicate_rules import DuplicateRule
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.words import list_codes
from marketplace.web import (
    CountField,
    DayField,
    Form,
    ManyField,
    OneField,
    TextField,
    TickField,
    YuanField,
    _,
    _l,
    current_session,
)
from marketplace.web.codes import word
from marketplace.web.display import language
from matching.overlap_rules import CHARITY, Rule

GROUPS = ("first_group", "second_group")
SHOWN = "ticks_of"
"""The hidden field that says of which district the ticks are; ``*`` is the whole city."""


class ChangeForm(Form):
    """What changes, where, from when, and who says so; each rule offers the values that it has."""

    days = CountField(_l("Days to wait"), least=1, most=3650, required=False)
    limit_of = OneField(_l("Which limit changes"), select=True, required=False)
    limit = YuanField(_l("That limit, in yuan"), least=0, required=False)
    categories = ManyField(_l("Kinds of need it looks at"), required=False)
    programmes = ManyField(_l("Programmes it looks at"), required=False)
    excepted = ManyField(
        _l("Programmes that may be added all the same"),
        required=False,
        description=_l("None ticked: nothing may be added."),
    )
    first_group = ManyField(_l("Programmes that exclude each other"), required=False)
    second_group = ManyField(_l("Programmes that exclude those above"), required=False)
    moves = OneField(_l("This payer pays earlier or later"), select=True, required=False)
    before = OneField(_l("It pays just before"), select=True, required=False)
    binds = OneField(_l("Whom it counts for"), required=False)
    by_person = ManyField(_l("Kinds in which it counts for the person"), required=False)
    may_except = OneField(_l("A district may allow an exception"), required=False)
    off = TickField(_l("The rule rests"), required=False)
    district = OneField(_l("Where"), select=True)
    valid_from = DayField(_l("From this day on"))
    source = TextField(_l("Source"), longest=200, description=_l("The document that says so, and its number."))


def change_form(row: DuplicateRule, where: str, /) -> ChangeForm:
    """The form with the fields that this kind of rule has, ticked as it stands there; its kinds are also those of the
    district that was chosen."""
    form, standing = ChangeForm(), _standing(row, where)
    kinds = sorted(standing.categories | _standing(row, _district(form)).categories)
    form.district.choices = [("*", _("The whole city")), *_places()]
    if not row.days:
        del form.days
    if row.limits:
        form.limit_of.choices = [(key, limit_name(key)) for key in sorted({*row.limits, *kinds})]
    else:
        del form.limit, form.limit_of
    if rules.protects(row):
        del form.off, form.may_except
    else:
        form.may_except.choices = [("yes", _("yes")), ("no", _("no"))]
    _offer_sets(row, form, standing)
    _offer_groups(row, form, standing)
    _offer_order(row, form, standing)
    _offer_persons(row, form, standing, kinds)
    return form


def shows_other_ticks(row: DuplicateRule, form: ChangeForm, where: str, /) -> bool:
    """Whether the ticks, or the order of payers, that were shown are not those of the district for which the form was
    handed in."""
    here, there = (_standing(row, one) for one in (where, _district(form)))
    told = [*(name for name in SETS if name in form), *(["apart"] if row.apart else [])]
    told += ["order"] if rules.has_order(row) else []
    return any(getattr(here, name) != getattr(there, name) for name in told)


def order_told(row: DuplicateRule, /) -> str:
    """Who pays after whom today in the whole city, and in each district that has an order of its own; empty where the
    rule is about no payers."""
    if not rules.has_order(row):
        return ""
    book = Book(current_session(), on=local_day(utc_now()))
    city, told = standing_in(book, row.code, district="").order, []
    told.append(_("In the whole city they pay in this order today: %(names)s.", names=_arrows(city)))
    for code, name in _places():
        if (there := standing_in(book, row.code, district=code).order) != city:
            words = _("In %(place)s they pay in this order today: %(names)s.", place=name, names=_arrows(there))
            told.append(words)
    return " ".join(told)


def _arrows(order: Sequence[str]) -> str:
    return " → ".join(word(code, "payer") for code in order)


def tick_again(row: DuplicateRule, form: ChangeForm, /) -> str:
    """Put the ticks of the chosen district in the place of the others, and say so; returns the district."""
    there = _standing(row, _district(form))
    for name in SETS:
        if name in form:
            form[name].data = sorted(getattr(there, name))
    for name, group in zip(GROUPS, there.apart, strict=False):
        form[name].data = sorted(group)
    if "by_person" in form:
        form.by_person.data = [code for code, _words in form.by_person.choices if there.of_person(code)]
    if rules.has_order(row):
        _offer_order(row, form, there)
    form.district.errors = [
        _(
            "In this place they pay in another order: %(names)s. Look at it, then hand in again.",
            names=_arrows(there.order),
        )
        if rules.has_order(row)
        else _("In this place other boxes are ticked. They are shown now: change them, then hand in again.")
    ]
    return _district(form)


def _places() -> list[tuple[str, str]]:
    return [(one.code, one.name(lang=language())) for one in current(local_day(utc_now()))]


def _district(form: ChangeForm) -> str:
    return str(form.district.data or "*")


def _offer_sets(row: DuplicateRule, form: ChangeForm, standing: Rule) -> None:
    """Each set of codes that the rule has, ticked as it stands."""
    offered = {"categories": [(kind.code, word(kind.code, "need")) for kind in list_need_kinds()]}
    programmes = [(code, word(code, "aid_programme")) for code in list_codes("aid_programme")]
    offered |= {"programmes": programmes, "excepted": programmes}
    for name, choices in offered.items():
        if not getattr(row, name) or (name == "programmes" and row.apart):
            del form[name]
            continue
        form[name].choices = choices
        if not form.is_submitted():
            form[name].data = sorted(getattr(standing, name))


def _offer_groups(row: DuplicateRule, form: ChangeForm, standing: Rule) -> None:
    """One or two groups of programmes that exclude each other, ticked as they stand."""
    for at, name in enumerate(GROUPS):
        if at >= len(row.apart):
            del form[name]
            continue
        form[name].choices = [(code, word(code, "aid_programme")) for code in list_codes("aid_programme")]
        if not form.is_submitted():
            form[name].data = sorted(standing.apart[at])


def _offer_order(row: DuplicateRule, form: ChangeForm, standing: Rule) -> None:
    """One payer moves before another; charity stays the last."""
    if not rules.has_order(row):
        del form.moves, form.before
        return
    form.moves.choices = [(code, word(code, "payer")) for code in standing.order if code != CHARITY]
    form.before.choices = [(code, word(code, "payer")) for code in standing.order]


def _offer_persons(row: DuplicateRule, form: ChangeForm, standing: Rule, kinds: Sequence[str]) -> None:
    """For the person, for the household or, where a rule looks at several kinds, for the person in some of them."""
    if not rules.counts(row):
        del form.binds, form.by_person
        return
    form.binds.choices = [("*", _("the person, where need and aid name one")), ("home", _("the whole household"))]
    if len(kinds) < 2:
        del form.by_person
        return
    form.binds.choices.append(("some", _("the person in the kinds ticked below, else the household")))
    form.by_person.choices = [(code, word(code, "need")) for code in kinds]
    if not form.is_submitted():
        form.by_person.data = [code for code in kinds if standing.of_person(code)]


def _standing(row: DuplicateRule, district: str) -> Rule:
    """The rule as it stands today in a district; a resting one as the house's table has it."""
    where = "" if district == "*" else district
    return standing(current_session(), row.code, on=local_day(utc_now()), district=where)


def _limits(form: ChangeForm) -> dict[str, int] | None:
    """One limit changes, the others stay as they are; a rule with one limit need not be asked which."""
    if "limit" not in form or form.limit.data is None:
        return None
    keys = [str(key) for key, _words in form.limit_of.choices]
    chosen = form.limit_of.data or (keys[0] if len(keys) == 1 else "")
    if not chosen:
        raise BadInput("limit_of_what", field="limit_of")
    return {chosen: form.limit.data}


def draft_of(row: DuplicateRule, form: ChangeForm, /, *, shown: bool) -> Draft:
    """What was handed in, without what stays as it is. A page that has `shown` its boxes sends all that are ticked."""
    standing = _standing(row, _district(form))
    days = form.days.data if "days" in form else None
    answer = form.may_except.data if "may_except" in form else None
    return Draft(
        code=row.code,
        district_code=_district(form).replace("*", ""),
        valid_from=form.valid_from.data or date.max,
        source=form.source.data or "",
        days=days,
        limits=_limits(form),
        off=bool(form.off.data) if "off" in form else False,
        may_except=None if answer is None else answer == "yes",
        by_person=_persons(form),
        apart=_groups(row, form, standing, shown=shown),
        order=_order(form, standing),
        **{name: _ticked(form, name, standing, shown=shown) for name in ("categories", "programmes", "excepted")},
    )


def _ticked(form: ChangeForm, name: str, standing: Rule, *, shown: bool) -> frozenset[str] | None:
    """The ticked codes where they differ from what stands: of kinds and programmes one at least, of exceptions none if
    the last tick was taken away."""
    told = frozenset(form[name].data or ()) if name in form else frozenset()
    if name not in form or not (told or shown) or told == getattr(standing, name):
        return None
    if not told and name != "excepted":
        raise BadInput("codes_outside", field=name)
    return told


def _groups(row: DuplicateRule, form: ChangeForm, standing: Rule, *, shown: bool) -> tuple[frozenset[str], ...] | None:
    """The ticked groups where they differ from what stands."""
    told = tuple(frozenset(form[name].data or ()) for name in GROUPS[: len(row.apart)])
    return told if (shown or any(told)) and told != standing.apart else None


def _order(form: ChangeForm, standing: Rule) -> tuple[str, ...] | None:
    """The order that stands, with one payer moved before another; both are told, or none."""
    if "moves" not in form or not (form.moves.data or form.before.data):
        return None
    moved, before = str(form.moves.data or ""), str(form.before.data or "")
    if not moved or not before or moved == before:
        raise BadInput("order_of_two", field="before")
    rest = [payer for payer in standing.order if payer != moved]
    rest.insert(rest.index(before), moved)
    return tuple(rest) if tuple(rest) != standing.order else None


def _persons(form: ChangeForm) -> frozenset[str] | None:
    """Whom the rule shall count for, if anybody answered."""
    answer = form.binds.data if "binds" in form else None
    if answer != "some":
        return None if answer is None else frozenset({"*"} if answer == "*" else ())
    told = frozenset(form.by_person.data or ())
    if not told:
        raise BadInput("codes_outside", field="by_person")
    return told
