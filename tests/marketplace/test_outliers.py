"""Approver × giver × township: what stands out, by hand; what is small or explained does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlmodel import Session

from marketplace.accounts import service as accounts
from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.boards import outliers
from marketplace.boards.outliers import Key
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import NotAllowed
from marketplace.households.models import Household
from tests.marketplace.match_scene import a_scene
from tests.marketplace.test_proxies import session

__all__ = ["session"]
PLANTED = ("ann", "g1", "500103", "s1")
EVEN = {
    (who, giver, "500103", street): 10
    for who in ("ann", "bob")
    for giver in ("g1", "g2", "g3")
    for street in ("s1", "s2", "s3", "s4")
}
APPROVER = Actor(id="a", role=Role.APPROVER, districts=frozenset({"500103"}))


def look(
    monkeypatch: pytest.MonkeyPatch, numbers: dict[Key, int], *, homes: dict[Key, int] | None = None
) -> outliers.Look:
    """What stands out among these numbers."""
    found = {key: (number, (homes or {}).get(key, number)) for key, number in numbers.items()}
    monkeypatch.setattr(outliers, "_counted", lambda _session, **_rest: found)
    return outliers.outliers(None, actor=APPROVER, now=datetime.now(UTC))  # type: ignore[arg-type]


def test_what_two_of_the_three_explain_at_most_is_worked_out_by_hand() -> None:
    """240 + 40 planted: ann and g1 80 × s1 100 / 280; ann in s1 70 × g1 120 / 280; g1 in s1 60 × ann 160 / 280."""
    numbers = EVEN | {PLANTED: 50}
    assert outliers.expected(numbers, [PLANTED]) == [max(800 * 100 // 280, 700 * 120 // 280, 600 * 160 // 280)] == [342]


@pytest.mark.threat("T23")
def test_a_planted_combination_stands_out_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    assert look(monkeypatch, EVEN).cells == ()
    found = look(monkeypatch, EVEN | {PLANTED: 50})
    assert [(cell.approver_id, cell.street, cell.matches) for cell in found.cells] == [("ann", "s1", 50)]
    assert (found.judged, found.small) == (24, 0)


def test_who_looks_after_one_township_or_works_with_one_giver_does_not_stand_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_place = {("ann", f"g{n}", "500103", "s1"): 40 for n in range(3)}
    one_place |= {("bob", f"g{n}", "500103", "s2"): 40 for n in range(3)}
    one_giver = {("ann", "g1", "500103", f"s{n}"): 40 for n in range(3)}
    one_giver |= {("bob", "g2", "500103", f"s{n}"): 40 for n in range(3)}
    for numbers in (one_place, one_giver):
        assert look(monkeypatch, numbers).cells == ()


def test_fewer_than_ten_households_are_neither_judged_nor_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    found = look(monkeypatch, EVEN | {PLANTED: 50}, homes={PLANTED: 9})
    assert (found.cells, found.small) == ((), 1)


def test_only_approvers_of_the_district_and_the_auditor_look_and_an_empty_page_says_so(
    settings: Settings, sqlite_database: Database
) -> None:
    app: Flask = create_app(settings, database=sqlite_database)
    now = datetime.now(UTC)
    for role, status in ((Role.APPROVER, 200), (Role.AUDITOR, 200), (Role.WORKER, 403)):
        with sqlite_database.transaction() as session:
            facts = {"display_name": role.value, "districts": ["500103"] if role is not Role.AUDITOR else []}
            made = accounts.create_account(session, role.value, role=role, now=now, **facts)
            token = accounts.open_for_account(session, made, now=now)
        client = app.test_client()
        client.set_cookie("sid", token)
        assert client.get("/boards/outliers").status_code == status
        assert client.get("/boards/outliers?by=village&lang=en").status_code == status
        assert client.get("/boards/outliers/rows?district=500103").status_code == status
    with sqlite_database.reading() as session, pytest.raises(NotAllowed):
        outliers.outliers(session, actor=Actor(id="w", role=Role.WORKER), now=now)


def test_the_numbers_come_from_the_last_years_matches_of_the_actors_districts(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    match = a_scene(session).approved(session, now)
    whole, later = Actor(id="a", role=Role.AUDITOR), now + timedelta(days=400)
    elsewhere = Actor(id="a", role=Role.APPROVER, districts=frozenset({"500112"}))
    found = outliers._counted(session, actor=whole, now=now)
    assert {(key[0], key[1], numbers) for key, numbers in found.items()} == {(match.approver_id, match.org_id, (1, 1))}
    assert outliers._counted(session, actor=whole, now=later) == {}
    assert outliers._counted(session, actor=elsewhere, now=now) == {}
    assert outliers._counted(session, by="village", actor=whole, now=now) == {}, "no village is known yet"
    home = session.get_one(Household, match.household_id)
    home.street_code, home.village_code = "500103003", "500103003012"
    (village,) = outliers._counted(session, by="village", actor=whole, now=now)
    assert village[3] == "500103003012"
    monkeypatch.setattr(outliers, "SMALL", 1)
    assert outliers.rows_of(session, village, actor=whole, now=now) == ([match], 1)
    assert outliers.rows_of(session, village, actor=whole, now=now, most=0) == ([], 1), "the number is not the page's"
    assert outliers.rows_of(session, (*village[:3], "500103003013"), actor=whole, now=now) == ([], 0)
    monkeypatch.undo()
    key = (match.approver_id, match.org_id, match.district_code, "")
    assert outliers.rows_of(session, key, actor=whole, now=now) == ([], 0)
