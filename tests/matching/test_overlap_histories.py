"""Random aid histories: whatever comes in whatever order, what the judge lets through never breaks a rule.

A history is grown aid by aid; each is cut to what the judge allows. Afterwards the finished history is checked by plain
sums written here, which know nothing of the judge.
"""

from __future__ import annotations

import os
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from matching.overlap_judge import judge
from matching.overlap_rules import CHARITY, PAYERS, Asked, Bill, Given, Rule
from tests.matching.overlap_cases import RULES

HISTORIES = 100_000 if os.environ.get("TORTURE") else 8_000
START = date(2025, 6, 1)
GOODS = "LIVING.FOOD_PACK"
ILLNESS, BARE = "MEDICAL.CHILD_CHD", "MEDICAL.MAJOR"
"""With papers about the cost, and without."""
CATEGORIES = (
    ILLNESS,
    BARE,
    GOODS,
    "EDU.UNIVERSITY_ENTRY",
    "EDU.TERM_SUPPORT",
    "CARE.HOME_CARE",
    "DISABILITY.AID_DEVICE",
    "HOUSING.REPAIR",
    "JOB.TRAINING",
    "EMERGENCY.CASH",
    "INSURANCE.PREMIUM",
)
SCHOOL = {"EDU.UNIVERSITY_ENTRY", "EDU.TERM_SUPPORT"}
ASSISTANCE = ("MEDICAL_ASSISTANCE_DIBAO", "MEDICAL_ASSISTANCE_ILLNESS")
MONTHLY = ("KEY_CLASS_ELDER", "KEY_CLASS_CHILD", "KEY_CLASS_DISABILITY", "TEKUN", "DISABILITY_LIVING")
PROGRAMMES = {
    GOODS: ("", "", "DIBAO"),
    BARE: ("", *ASSISTANCE),
    "EDU.TERM_SUPPORT": ("", "NATIONAL_SCHOLARSHIP", "NATIONAL_ENDEAVOUR", "NATIONAL_GRANT"),
    "EMERGENCY.CASH": (
        "",
        "FAST_SMALL_AID",
        *MONTHLY,
        "DIBAO",
    ),
}
OTHERS = {"": frozenset[str](), "p1": frozenset({"p2"}), "p2": frozenset({"p1"})}
"""Whom aid is for ► who of the household of two is somebody else; aid that names nobody may be anybody's."""
OF_THE_HOME = {GOODS, "HOUSING.REPAIR", "INSURANCE.PREMIUM"}
"""What counts for the household, whoever of it is named."""
FAST = replace(RULES["D14"], limits={"*": 700})
HOUSE: tuple[Rule, ...] = tuple({**RULES, "D14": FAST}.values())


def _bill(rng: random.Random) -> Bill:
    """Papers show a cost; some payers before charity have paid a part of it."""
    left = cost = rng.randrange(1_000, 4_000_000)
    paid = {}
    for payer in PAYERS[:-1]:
        if rng.random() < 0.4:
            paid[payer] = rng.randrange(left + 1)
            left -= paid[payer]
    return Bill(cost, paid=paid, needs=frozenset({"bill"}))


def _wants(rng: random.Random, on: date, papers: Bill) -> Asked:
    category = rng.choice(CATEGORIES)
    medical = category == ILLNESS
    dear = category.startswith(("EDU", "MEDICAL"))
    units = rng.randrange(1, 2_000_000) if dear else rng.randrange(1, 900)
    programme = rng.choice(PROGRAMMES.get(category, ("",)))
    person = rng.choice(("", "p1") if medical else ("", "p1", "p2"))
    return Asked(
        household_id="h",
        category=category,
        units=units,
        on=on,
        open_units=units,
        giver=rng.choice("ABC"),
        payer="MEDICAL_ASSISTANCE" if programme in ASSISTANCE else CHARITY,
        programme=programme,
        cause=rng.choice(("x", "y")),
        need_id="bill" if medical else rng.choice(("", "n1", "n2")),
        members=2,
        starts_on=on.replace(day=1),
        related=programme != "DIBAO" and rng.random() < 0.05,
        bill=papers if medical else None,
        person=person,
        others=OTHERS[person],
        project=rng.choice(("", "", "P")),
    )


