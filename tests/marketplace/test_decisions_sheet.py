"""Matches and deliveries as a table: the giver's own, and nothing of the household but its district."""

from __future__ import annotations

import csv
from io import BytesIO, StringIO

import pytest
from python_calamine import CalamineWorkbook
from sqlmodel import select

from marketplace.actors import Actor, Role
from marketplace.decisions import approve as approval
from marketplace.decisions import moves
from marketplace.decisions.models import Match, MatchState
from marketplace.decisions.sheet import HEADS, matches_file
from marketplace.errors import NotFound
from tests.factories import NOW, a_household, a_line, a_need, an_offer, an_organisation, auto_match


@pytest.fixture
def giver(session, approver) -> Actor:
    organisation = an_organisation(session)
    household = a_household(session, name="王小明")
    auto_match(session, household)
    offer = an_offer(session, organisation, reference="自编 1")
    line = a_line(session, a_need(session, household), offer, units=4)
    assert approval.approve(session, [line.id], actor=approver, now=NOW).approved
    return Actor(id="m", role=Role.CHARITY_WORKER, org_id=organisation.id)


def test_every_match_is_a_row_under_the_givers_own_number(session, giver):
    text = matches_file(session, "csv", actor=giver, lang="zh", now=NOW).decode("utf-8-sig")
    head, row = csv.reader(StringIO(text))
    assert head == [*(zh for zh, _en in HEADS), "答复", "婉拒原因", "帮扶结果", "投入分钟"]
    told = dict(zip(head, row, strict=True))
    assert (told["资源编号"], told["区县"], told["数量"], told["单位"]) == ("自编 1", "渝中区", "4", "份")
    assert told["批准日期"] == "2026-11-23"
    assert "王小明" not in text


def test_the_spreadsheet_says_the_same_in_english(session, giver):
    data = matches_file(session, "xlsx", actor=giver, lang="en", now=NOW)
    head, row = CalamineWorkbook.from_filelike(BytesIO(data)).get_sheet_by_index(0).to_python()
    assert dict(zip(head, row, strict=True))["Unit"] == "packs"


@pytest.mark.parametrize("state", [MatchState.AWAITING_SECOND, MatchState.REJECTED])
def test_a_match_without_its_second_approval_is_no_match_of_the_giver_yet(session, giver, approver, state):
    match = session.exec(select(Match).where(Match.org_id == giver.org_id)).one()
    assert moves.get_match(session, match.id, actor=giver) == match
    match.state = state
    session.add(match)
    session.flush()
    assert matches_file(session, "csv", actor=giver, lang="zh", now=NOW).count(b"\n") == 1, "the heads alone"
    with pytest.raises(NotFound):
        moves.get_match(session, match.id, actor=giver)
    assert moves.get_match(session, match.id, actor=approver) == match


def test_another_giver_gets_its_own_rows_only_and_staff_none(session, giver):
    other = Actor(id="x", role=Role.CHARITY_WORKER, org_id=an_organisation(session).id)
    assert matches_file(session, "csv", actor=other, lang="zh", now=NOW).count(b"\n") == 1
    with pytest.raises(NotFound):
        matches_file(session, "csv", actor=Actor(id="y", role=Role.CHARITY_WORKER), lang="zh", now=NOW)
