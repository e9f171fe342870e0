"""Money, days and masked identities as people read them, in both languages."""

import doctest
from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest
from flask import Flask
from flask_babel import force_locale

from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.web import formats, paging

TODAY = date(2026, 11, 23)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    with app.test_request_context(base_url="http://localhost"):
        yield app


@pytest.mark.parametrize("module", [formats, paging])
def test_the_examples_in_the_code_are_true(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("language", "on", "shown"),
    [
        ("zh_Hans", date(2026, 11, 23), "11月23日 周一"),
        ("en", date(2026, 11, 23), "Mon 23 Nov"),
        ("zh_Hans", date(2025, 11, 23), "2025年11月23日 周日"),
        ("en", date(2025, 11, 23), "Sun 23 Nov 2025"),
        ("en", datetime(2026, 11, 22, 16, 30, tzinfo=UTC), "Mon 23 Nov"),
    ],
)
def test_a_day_carries_its_weekday_and_is_chongqing_s(app: Flask, language: str, on: date, shown: str) -> None:
    with force_locale(language):
        assert formats.day(on, today=TODAY) == shown


@pytest.mark.parametrize(
    ("left", "chinese", "english"),
    [(3, "还有3天", "3 days left"), (0, "今天", "today"), (-1, "已逾期1天", "1 day late")],
)
def test_a_deadline_is_told_in_words(app: Flask, left: int, chinese: str, english: str) -> None:
    on = date(2026, 11, 23 + left)
    with force_locale("zh_Hans"):
        assert formats.days_left(on, today=TODAY) == chinese
    with force_locale("en"):
        assert formats.days_left(on, today=TODAY) == english


def test_nothing_is_shown_as_a_dash_not_as_none() -> None:
    empty = [formats.yuan(None), formats.percent(None), formats.moment(None), formats.yuan_band(None)]
    assert empty == ["—"] * 4


def test_a_masked_identity_never_shows_the_middle() -> None:
    number = "509901199001010018"
    assert number[6:14] not in formats.masked_id(number)
    assert formats.masked_phone("12345") == "*****"
    assert formats.masked_name("张") == "张"


def test_an_odd_page_number_is_the_first_page(app: Flask) -> None:
    for asked, number in {"3": 3, "-1": 1, "x": 1, "²": 1, "99999999999": 1}.items():
        with app.test_request_context(f"/?page={asked}", base_url="http://localhost"):
            assert paging.page_number() == number
