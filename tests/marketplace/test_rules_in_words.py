"""A rule against helping twice reaches people in words, counts once, and changes by two people only."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlmodel import Session, select

from marketplace.actors import Actor, Role
from marketplace.app import create_app
from marketplace.calendar import utc_now
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.errors import BadInput
from marketplace.ledger import hit_report, hits, overlap, rules
from marketplace.ledger.book import Book, rule_of
from marketplace.ledger.explain import explain
from marketplace.ledger.models import OverlapHit
from marketplace.ledger.rules import Draft
from marketplace.ledger.sentences import Sayings
from marketplace.ledger.sentences import sentence as sentence_of
from marketplace.proposals.results import sentence
from marketplace.reference.duplicate_rules import duplicate_rule, list_duplicate_rules
from marketplace.rights.explaining import rules_in
from matching.overlap_judge import judge
from matching.overlap_rules import PAYERS, Asked, Bill, Given
from matching.overlap_words import RULES
from tests import factories as make
from tests.marketplace.match_scene import APPROVER, a_scene
from tests.pages.people import household_client

SECOND = Actor(id="approver-2", role=Role.APPROVER)
CODES = [rule.code for rule in list_duplicate_rules()]
RAW = re.compile(r"D\d\d|rule:|h-1")
LIMITED: dict[str, Any] = {"kind": "household_cap", "limit": 3, "left": 0, "short_by": 1}


@pytest.mark.parametrize("lang", ["zh_Hans", "en"])
def test_no_reason_shows_the_code_of_a_rule_whether_it_bans_caps_or_excludes(lang: str) -> None:
    for rule in list_duplicate_rules():
        says = sentence_of(rule_of(rule), lang=lang).rstrip("。.")
        details = [
            ("banned", {"by": rule.code, "count": 1}),
            ("banned", {"by": f"{rule.code};staff", "count": 2}),
            ("cap", {**LIMITED, "id": f"{rule.code}:h-1:LIVING.GOODS"}),
            ("exclusive", {"group": f"{rule.code}:h-1:LIVING.GOODS", "drawn": "r1"}),
        ]
        for code, detail in details:
            told = sentence(code, "r2", detail, names={}, unit="PACK", lang=lang, rules={rule.code: says})
            assert says in told
            assert not RAW.search(told), told
    detail = {**LIMITED, "id": "rule:h-1:LIVING.GOODS"}
    told = sentence("cap", "r2", detail, names={}, unit="PACK", lang=lang, rules={})
    assert not RAW.search(told), told


def test_matching_has_words_for_each_rule_and_no_number_that_an_edit_could_make_untrue() -> None:
    assert list(RULES) == CODES
    assert not [words for pair in RULES.values() for words in pair if re.search(r"\d", words)]


GRANT_PAIR = frozenset({"NATIONAL_SCHOLARSHIP", "NATIONAL_GRANT"})
CARE = frozenset({"DISABILITY_CARE"})
TEMPORARY_FIRST = ("TEMPORARY_AID", *(payer for payer in PAYERS if payer != "TEMPORARY_AID"))
EDITED: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("D08", "LIVING.GOODS", {"days": 90}, "90天", "90 days"),
    ("D12", "JOB.TRAINING", {"days": 730}, "2年", "2 years"),
    ("D10", "DISABILITY.AID_DEVICE", {"days": 400}, "400天", "400 days"),
    ("D02", "MEDICAL.MAJOR", {"limits": {"MEDICAL.MAJOR": 4_100_000}}, "¥41,000", "¥41,000"),
    ("D04", "MEDICAL.MAJOR", {"limits": {"MEDICAL.MAJOR": 1_234_500}}, "¥12,345", "¥12,345"),
    ("D07", "EDU.UNIVERSITY_ENTRY", {"limits": {"EDU.UNIVERSITY_ENTRY": 600_000}}, "¥6,000", "¥6,000"),
    ("D14", "EMERGENCY.CASH", {"limits": {"*": 80_000, "*RURAL": 65_000}}, "农村¥650", "¥650 in the country"),
    ("D11", "HOUSING.REPAIR", {"days": 730}, "2年内", "within 2 years"),
    ("D13", "EMERGENCY.CASH", {"may_except": False}, "一年内一次。", "calendar year."),
    ("D12", "JOB.TRAINING", {"may_except": True}, "区县可以特别批准", "the district may allow"),
    ("D11", "HOUSING.REPAIR", {"programmes": frozenset({"TEMPORARY_AID"})}, "由临时救助或", "are: Temporary aid"),
    ("D17", "", {"excepted": frozenset({"KEY_CLASS_CHILD"})}, "重点救助（儿童）可以", "Key class: child"),
    ("D04", "MEDICAL.MAJOR", {"by_person": frozenset()}, "同一个家庭的帮助", "gives one household no more"),
    ("D06", "", {"by_person": frozenset()}, "目前按家庭计算", "now counts for the household"),
    ("D11", "", {"by_person": frozenset({"*"})}, "按个人计算", "counts for that person"),
    ("D08", "", {"by_person": frozenset({"LIVING.GOODS"})}, "目前只有", "Only in these"),
    ("D08", "", {"categories": frozenset({"CHILD.WISH"})}, "适用于：微心愿", "now looks at: "),
    ("D06", "", {"apart": (GRANT_PAIR,)}, "目前互相排斥的是：国家助学金、国家奖学金", "exclude each other now"),
    (
        "D18",
        "",
        {"apart": (CARE, frozenset({"TEKUN"}))},
        "补贴与特困供养不同时",
        "together with Support for the destitute.",
    ),
    ("D01", "MEDICAL.MAJOR", {"order": TEMPORARY_FIRST}, "付款顺序：临时救助、", "order now: Temporary aid, "),
]


@pytest.mark.parametrize(("code", "category", "over", "chinese", "english"), EDITED)
def test_an_edited_rule_says_the_edited_value_in_both_languages(
    session: Session, now: datetime, code: str, category: str, over: dict[str, Any], chinese: str, english: str
) -> None:
    """D13 and D11 lose or change words as well: what they said before the change is gone."""
    before = [sentence_of(rule_of(duplicate_rule(code)), lang=lang, category=category) for lang in ("zh_Hans", "en")]
    rule = in_force(session, _draft(code, now, **over), now)
    after = [sentence_of(rule, lang=lang, category=category) for lang in ("zh_Hans", "en")]
    assert chinese in after[0]
    assert english in after[1]
    assert chinese not in before[0]
    assert english not in before[1]


def test_the_reason_of_a_run_says_what_the_rule_said_on_the_run_s_day(session: Session, now: datetime) -> None:
    in_force(session, _draft("D08", now, days=90), now)
    says = Sayings(session, on=now.date(), lang="en").about("500103", "LIVING.FOOD_PACK")
    told = sentence("banned", "r2", {"by": "D08", "count": 1}, names={}, unit="PACK", lang="en", rules=says)
    assert "once in 90 days" in told
    older = Sayings(session, on=now.date() - timedelta(days=1), lang="en").about("500103", "LIVING.FOOD_PACK")
    assert "180 days" in older["D08"]


def test_a_stored_reason_names_its_rules_for_the_household() -> None:
    assert rules_in({"by": "D08;staff;D20"}) == ("D08", "D20")
    assert rules_in({"id": "D04:org:MEDICAL.MAJOR"}) == ("D04",)
    assert rules_in({"kind": "household_cap", "id": "c1"}) == ()


@pytest.fixture
def house(sqlite_database: Database, settings: Settings) -> tuple[Flask, str]:
    with sqlite_database.transaction() as session:
        scene = a_scene(session, now=utc_now())
        past(session, scene.household, utc_now().date())
    return create_app(settings, database=sqlite_database), scene.household.id


def past(session: Session, home: Any, on: date, *, giver: str = "红十字会") -> None:
    need = make.a_need(session, home, gap_units=2)
    offer = make.an_offer(session, make.an_organisation(session))
    make.a_ledger_entry(session, need, offer, units=2, given_on=on, giver=giver)


@pytest.mark.parametrize(("lang", "says"), [("zh_Hans", "同类物资180天内帮助一次"), ("en", "once in 180 days")])
def test_a_household_reads_beside_its_need_the_rule_that_stops_it(
    house: tuple[Flask, str], lang: str, says: str
) -> None:
    app, household_id = house
    page = household_client(app, household_id).get(f"/home?lang={lang}").text
    assert says in page
    assert not re.search(r">[^<]*D08", page)


def _hit(session: Session, need: Any, org: str, units: int, place: str, now: datetime, code: str = "D08") -> OverlapHit:
    met = hits.of_need(need, code=code, place=place, units=units, because=("x",), org_id=org or None)
    return hits.keep(session, [met], actor=APPROVER, now=now)[0]


def test_a_need_refused_to_three_givers_counts_once_and_a_late_report_prevented_nothing(
    session: Session, now: datetime
) -> None:
    """3, 5 and 4 packs of 100 yuan refused: 500 yuan, not 1,200; two rules on one need: once in the whole."""
    need = make.a_need(session, make.a_household(session))
    orgs = [make.an_organisation(session).id for _n in range(3)]
    for org, units in zip(orgs, (3, 5, 4), strict=True):
        _hit(session, need, org, units, hits.APPROVAL, now)
    _hit(session, need, "", 5, hits.RUN, now)
    _hit(session, need, orgs[0], 2, hits.RUN, now, code="D02")
    _hit(session, need, orgs[1], 9, hits.REPORT, now)
    stopped = {line.key: (line.hits, line.value_fen) for line in hit_report.totals(session, by="code", actor=APPROVER)}
    assert stopped == {"D08": (1, 50_000), "D02": (1, 20_000)}
    assert hit_report.prevented_fen(session, actor=APPROVER) == 50_000
    late = hit_report.totals(session, by="code", late=True, actor=APPROVER)
    assert [(line.key, line.hits, line.value_fen) for line in late] == [("D08", 1, 90_000)]
    wrong = session.exec(select(OverlapHit).where(OverlapHit.units == 4)).one()
    hits.decide(session, wrong.id, state=hits.HitState.FALSE_ALARM, minutes=7, actor=APPROVER, now=now)
    line = next(line for line in hit_report.totals(session, by="code", actor=APPROVER) if line.key == "D08")
    assert (line.hits, line.value_fen, line.false_alarms, line.cost_fen) == (1, 50_000, 1, 700)


def test_what_was_given_all_the_same_and_what_ended_by_itself_prevented_nothing(
    session: Session, now: datetime
) -> None:
    """5 packs stopped for a need of 5, of which 3 are given afterwards: 200 yuan. A question that went: nothing."""
    need = make.a_need(session, make.a_household(session), gap_units=5)
    _hit(session, need, "", 5, hits.RUN, now)
    gone = _hit(session, make.a_need(session, make.a_household(session)), "", 9, hits.APPROVAL, now, code="D21")
    hits.end_gone(session, gone.id, now=now)
    offer = make.an_offer(session, make.an_organisation(session))
    for units, worth in ((3, 20_000), (2, 0)):
        make.a_ledger_entry(session, need, offer, units=units, period=str(units))
        lines = hit_report.totals(session, by="code", actor=APPROVER)
        assert sum(line.value_fen for line in lines) == hit_report.prevented_fen(session, actor=APPROVER) == worth


def test_explain_lists_rules_that_bind_under_a_programme_only_and_each_giver_they_look_at(
    session: Session, now: datetime
) -> None:
    scene = a_scene(session)
    told = list(explain(session, scene.household.id, "EMERGENCY.CASH", on=now.date()))
    named = {line.split()[1]: line for line in told if line.startswith("rule ")}
    assert {"D01", "D02", "D13", "D14", "D16", "D17", "D18", "D19", "D20"} <= set(named)
    assert "under FAST_SMALL_AID " in named["D14"]
    assert "DISABILITY_LIVING" in named["D18"]
    assert " under " not in named["D20"]
    assert "D06" not in named
    ill = list(explain(session, scene.household.id, "MEDICAL.MAJOR", on=now.date()))
    assert any(line.startswith("no need verdict 0 of 1") for line in ill), "as at approval, papers come first"


def _draft(code: str, now: datetime, **over: Any) -> Draft:
    return Draft(code=code, district_code="", valid_from=now.date(), source="渝民〔2026〕9号", **over)


def in_force(session: Session, wanted: Draft, now: datetime) -> Any:
    row = rules.draft(session, wanted, actor=APPROVER, now=now)
    rules.approve(session, row.id, actor=SECOND, now=now)
    return next((r for r in Book(session, on=now.date()).of("500103") if r.code == wanted.code), None)


def test_two_people_change_the_kinds_programmes_and_exceptions_of_a_rule(session: Session, now: datetime) -> None:
    fewer = in_force(session, _draft("D08", now, categories=frozenset({"LIVING.GOODS"})), now)
    assert (fewer.categories, fewer.days) == ({"LIVING.GOODS"}, 180)
    later = in_force(session, _draft("D08", now, days=90), now)
    assert (later.categories, later.days) == ({"LIVING.GOODS"}, 90), "a later change keeps what it does not touch"
    wider = in_force(session, _draft("D11", now, programmes=frozenset({"DANGEROUS_HOUSE", "TEMPORARY_AID"})), now)
    assert wider.programmes == {"DANGEROUS_HOUSE", "TEMPORARY_AID"}
    added = in_force(session, _draft("D17", now, excepted=frozenset({"KEY_CLASS_CHILD"})), now)
    assert added.excepted == {"KEY_CLASS_CHILD"}
    need = make.a_need(session, make.a_household(session))
    with pytest.raises(BadInput, match="no_exception"):
        overlap.allow(session, need.id, "D12", reason="x", actor=APPROVER, now=now)
    assert in_force(session, _draft("D12", now, may_except=True), now).may_except
    assert overlap.allow(session, need.id, "D12", reason="x", actor=APPROVER, now=now).code == "D12"


def test_the_judge_goes_by_the_changed_groups_and_order(session: Session, now: datetime) -> None:
    """The grant beside the scholarship is refused from then on; and what temporary aid found is no part of what basic
    insurance may still pay."""
    on = now.date()
    term = Asked("h", "EDU.TERM_SUPPORT", 3_000, on, programme="NATIONAL_GRANT")
    had = [Given("h", "EDU.TERM_SUPPORT", 8_000, on, programme="NATIONAL_SCHOLARSHIP")]
    basic = Asked("h", "MEDICAL.MAJOR", 900, on, payer="BASIC_INSURANCE", bill=Bill(1_000, {"TEMPORARY_AID": 400}))
    for asked, past, code, over, before, after in (
        (term, had, "D06", {"apart": (GRANT_PAIR,)}, 3_000, 0),
        (basic, [], "D01", {"order": TEMPORARY_FIRST}, 900, 600),
    ):
        assert judge(asked, past=past, rules=[rule_of(duplicate_rule(code))]).allowed == before
        assert judge(asked, past=past, rules=[in_force(session, _draft(code, now, **over), now)]).allowed == after


@pytest.mark.parametrize(
    ("code", "over", "error"),
    [
        ("D19", {"off": True}, "rule_protects"),
        ("D20", {"off": True}, "rule_protects"),
        ("D20", {"may_except": True}, "rule_protects"),
        ("D19", {"programmes": frozenset({"TEKUN"})}, "rule_protects"),
        ("D08", {"categories": frozenset()}, "codes_outside"),
        ("D08", {"categories": frozenset({"NOTHING"})}, "codes_outside"),
        ("D08", {"programmes": frozenset({"DIBAO"})}, "codes_outside"),
        ("D20", {"categories": frozenset({"LIVING.GOODS"})}, "codes_outside"),
        ("D18", {"programmes": frozenset({"DIBAO"})}, "codes_outside"),
        ("D08", {"by_person": frozenset({"NOTHING"})}, "codes_outside"),
        ("D08", {"by_person": frozenset({"*", "CHILD.WISH"})}, "codes_outside"),
        ("D16", {"by_person": frozenset({"CHILD.WISH"})}, "codes_outside"),
        ("D15", {"by_person": frozenset({"*"})}, "codes_outside"),
        ("D20", {"by_person": frozenset({"*"})}, "codes_outside"),
        ("D06", {"apart": (frozenset({"NATIONAL_GRANT"}),)}, "codes_outside"),
        ("D06", {"apart": (frozenset({"NATIONAL_GRANT", "NOTHING"}),)}, "codes_outside"),
        ("D18", {"apart": (CARE,)}, "codes_outside"),
        ("D18", {"apart": (CARE, CARE)}, "codes_outside"),
        ("D08", {"apart": (GRANT_PAIR,)}, "codes_outside"),
        ("D08", {"order": TEMPORARY_FIRST}, "codes_outside"),
        ("D01", {"order": TEMPORARY_FIRST[1:]}, "codes_outside"),
        ("D01", {"order": (PAYERS[-1], *PAYERS[:-1])}, "codes_outside"),
        ("D08", {}, "nothing_changed"),
    ],
)
def test_a_rule_that_protects_never_rests_and_no_rule_loses_its_shape(
    session: Session, now: datetime, code: str, over: dict[str, Any], error: str
) -> None:
    with pytest.raises(BadInput, match=error):
        rules.draft(session, _draft(code, now, **over), actor=APPROVER, now=now)
