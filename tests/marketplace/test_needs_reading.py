"""Kinds of need read from a note: what is said, what is denied, what is kept nowhere, and a hundred odd texts."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text as sql

from marketplace.actors import Role
from marketplace.app import create_app
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.needs.messages import LINE, suggest_of_message
from marketplace.needs.messages import RIGHT as RIGHT_SHARE
from marketplace.needs.reading import LONGEST, RIGHT, suggest
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.tables import rows
from tests.pages.people import client_as

SAID = [
    ("娃儿开学还差钱，学费交不起", ["EDU.TERM_SUPPORT"]),
    ("女儿考上大学了，学费路费都没凑齐", ["EDU.UNIVERSITY_ENTRY"]),
    ("屋头漏雨，瓦都烂了", ["HOUSING.REPAIR"]),
    ("药吃不起，一个月要八百多", ["MEDICAL.LONGTERM_DRUG"]),
    ("3岁女儿白血病，住院欠费5万", ["MEDICAL.CHILD_LEUKEMIA"]),
    ("大米不够吃，轮椅也坏了", ["DISABILITY.AID_DEVICE", "LIVING.FOOD_PACK"]),
    ("We have nothing to eat and sleep in the street.", ["EMERGENCY.SHELTER", "LIVING.FOOD_PACK"]),
    ("Many are injured, please send a doctor.", ["MEDICAL.MAJOR"]),
    ("The flood swept away all our furniture.", ["EMERGENCY.CASH"]),
    ("Grandmother needs a wheelchair. The roof of the house leaks.", ["DISABILITY.AID_DEVICE", "HOUSING.REPAIR"]),
]
DENIED = [
    "轮椅上个月已经送来了",
    "不用大米，够吃",
    "家里都好，没得问题",
    "The wheelchair has arrived last week, food is enough.",
    "The floods closed the road to the village.",
    "你好",
    "",
]


@pytest.mark.parametrize(("note", "kinds"), SAID)
def test_a_note_leads_to_the_kinds_it_speaks_of(note: str, kinds: list[str]) -> None:
    assert sorted(found.code for found in suggest(note)) == kinds


@pytest.mark.parametrize("note", DENIED)
def test_what_is_not_needed_or_done_already_is_not_suggested(note: str) -> None:
    assert suggest(note) == []


def test_a_denial_reaches_no_further_than_its_clause() -> None:
    assert [found.code for found in suggest("大米不用了，但是屋顶漏雨")] == ["HOUSING.REPAIR"]


@given(st.text(max_size=3 * LONGEST))
def test_any_text_is_read_and_every_word_named_stands_in_it(note: str) -> None:
    for found in suggest(note):
        assert all(word in note for word in found.words)
        assert found.confidence in RIGHT.values()


def test_the_surest_stands_first() -> None:
    weights = [found.weight for found in suggest("没得人做饭，想要送餐，打扫也打扫不动，扶手也没装，厕所滑")]
    assert len(weights) >= 3
    assert weights == sorted(weights, reverse=True)


def test_the_table_of_words_has_every_kind_in_both_languages_and_no_other() -> None:
    kinds = {kind.code for kind in list_need_kinds()}
    for language in ("zh", "en"):
        assert {row["code"] for row in rows("need_words") if row["language"] == language} == kinds | {"-"}


@given(st.text(max_size=400))
def test_any_message_is_read_and_every_word_named_stands_in_it(text: str) -> None:
    for found in suggest_of_message(text):
        assert all(word in text for word in found.words)
        assert 0 < found.confidence <= 1


def test_words_of_messages_weigh_where_the_rules_know_none_and_a_line_keeps_what_is_weak_away() -> None:
    outbreak = "Health teams report an outbreak with deadly fever"
    assert suggest(outbreak) == []
    (found,) = suggest_of_message(outbreak)
    assert (found.code, "outbreak" in found.words) == ("MEDICAL.MAJOR", True)
    assert [one.code for one in suggest("I have some clothes to give")] == ["LIVING.GOODS"]
    assert "LIVING.APPLIANCE" in {one.code for one in suggest_of_message("The heater of the house is broken")}


def test_the_points_name_their_source_and_have_a_line_and_a_share_for_each_kind() -> None:
    table = rows("message_points")
    assert all("CC BY 4.0" in row["source"] and row["valid_from"] for row in table)
    for code in {row["code"] for row in table}:
        points = {row["word"]: int(row["points"]) for row in table if row["code"] == code}
        assert {LINE, RIGHT_SHARE} <= set(points)
        assert points[LINE] > 0, "a message without any of the words is never suggested"


@pytest.fixture
def app(settings: Settings, sqlite_database: Database) -> Flask:
    return create_app(settings, database=sqlite_database)


def test_staff_read_a_note_and_go_on_to_the_form_of_that_kind(app: Flask, sqlite_database: Database) -> None:
    worker = client_as(app, Role.VERIFIER)
    assert "/needs/from-note" in worker.get("/needs/").text
    page = worker.post("/needs/from-note", data={"note": "独眼阿婆屋头漏雨，瓦都烂了"}).text
    assert "房屋修缮" in page
    assert "/needs/new?category=HOUSING.REPAIR" in page
    form = worker.get("/needs/new?category=HOUSING.REPAIR").text
    chosen = re.search(r"<option[^>]*selected[^>]*>", form)
    assert chosen is not None
    assert 'value="HOUSING.REPAIR"' in chosen[0]
    told = {"note": "Health teams report an outbreak with deadly fever", "message": "y"}
    assert "/needs/new?category=MEDICAL.MAJOR" in worker.post("/needs/from-note", data=told).text
    assert "没有找到需求类型" in worker.post("/needs/from-note", data={"note": "今天天气好"}).text
    with sqlite_database.reading() as session:
        tables = session.execute(sql("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        kept = [t for t in tables if "独眼阿婆" in str(session.execute(sql(f'SELECT * FROM "{t}"')).all())]
    assert kept == []


def test_who_may_not_enter_needs_reads_no_notes(app: Flask) -> None:
    assert client_as(app, Role.AUDITOR).get("/needs/from-note").status_code == 403
