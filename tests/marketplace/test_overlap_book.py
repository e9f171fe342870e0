"""The rules as dated data: the house's table, changes by two people, for a district or for all, with their history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlmodel import Session

from marketplace import audit
from marketplace.actors import Actor, Role
from marketplace.errors import BadInput, Conflict, NotAllowed, NotFound, WrongState
from marketplace.ledger import rules
from marketplace.ledger.book import Book
from marketplace.ledger.models import RuleState
from marketplace.ledger.rules import Draft
from marketplace.reference.duplicate_rules import list_duplicate_rules
from marketplace.reference.needs import list_need_kinds
from marketplace.reference.words import list_codes
from matching.overlap_rules import RURAL, Rule

TODAY = date(2026, 11, 23)
FIRST, SECOND = Actor(id="a-1", role=Role.APPROVER), Actor(id="a-2", role=Role.APPROVER)


def goods(code: str = "D08", **over: object) -> Draft:
    values: dict[str, object] = {"district_code": "", "valid_from": TODAY, "source": "渝民发〔2026〕1号", "days": 90}
    return Draft(code, **{**values, **over})  # type: ignore[arg-type]


def rule(session: Session, code: str, *, on: date = TODAY, district: str = "500103") -> Rule | None:
    return next((one for one in Book(session, on=on).of(district) if one.code == code), None)


def test_the_house_begins_with_its_table(session: Session) -> None:
    assert [one.code for one in Book(session, on=TODAY).of("500103")] == [row.code for row in list_duplicate_rules()]
    assert rule(session, "D08").days == 180  # type: ignore[union-attr]


def test_a_change_holds_from_its_day_once_another_person_approved_it_and_ends_the_one_before(
    session: Session, now: datetime
) -> None:
    first = rules.draft(session, goods(), actor=FIRST, now=now)
    assert rule(session, "D08").days == 180  # type: ignore[union-attr]
    rules.approve(session, first.id, actor=SECOND, now=now)
    then = now + timedelta(hours=1)
    later = rules.draft(session, goods(days=30, valid_from=TODAY + timedelta(days=10)), actor=SECOND, now=then)
    rules.approve(session, later.id, actor=FIRST, now=then)
    days = [rule(session, "D08", on=TODAY + timedelta(days=n)).days for n in (-1, 0, 9, 10)]  # type: ignore[union-attr]
    assert days == [180, 90, 90, 30]
    assert [change.state for change in rules.history(session, "D08")] == [RuleState.ACTIVE, RuleState.ENDED]
    assert audit.verify(session).bad_seq == 0


def test_nobody_approves_or_refuses_what_they_drafted_and_a_decided_change_stays(
    session: Session, now: datetime
) -> None:
    change = rules.draft(session, goods(), actor=FIRST, now=now)
    for act in (rules.approve, rules.refuse):
        with pytest.raises(WrongState, match="same_person_twice"):
            act(session, change.id, actor=FIRST, now=now)
        with pytest.raises(WrongState, match="same_person_twice"):
            act(session, change.id, actor=replace(SECOND, on_behalf_of=FIRST.id), now=now)
    rules.refuse(session, change.id, actor=SECOND, now=now)
    with pytest.raises(WrongState, match="rule_decided"):
        rules.approve(session, change.id, actor=SECOND, now=now)
    assert rule(session, "D08").days == 180  # type: ignore[union-attr]


def test_a_verifier_drafts_but_does_not_approve(session: Session, now: datetime) -> None:
    change = rules.draft(session, goods(), actor=FIRST, now=now)
    with pytest.raises(NotAllowed):
        rules.approve(session, change.id, actor=Actor(id="v", role=Role.VERIFIER), now=now)


def test_a_district_s_own_value_goes_before_the_city_s_and_a_resting_rule_is_gone_there_only(
    session: Session, now: datetime
) -> None:
    for wanted in (
        goods("D14", days=None, limits={"*": 70_000}),
        goods("D14", days=None, limits={"*": 65_000}, district_code="500229"),
        goods("D12", days=None, off=True, district_code="500229"),
    ):
        rules.approve(session, rules.draft(session, wanted, actor=FIRST, now=now).id, actor=SECOND, now=now)
    limits = [rule(session, "D14", district=code).limits["*"] for code in ("500103", "500229")]  # type: ignore[union-attr]
    assert limits == [70_000, 65_000]
    assert rule(session, "D12", district="500103") is not None
    assert rule(session, "D12", district="500229") is None
    assert "JOB.TRAINING" not in Book(session, on=TODAY).cool_offs()
    assert Book(session, on=TODAY).cool_offs()["LIVING.FOOD_PACK"] == 180


def test_a_district_that_changes_one_value_keeps_the_city_s_others(session: Session, now: datetime) -> None:
    for wanted in (
        goods("D08", days=365),
        goods("D08", days=None, may_except=True, district_code="500229"),
        goods("D12", days=None, off=True),
        goods("D12", days=90, district_code="500229"),
    ):
        rules.approve(session, rules.draft(session, wanted, actor=FIRST, now=now).id, actor=SECOND, now=now)
    there = rule(session, "D08", district="500229")
    assert there is not None
    assert (there.days, there.may_except) == (365, True)
    assert rule(session, "D12", district="500103") is None
    on_again = rule(session, "D12", district="500229")
    assert on_again is not None
    assert on_again.days == 90


def test_a_district_s_limit_leaves_the_city_s_others_as_the_city_changes_them(session: Session, now: datetime) -> None:
    def put(**over: object) -> None:
        wanted = goods("D04", days=None, **over)
        rules.approve(session, rules.draft(session, wanted, actor=FIRST, now=now).id, actor=SECOND, now=now)

    put(limits={"MEDICAL.MAJOR": 7}, district_code="500229")
    put(limits={"MEDICAL.CHILD_CHD": 8})
    put(limits={"MEDICAL.CHILD_LEUKEMIA": 9})
    there = rule(session, "D04", district="500229").limits  # type: ignore[union-attr]
    assert there == {"MEDICAL.MAJOR": 7, "MEDICAL.CHILD_CHD": 8, "MEDICAL.CHILD_LEUKEMIA": 9}


def test_a_change_of_a_later_day_is_neither_brought_forward_nor_undone(session: Session, now: datetime) -> None:
    later = TODAY + timedelta(days=40)
    waiting = rules.draft(session, goods(days=30, district_code="500103"), actor=FIRST, now=now)
    rules.approve(session, waiting.id, actor=SECOND, now=now)
    rules.approve(
        session, rules.draft(session, goods(valid_from=later), actor=FIRST, now=now).id, actor=SECOND, now=now
    )
    with pytest.raises(BadInput, match="later_change"):
        rules.draft(session, goods(days=None, may_except=True), actor=FIRST, now=now)
    assert rules.draft(session, goods(days=7, valid_from=later), actor=FIRST, now=now).terms == {"days": 7}


def test_one_draft_of_a_rule_waits_at_a_time(session: Session, now: datetime) -> None:
    rules.draft(session, goods(), actor=FIRST, now=now)
    with pytest.raises(Conflict):
        rules.draft(session, goods(days=30), actor=FIRST, now=now)


@pytest.mark.parametrize(
    ("over", "code"),
    [
        ({"source": " "}, "source_missing"),
        ({"valid_from": TODAY - timedelta(days=1)}, "date_in_past"),
        ({"days": 0}, "days_outside"),
        ({"code": "D13"}, "days_outside"),
        ({"days": None}, "nothing_changed"),
        ({"code": "D14", "days": None, "limits": {"*": -1}}, "limit_outside"),
    ],
)
def test_a_draft_that_says_nothing_sound_is_refused(
    session: Session, now: datetime, over: dict[str, object], code: str
) -> None:
    with pytest.raises(BadInput, match=code):
        rules.draft(session, goods(**over), actor=FIRST, now=now)  # type: ignore[arg-type]


def test_an_unknown_rule_is_not_found(session: Session, now: datetime) -> None:
    with pytest.raises(NotFound):
        rules.draft(session, goods("D99"), actor=FIRST, now=now)


def test_every_kind_of_need_s_rules_look_at_it_but_for_two_named_here() -> None:
    """A course of rehabilitation is no device: the years of D10 are for devices only. For entering university the floor
    of D07 reckons all aid together; one award a year (D06) is for the terms after it."""
    by_code = {row.code: row for row in list_duplicate_rules()}
    missing = {
        (kind.code, code)
        for kind in list_need_kinds()
        for code in kind.duplicate_rules
        if kind.code not in by_code[code].categories and code != "D14"
    }
    assert missing == {("DISABILITY.REHAB", "D10"), ("EDU.UNIVERSITY_ENTRY", "D06")}


def test_every_category_and_programme_of_a_rule_is_known() -> None:
    kinds, programmes = {kind.code for kind in list_need_kinds()}, set(list_codes("aid_programme"))
    for row in list_duplicate_rules():
        assert row.categories <= kinds
        assert set(row.limits) <= (row.categories or {"*", RURAL}), (
            "a rule of programmes has a limit for town and country"
        )
        assert row.programmes.union(row.excepted, *row.apart) <= programmes
        assert row.sentence_zh.endswith("。")
        assert row.sentence_en.endswith(".")
