"""Forms read what people type into plain values, keep it when it is wrong, and never repeat it in a message."""

from datetime import date

import pytest
from flask import Flask

from marketplace.app import create_app
from marketplace.config import Settings
from tests.pages.gallery import Everything

GOOD = {
    "reason": " needs it ",
    "amount": "¥1,200.5",
    "number": "7",
    "on": "2026-11-23",
    "code": " 482 913 ",
    "district": "500103",
    "answer": "no",
    "kinds": ["food", "care"],
    "agree": "y",
}


@pytest.fixture
def app(settings: Settings) -> Flask:
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    return app


def filled(app: Flask, **changed: object) -> Everything:
    data = {**GOOD, **changed}
    with app.test_request_context("/?lang=en", base_url="http://localhost", method="POST", data=data):
        form = Everything()
        form.validate_on_submit()
        form.messages = form.errors_in_order()
        return form


def test_a_right_form_becomes_plain_values(app: Flask) -> None:
    form = filled(app)
    assert form.errors == {}
    assert form.reason.data == "needs it"
    assert form.amount.data == 120_050
    assert form.number.data == 7
    assert form.on.data == date(2026, 11, 23)
    assert form.code.data == "482913"
    assert form.kinds.data == ["food", "care"]
    assert form.agree.data is True


@pytest.mark.parametrize("typed", ["twelve", "-5", "1.234", "1e5", "٣", "10000.01", "0"])
def test_a_wrong_amount_is_kept_as_typed_and_explained(app: Flask, typed: str) -> None:
    form = filled(app, amount=typed)
    assert list(form.errors) == ["amount"]
    assert form.amount.text() == typed
    assert typed not in str(form.amount.errors[0]).split()


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("number", "11"),
        ("number", "1.5"),
        ("on", "2026-02-30"),
        ("district", "500199"),
        ("answer", "maybe"),
        ("kinds", "x"),
    ],
)
def test_what_does_not_fit_is_refused_without_repeating_it(app: Flask, field: str, typed: str) -> None:
    form = filled(app, **{field: typed})
    assert list(form.errors) == [field]
    assert typed not in str(form[field].errors[0]).split()


@pytest.mark.parametrize("field", ["reason", "amount", "number", "on", "district", "answer", "kinds", "agree"])
def test_a_missing_answer_is_asked_for_by_the_field_s_name(app: Flask, field: str) -> None:
    form = filled(app, **{field: []})
    assert list(form.errors) == [field]
    assert form.messages[0][0] == form[field].id
    assert str(form[field].label.text) in form.messages[0][1]


def test_what_is_optional_may_stay_empty(app: Flask) -> None:
    assert filled(app, code="").errors == {}