def _history(rng: random.Random) -> Iterator[tuple[Bill, list[Given], list[Asked]]]:
    papers, rows, said_yes, on = _bill(rng), [], [], START
    for _number in range(rng.randrange(3, 12)):
        on += timedelta(days=rng.choice((0, 1, 20, 90, 179, 180, 364)))
        wanted = _wants(rng, on, papers)
        allowed = judge(wanted, past=rows, rules=HOUSE).allowed
        assert 0 <= allowed <= wanted.units
        if allowed or wanted.programme == "DIBAO":
            rows.append(_as_given(wanted, allowed))
            said_yes.append(wanted)
    yield papers, rows, said_yes


def _as_given(wanted: Asked, units: int) -> Given:
    return Given(
        "h",
        wanted.category,
        units,
        wanted.on,
        giver=wanted.giver,
        payer=wanted.payer,
        programme=wanted.programme,
        cause=wanted.cause,
        need_id=wanted.need_id,
        person=wanted.person,
        project=wanted.project,
    )


def _broken(papers: Bill, rows: list[Given], yes: list[Asked]) -> list[str]:
    """The rules that the finished history breaks: for each person by what may be its own, for the household by all."""
    both = list(zip(rows, yes, strict=True))
    views = [[one for one in both if one[0].person in ("", who)] for who in ("p1", "p2")]
    views.append([one for one in both if one[0].category in OF_THE_HOME])
    found = [
        line for view in views for line in _broken_in(papers, [row for row, _ in view], [wanted for _, wanted in view])
    ]
    sums: dict[tuple[object, ...], int] = defaultdict(int)
    for row in rows:
        if row.programme == "FAST_SMALL_AID" and row.need_id:
            sums["D14", row.need_id] += row.units
        if row.category == "INSURANCE.PREMIUM" and row.person:
            sums["D15", row.given_on.year, row.person] += row.units
    return found + [str(key) for key, units in sums.items() if units > {"D14": 700, "D15": 1}[str(key[0])]]


def _broken_in(papers: Bill, rows: list[Given], yes: list[Asked]) -> list[str]:
    """The same by plain sums over all of these rows."""
    found = [line for at, wanted in enumerate(yes) for line in _beside(rows[:at], rows[at], wanted)]
    rows = [row for row in rows if row.programme != "DIBAO"]
    charity = sum(row.units for row in rows if row.category == ILLNESS)
    if charity and sum(papers.paid.values()) + charity > papers.cost:
        found.append("D01 or D02: over 100 % of the cost")
    sums: dict[tuple[object, ...], int] = defaultdict(int)
    for row in rows:
        year = row.given_on.year
        sums["D04", row.category, row.project or row.giver] += row.units if row.category == ILLNESS else 0
        sums["D07", year, row.cause] += row.units if row.category == "EDU.UNIVERSITY_ENTRY" else 0
        sums["D15", year] += row.units if row.category == "INSURANCE.PREMIUM" else 0
        sums["D02", year, row.cause] += row.units if row.category == BARE else 0
    caps = {"D02": 3_000_000, "D04": 3_000_000, "D07": 500_000, "D15": 2}
    found += [str(key) for key, units in sums.items() if units > caps[str(key[0])]]
    found += [code for i, later in enumerate(rows) for earlier in rows[:i] for code in _pair(earlier, later)]
    return found + ["D20" for wanted in yes if wanted.related]


