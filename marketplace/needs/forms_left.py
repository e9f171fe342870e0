"""The form for what stayed uncovered of one wish, in the units of its kind. Called by `remainder`."""

from __future__ import annotations

from typing import Any

from marketplace.reference.needs import NeedKind
from marketplace.web import CountField, Form, YuanField, _l


class LeftMoneyForm(Form):
    """How much of a wish stayed uncovered, in yuan."""

    units = YuanField(_l("Amount that stayed uncovered"))


class LeftCountForm(Form):
    """How much of a wish stayed uncovered, in the units of its kind."""

    units = CountField(_l("How many are needed"), least=1, most=1000)


def left_form(kind: NeedKind, /, *, named: int) -> Any:
    """The question in the units of the kind, with what the application names."""
    form = LeftMoneyForm() if kind.is_money else LeftCountForm()
    if named and not form.is_submitted():
        form.units.data = named
    return form
