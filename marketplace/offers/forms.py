"""The wizard's steps: one small form each, made for the kind of need that is given.

Enters: a kind of need. Leaves: `Step`s in their order, each with its form class and the fields of `Terms` it fills.
Called by the wizard's views only; money is typed in yuan, everything else in whole units.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from marketplace.offers.models import Acceptance
from marketplace.reference.districts import current
from marketplace.reference.needs import NeedKind, list_need_kinds
from marketplace.reference.words import choices
from marketplace.web import CountField, DayField, Form, ManyField, OneField, TextField, TickField, YuanField, _l
from marketplace.web.codes import word
from marketplace.web.display import language

ACCEPTANCE: dict[str, Any] = {
    Acceptance.EACH.value: _l("We answer each match"),
    Acceptance.STANDING.value: _l("A standing yes: every match within these terms is accepted"),
}


class KindForm(Form):
    """What is given."""

    category = OneField(_l("What kind of help is it?"), select=True)
    title = TextField(_l("A short name for it"), longest=120)
    project = TextField(_l("Your programme, if it belongs to one"), required=False, longest=80)
    other_project = TickField(_l("It is another programme than one with a name near to this"))


class WhereForm(Form):
    """For whom it is: the districts."""

    districts = ManyField(_l("In which districts?"), required=False)


class WhoForm(Form):
    """For whom it is: what a household must or must not be."""

    tags_any = ManyField(_l("The household has at least one of these"), required=False)
    tags_all = ManyField(_l("The household has all of these"), required=False)
    tags_none = ManyField(_l("The household has none of these"), required=False)
    min_urgency = OneField(_l("How urgent must the need be at least?"))


class WhenForm(Form):
    """From when until when."""

    valid_from = DayField(_l("First day"), required=False)
    valid_to = DayField(_l("Last day"))


class AnswerForm(Form):
    """Who says yes to a match, and what the donor bound."""

    acceptance = OneField(_l("How do you answer a match?"), list(ACCEPTANCE.items()))
    donor_purpose = TextField(_l("What did the donor bind the gift to?"), required=False, longest=200, lines=2)
    donor_tags = ManyField(_l("For the donor, the household must have all of these"), required=False)
    donor_districts = ManyField(_l("The donor named only these districts"), required=False)
    donor_document = TextField(_l("Number of the donor's written consent"), required=False, longest=64)
    donor_signed_on = DayField(_l("Day of the donor's consent"), required=False)


class PromiseForm(Form):
    """What the law asks a giver to tell the household."""

    standard = TextField(_l("Standard: who gets how much?"), longest=400, lines=3)
    steps = TextField(_l("Steps: how does it reach the household, and by when?"), longest=400, lines=3)
    rules = TextField(_l("Rules: what must the household know?"), longest=400, lines=3)


def _amount_form(kind: NeedKind) -> type[Form]:
    number: Any = YuanField if kind.is_money else CountField

    class AmountForm(Form):
        """How much there is, and in what portions."""

        stock_units = number(_l("How much do you give altogether?"), least=1)
        lot = number(_l("In steps of"), least=1)

    if not kind.is_money:
        AmountForm.unit_cost_fen = YuanField(_l("What does it cost to deliver one?"), least=0, required=False)
    return AmountForm


def _limits_form(kind: NeedKind) -> type[Form]:
    number: Any = YuanField if kind.is_money else CountField

    class LimitsForm(Form):
        """The least and the most for one need and one household."""

        min_per_need = number(_l("The least for one need"), least=1)
        max_per_need = number(_l("The most for one need"), least=1, required=False)
        max_per_household = number(_l("The most for one household"), least=1, required=False)

    return LimitsForm


PAPER = ("donor_document", "donor_signed_on")
"""Asked only where a posted offer is changed: the donor's paper, if the change loosens what the donor bound."""


@dataclass(frozen=True, slots=True)
class Step:
    """One page of the wizard: its name in the address, its title, its form, and the fields that it fills."""

    name: str
    title: Any
    form: Callable[[NeedKind], type[Form]]
    fields: tuple[str, ...]


STEPS = (
    Step("kind", _l("What do you give?"), lambda _kind: KindForm, ("category", "title", "project", "other_project")),
    Step("amount", _l("How much is there?"), _amount_form, ("stock_units", "lot", "unit_cost_fen")),
    Step(
        "limits", _l("How much for one household?"), _limits_form, ("min_per_need", "max_per_need", "max_per_household")
    ),
    Step("where", _l("Where?"), lambda _kind: WhereForm, ("districts",)),
    Step("who", _l("For whom?"), lambda _kind: WhoForm, ("tags_any", "tags_all", "tags_none", "min_urgency")),
    Step("when", _l("From when until when?"), lambda _kind: WhenForm, ("valid_from", "valid_to")),
    Step(
        "answer",
        _l("How do you say yes?"),
        lambda _kind: AnswerForm,
        ("acceptance", "donor_purpose", "donor_tags", "donor_districts", *PAPER),
    ),
    Step("promise", _l("What do you tell the household?"), lambda _kind: PromiseForm, ("standard", "steps", "rules")),
)
NAMES = tuple(step.name for step in STEPS)


def offer_choices(form: Any, *, on: date) -> None:
    """Fill the lists of a step's form in the reader's language."""
    lang = language()
    lists: dict[str, list[tuple[str, str]]] = {
        "category": [
            (kind.code, f"{word(kind.group, 'need_group')} · {kind.name(lang=lang)}") for kind in list_need_kinds()
        ],
        "districts": [(district.code, district.name(lang=lang)) for district in current(on)],
        "donor_districts": [(district.code, district.name(lang=lang)) for district in current(on)],
        "min_urgency": [(code, label) for code, label in reversed(choices("urgency", lang=lang))],
    }
    for name in ("tags_any", "tags_all", "tags_none", "donor_tags"):
        lists[name] = choices("tag", lang=lang)
    for name, options in lists.items():
        if name in form:
            form[name].choices = options