def _beside(before: list[Given], row: Given, wanted: Asked) -> Iterator[str]:
    """What one aid may not be beside all that came before it."""
    if row.programme == "DIBAO" and row.units < wanted.units:
        yield "D19: minimum living money was cut"
    like = [one for one in before if one.category == row.category and one.programme != "DIBAO"]
    hours = [one for one in like if one.given_on >= row.given_on.replace(day=1) and not _same_need(one, row)]
    if row.category == "CARE.HOME_CARE" and hours and sum(one.units for one in hours) + row.units > wanted.units:
        yield "D09"
    classes = set(ASSISTANCE) - {row.programme}
    help_ = [one for one in like if one.programme in classes and one.cause == row.cause]
    if row.programme in ASSISTANCE and help_ and sum(one.units for one in help_) + row.units > wanted.units:
        yield "D16"
    others = [one for one in like if one.giver != row.giver and one.cause == row.cause and not _same_need(one, row)]
    if row.category == BARE and row.payer == CHARITY and any(one.payer == CHARITY for one in others):
        yield "D05"


def _same_need(one: Given, other: Given) -> bool:
    return one.need_id != "" and one.need_id == other.need_id


def _pair(earlier: Given, later: Given) -> Iterator[str]:
    """What two aids of one household may not be to each other."""
    same_need = _same_need(earlier, later)
    same_year = earlier.given_on.year == later.given_on.year
    programmes = {earlier.programme, later.programme}
    if programmes == {"NATIONAL_SCHOLARSHIP", "NATIONAL_ENDEAVOUR"} and same_year and not same_need:
        yield "D06"
    if (earlier.given_on.year, earlier.given_on.month) == (later.given_on.year, later.given_on.month):
        if programmes <= {"KEY_CLASS_ELDER", "KEY_CLASS_CHILD"}:
            yield "D17"
        if programmes == {"TEKUN", "DISABILITY_LIVING"} and not same_need:
            yield "D18"
    days_between = (later.given_on - earlier.given_on).days
    if {earlier.category, later.category} == SCHOOL and earlier.cause == later.cause and days_between < 365:
        yield "D21"
    if earlier.category != later.category or same_need:
        return
    days = {GOODS: 180, "DISABILITY.AID_DEVICE": 1095, "JOB.TRAINING": 365}.get(later.category, 0)
    if (later.given_on - earlier.given_on).days < days:
        yield "a cool-off"
    if (
        later.category == "HOUSING.REPAIR"
        and earlier.cause == later.cause
        and (later.given_on - earlier.given_on).days < 365
    ):
        yield "D11"
    by_right = not programmes.isdisjoint(MONTHLY)
    if later.category == "EMERGENCY.CASH" and same_year and earlier.cause == later.cause and not by_right:
        yield "D13"


def test_no_history_that_the_judge_let_through_breaks_a_rule_or_pays_a_cost_twice() -> None:
    rng, rows_seen, cut = random.Random(11), 0, 0
    for _number in range(HISTORIES):
        for papers, rows, yes in _history(rng):
            assert _broken(papers, rows, yes) == []
            rows_seen += len(rows)
            cut += sum(row.units < wanted.units for row, wanted in zip(rows, yes, strict=True))
    assert rows_seen > 3 * HISTORIES
    assert cut > HISTORIES / 10


@pytest.mark.parametrize("silent", sorted({rule.kind for rule in HOUSE} - {"WARN"}))
def test_without_one_of_the_rules_the_same_histories_break_it(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check can see: leave a kind out (the waterfall with its twin, the cap at the cost) and histories break."""
    gone = {silent, "CAP_100"} if silent == "WATERFALL" else {silent}
    monkeypatch.setattr(f"{__name__}.HOUSE", tuple(rule for rule in HOUSE if rule.kind not in gone))
    rng = random.Random(11)
    assert any(_broken(*made) for _number in range(20_000) for made in _history(rng))


def test_the_order_of_rows_and_rules_changes_nothing() -> None:
    rng = random.Random(5)
    for _number in range(500):
        for papers, rows, _yes in _history(rng):
            wanted = _wants(rng, START + timedelta(days=700), papers)
            first = judge(wanted, past=rows, rules=HOUSE)
            rng.shuffle(rows)
            again = judge(wanted, past=rows, rules=rng.sample(HOUSE, len(HOUSE)))
            assert (again.allowed, [f.code for f in again.findings]) == (
                first.allowed,
                [f.code for f in first.findings],
            )


def test_charity_is_the_last_payer() -> None:
    assert PAYERS[-1] == CHARITY
