"""Rules are text that is checked and made into SQL; they are tried on the past and switched on by a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from marketplace.actors import Actor, Role
from marketplace.errors import BadInput, NotAllowed, WrongState
from marketplace.reference.facts import fact_kinds
from marketplace.signals import answering, declaring, rules, sweeping, trying
from marketplace.signals.compiling import compile_rule
from marketplace.signals.language import RuleFault, read_rule
from marketplace.signals.models import Alert, Rule, RuleState
from marketplace.signals.parts import evidence_kinds, hears_silence
from marketplace.signals.rules import RuleText
from marketplace.signals.scene import Scene
from tests.marketplace.signal_scene import CLERK, SECOND, a_home, a_number, at_work, into, told

TODAY = date(2026, 11, 23)
Met = list[tuple[str, str | None]]


def met(session: Session, text: str, *, per: str = "household", on: date = TODAY, **thresholds: float) -> Met:
    """Who meets a rule of this text."""
    tree = read_rule(text, thresholds)
    scene = Scene(on, per=per, fresh=sweeping.fresh_days(session))
    return sorted((row[0], row[1]) for row in session.execute(compile_rule(tree, scene)))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("__import__('os').system('x')", "not_a_condition"),
        ("total('OWN_COST').__class__ > 1", "not_a_number"),
        ("[1 for x in y]", "not_a_condition"),
        ("lambda: 1", "not_a_condition"),
        ("total('OWN_COST') > 1; has('DEATH')", "rule_unreadable"),
        ("total('OWN_COST', months=0) > 1", "bad_window"),
        ("total('OWN_COST', months=12, days=3) > 1", "bad_window"),
        ("total('OWN_COST', limit=12) > 1", "bad_window"),
        ("total('NOTHING') > 1", "unknown_kind"),
        ("total(kind) > 1", "not_a_word"),
        ("in_category('RICH')", "unknown_category"),
        ("total('OWN_COST') > y", "unknown_threshold"),
        ("total('OWN_COST') > 1 > 2", "not_a_condition"),
        ("total('OWN_COST') != 1", "not_a_condition"),
        ("total('OWN_COST') / 2 > 1", "not_a_number"),
        ("total('OWN_COST') > 'x'", "not_a_number"),
        ("total('OWN_COST') > True", "not_a_number"),
        ("total('OWN_COST') > 9e99", "not_a_number"),
        ("has('DEATH') and 1", "not_a_condition"),
        ("has('DEATH', *a)", "unknown_kind"),
        ("is_rural(**a)", "not_a_condition"),
        ("not " * 20 + "has('DEATH')", "rule_too_deep"),
        ("(" * 300 + "has('DEATH')" + ")" * 300, "rule_too_long"),
        ("", "rule_unreadable"),
        ("\x00", "rule_unreadable"),
        (f"{'+' * 500}1 > 2", "not_a_number"),
    ],
)
def test_whatever_is_not_of_the_language_is_refused_by_name(text: str, code: str) -> None:
    with pytest.raises(RuleFault) as fault:
        read_rule(text, {})
    assert fault.value.code == code


def test_a_threshold_that_nothing_uses_is_a_fault() -> None:
    with pytest.raises(RuleFault) as fault:
        read_rule("has('DEATH')", {"x": 1})
    assert (fault.value.code, fault.value.word) == ("threshold_unused", "x")


def test_every_rule_of_the_table_reads_and_runs_on_both_engines(session: Session) -> None:
    told_rules = rules.told_rules()
    assert [told.code for told in told_rules] == [f"W{n:02d}" for n in range(1, 31)]
    touched = select(sweeping._touched(session, _a_sweep()).c.household_id)
    for one in told_rules:
        rules.check_text(one)
        if one.per != "feed":
            for only in (None, touched):
                scene = Scene(TODAY, per=one.per, fresh={"UTILITIES": 1}, only=only)
                assert session.execute(compile_rule(rules.tree_of(one), scene)).all() == [], one.code


def _a_sweep() -> Any:
    from marketplace.signals.models import Sweep

    moment = datetime.fromisoformat("2026-11-22T00:00:00+00:00")
    return Sweep(id="s", on=TODAY, last_fact=0, began_at=moment, ended_at=moment)


def test_costs_are_summed_over_the_household_and_only_within_the_window(session: Session, now: datetime) -> None:
    one, two, other = a_number(), a_number(date(1990, 1, 1)), a_number()
    home = a_home(session, numbers=(one, two), now=now)
    alone = a_home(session, numbers=(other,), now=now)
    rows = [
        (one, "OWN_COST", date(2026, 11, 1), 6000),
        (two, "OWN_COST", date(2025, 11, 24), 4000),
        (other, "OWN_COST", date(2026, 11, 1), 10_000),
    ]
    told(session, "MEDICAL_BILLS", *rows, as_of=TODAY, now=now)
    text = 'total("OWN_COST", months=12) > yuan(x)'
    assert met(session, text, x=9_999.99) == sorted([(home.id, None), (alone.id, None)])
    assert met(session, text, x=10_000) == []
    assert met(session, text, x=6_000, on=TODAY + timedelta(days=1)) == [(alone.id, None)], "the older bill has left"
    assert [m[0] for m in met(session, text, per="person", x=5_999)] == sorted([home.id, alone.id])


def test_what_was_told_later_was_not_known_before(session: Session, now: datetime) -> None:
    number = a_number()
    a_home(session, numbers=(number,), now=now)
    told(session, "CIVIL_RECORDS", (number, "DEATH", date(2026, 9, 1), None), as_of=date(2026, 10, 31), now=now)
    text = 'has("DEATH", months=3)'
    assert [len(met(session, text, on=on)) for on in (date(2026, 10, 30), date(2026, 10, 31), TODAY)] == [0, 1, 1]
    assert met(session, text, on=date(2026, 12, 2)) == []


def test_what_a_department_tells_late_is_seen_for_as_long_and_the_history_of_a_new_feed_is_not(
    session: Session, now: datetime
) -> None:
    late, old, history = numbers = [a_number() for _n in range(3)]
    homes = [a_home(session, numbers=(number,), now=now) for number in numbers]
    day, begun = TODAY - timedelta(days=97), TODAY - timedelta(days=50)
    for kind, feed, amount in (("DISASTER", "DISASTERS", None), ("OWN_COST_STAY", "MEDICAL_BILLS", 30_000)):
        told(session, feed, (history, kind, day, amount), as_of=begun, now=now)
        rows = ((late, kind, day, amount), (old, kind, day - timedelta(days=100), amount))
        told(session, feed, *rows, as_of=TODAY, now=now)
        text = f'has("{kind}", months=3)' if amount is None else f'largest("{kind}", months=3) > yuan(6000)'
        assert [home for home, _none in met(session, text)] == [homes[0].id]
        assert met(session, text, on=TODAY - timedelta(days=1)) == []
        assert met(session, text, on=TODAY + timedelta(days=90)) == []


def test_the_unknown_meets_nothing_and_its_contrary_does(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    told(session, "SPENDING", (number, "NECESSARY_SPENDING", TODAY, 30_000), as_of=TODAY, now=now)
    ratio = 'latest("NECESSARY_SPENDING") > share * latest("INCOME")'
    assert met(session, ratio, share=0.7) == []
    assert met(session, f"not {ratio}", share=0.7) == [(home.id, None)]
    told(session, "SPENDING", (number, "INCOME", TODAY, 40_000), as_of=TODAY, now=now)
    assert met(session, ratio, share=0.7) == [(home.id, None)]
    assert met(session, ratio, share=0.75) == []


def test_latest_counts_every_account_a_persons_newest_state_and_a_households_income_once(
    session: Session, now: datetime
) -> None:
    one, two = a_number(), a_number(date(1990, 1, 1))
    home = a_home(session, numbers=(one, two), now=now)
    told(session, "ASSETS", (one, "MONEY", date(2026, 1, 1), 900_000), as_of=date(2026, 1, 2), now=now, ref="account")
    told(session, "ASSETS", (one, "MONEY", date(2026, 6, 1), 6_900), as_of=TODAY, now=now, ref="account")
    rows = [(one, "MONEY", date(2026, 6, 2), 100), (two, "MONEY", date(2026, 5, 1), 3_000)]
    told(session, "ASSETS", *rows, as_of=TODAY, now=now)
    assert met(session, 'latest("MONEY") == yuan(10000)') == [(home.id, None)], "the small account hides no large one"
    assert met(session, 'latest("MONEY") > 6 * standard() * people()') == [(home.id, None)]
    assert met(session, 'latest("MONEY") > 7 * standard() * people()') == []
    assert met(session, 'people_with("MONEY") == 2 and count("MONEY") == 3') == [(home.id, None)]
    spouses = [(number, "INCOME", date(2026, 3, 1), 24_000) for number in (one, two)]
    told(session, "SPENDING", *spouses, as_of=TODAY, now=now)
    assert met(session, 'latest("INCOME") == yuan(24000)') == [(home.id, None)], "one household has one income"
    alone = [(one, "LIVES_ALONE", date(2026, 3, 1), 1), (one, "LIVES_ALONE", date(2026, 5, 1), 0)]
    told(session, "POPULATION", *alone, as_of=TODAY, now=now)
    assert met(session, 'latest("LIVES_ALONE") >= 1') == []
    told_now = declaring.told_of_kinds(session, home.id, ("MONEY", "INCOME", "LIVES_ALONE"))
    assert {kind: amount for kind, (amount, _day) in told_now.items()} == {
        "MONEY": 1_000_000,
        "INCOME": 2_400_000,
        "LIVES_ALONE": 0,
    }


def test_the_dead_meet_no_rule_but_those_of_death_and_count_among_nobody(session: Session, now: datetime) -> None:
    dead, widow, other = a_number(date(1940, 1, 1)), a_number(date(1941, 1, 1)), a_number()
    couple = a_home(session, numbers=(dead, widow), now=now)
    alone = a_home(session, numbers=(other,), now=now)
    for number in (dead, other):
        told(session, "CIVIL_RECORDS", (number, "DEATH", date(2026, 10, 1), None), as_of=TODAY, now=now)
        told(session, "AID_PAID", (number, "PAYMENT", date(2026, 11, 1), 800), as_of=TODAY, now=now)
        told(session, "DISASTERS", (number, "DISASTER", date(2026, 9, 20), None), as_of=TODAY, now=now)
    assert met(session, 'has("DISASTER", months=3)') == [(couple.id, None)], "nobody lives in the other household"
    assert met(session, 'has("DISASTER", months=3)', per="person") == []
    assert met(session, "people() == 1") == [(couple.id, None)]
    assert met(session, 'has("DEATH", months=3) and people() >= 1') == [(couple.id, None)]
    paid = 'days_since("PAYMENT") < days_since("DEATH")'
    assert {home for home, _person in met(session, paid, per="person")} == {couple.id, alone.id}
    assert met(session, 'has("DISASTER", months=3)', on=date(2026, 9, 30)) == []


def test_silence_counts_only_as_far_as_the_feed_told(session: Session, now: datetime) -> None:
    number = a_number()
    home = a_home(session, numbers=(number,), now=now)
    told(session, "POPULATION", (number, "LIVES_ALONE", date(2026, 1, 1), 1), as_of=TODAY, now=now)
    told(session, "UTILITIES", (number, "USE", date(2026, 11, 18), None), as_of=date(2026, 11, 20), now=now)
    quiet = rules.told_rules()[16]
    assert (quiet.code, met(session, quiet.text, per="person", **quiet.thresholds)) == ("W17", [])
    told(session, "UTILITIES", as_of=date(2026, 11, 21), now=now)
    assert [home_id for home_id, _ in met(session, quiet.text, per="person", **quiet.thresholds)] == [home.id]


def test_a_pension_paid_before_death_is_no_payment_after_it(session: Session, now: datetime) -> None:
    number, other = a_number(), a_number()
    a_home(session, numbers=(number,), now=now)
    late = a_home(session, numbers=(other,), now=now)
    for who, paid in ((number, date(2026, 10, 9)), (other, date(2026, 10, 11))):
        told(session, "CIVIL_RECORDS", (who, "DEATH", date(2026, 10, 10), None), as_of=TODAY, now=now)
        told(session, "AID_PAID", (who, "PAYMENT", paid, 700), as_of=TODAY, now=now)
    text = 'days_since("PAYMENT") < days_since("DEATH")'
    assert [home for home, _ in met(session, text, per="person")] == [late.id]


def test_which_rules_a_delivery_without_a_word_of_the_household_can_meet() -> None:
    trees = {told.code: rules.tree_of(told) for told in rules.told_rules() if told.per != "feed"}
    moving = {code for code, tree in trees.items() if hears_silence(tree)}
    assert moving == {"W17"}
    assert evidence_kinds(trees["W21"]) == ("VEHICLE",)
    assert evidence_kinds(trees["W16"]) == ()


def test_a_rule_is_tried_then_switched_on_by_a_second_person_and_replaces_the_former(
    session: Session, now: datetime
) -> None:
    [first] = at_work(session, "W05", now=now)
    text = RuleText("W05", "NEED", "household", "RED", 'total("OWN_COST", months=12) > yuan(x)', {"x": 40_000})
    second = rules.draft(session, text, actor=CLERK, now=now)
    assert (second.version, second.state) == (2, RuleState.DRAFT)
    with pytest.raises(WrongState):
        rules.activate(session, second.id, actor=SECOND, now=now)
    trying.try_rule(session, second.id, from_on=TODAY, to_on=TODAY, actor=CLERK, now=now)
    for same in (replace(SECOND, id=CLERK.id), replace(SECOND, id="x", on_behalf_of=CLERK.id)):
        with pytest.raises(NotAllowed):
            rules.activate(session, second.id, actor=same, now=now)
    with pytest.raises(NotAllowed):
        rules.activate(session, second.id, actor=Actor(id="w", role=Role.WORKER), now=now)
    rules.activate(session, second.id, actor=SECOND, now=now)
    assert (first.state, second.state) == (RuleState.RETIRED, RuleState.ACTIVE)
    assert [rule.id for rule in rules.active_rules(session)] == [second.id]


def test_a_text_that_is_no_rule_is_not_even_drafted(session: Session, now: datetime) -> None:
    for told_rule in (
        RuleText("W05", "NEED", "household", "RED", "total('X') > 1"),
        RuleText("W05", "NEED", "feed", "RED", "has('DEATH')"),
        RuleText("W05", "CUT", "household", "RED", "has('DEATH')"),
        RuleText("W05", "NEED", "person", "RED", "anyone(has('DEATH'))"),
        RuleText("W05", "NEED", "household", "RED", "anyone(has('DEATH') and is_rural())"),
    ):
        with pytest.raises(BadInput):
            rules.draft(session, told_rule, actor=CLERK, now=now)


def test_a_trial_counts_households_once_says_on_whom_and_how_many_were_right(session: Session, now: datetime) -> None:
    numbers = [a_number() for _ in range(4)]
    homes = [a_home(session, numbers=(n,), urban=place > 1, now=now) for place, n in enumerate(numbers)]
    into(session, homes[0], "REJECTED", from_on=date(2026, 1, 1), now=now)
    rows = [(n, "OWN_COST", date(2026, 6, 10 + place), 60_000) for place, n in enumerate(numbers[:3])]
    told(session, "MEDICAL_BILLS", *rows, as_of=date(2026, 7, 15), now=now)
    into(session, homes[0], "IN_REGISTER", from_on=date(2026, 9, 1), now=now)
    [rule] = at_work(session, "W05", now=now)
    sweeping.sweep(session, actor=CLERK, now=now)
    [alert] = answering.open_alerts(session, homes[1].id)
    answering.close(session, alert.id, outcome="no_need", actor=CLERK, now=now)
    text = RuleText("W05", "NEED", "household", "RED", rule.text, rule.thresholds)
    again = rules.draft(session, text, actor=CLERK, now=now)
    trial = trying.try_rule(session, again.id, from_on=date(2026, 5, 1), to_on=TODAY, actor=CLERK, now=now)
    assert (trial.alerts, trial.judged, trial.right) == (3, 2, 1)
    assert trial.groups["place"] == {"rural": 2, "urban": 1}
    assert trial.groups["category"] == {"REJECTED": 1}
    assert trial.groups["district"] == {"500103": 3}


def test_a_trial_knows_what_was_known_then_and_judges_by_alerts_of_its_own(session: Session, now: datetime) -> None:
    ill, old = a_number(), a_number(date(1950, 3, 7))
    homes = [a_home(session, numbers=(number,), now=now) for number in (ill, old)]
    june, long_ago = date(2026, 6, 10), now - timedelta(days=160)
    told(session, "MEDICAL_BILLS", (ill, "OWN_COST", june, 60_000), as_of=june, now=long_ago, ref="bill")
    alone = fact_kinds()["LIVES_ALONE"].feed
    told(session, alone, (old, "LIVES_ALONE", june, 1), as_of=june, now=long_ago)
    told(
        session, "UTILITIES", (old, "USE", june, None), as_of=june + timedelta(days=9), now=long_ago + timedelta(days=9)
    )
    told(session, "MEDICAL_BILLS", (ill, "OWN_COST", june, 600), as_of=TODAY, now=now, ref="bill")
    at_work(session, "W24", now=now)
    into(session, homes[0], "DIBIAN_MEMBER", from_on=date(2026, 1, 1), now=now)
    told(session, fact_kinds()["COMPANY"].feed, (ill, "COMPANY", june, 1), as_of=TODAY, now=now)
    sweeping.sweep(session, actor=CLERK, now=now)
    [other] = answering.open_alerts(session, homes[0].id)
    answering.close(session, other.id, outcome="helped", actor=CLERK, now=now)
    found = {}
    for rule in session.exec(select(Rule).where(col(Rule.code).in_(("W05", "W17", "W19")))):
        trial = trying.try_rule(session, rule.id, from_on=june, to_on=date(2026, 9, 30), actor=CLERK, now=now)
        found[rule.code] = (trial.alerts > 0, trial.judged)
    assert found == {"W05": (True, 0), "W17": (True, 0), "W19": (True, 0)}


@pytest.mark.parametrize("came", [True, False])
def test_a_late_feed_was_one_if_it_came_later_and_not_if_somebody_called_it_wrong(
    session: Session, now: datetime, came: bool
) -> None:
    [rule] = at_work(session, "W19", now=now - timedelta(days=20))
    told(session, "UTILITIES", as_of=TODAY - timedelta(days=30), now=now - timedelta(days=30))
    sweeping.sweep(session, actor=CLERK, now=now - timedelta(days=20))
    alert = session.exec(select(Alert)).one()
    if came:
        told(session, "UTILITIES", as_of=TODAY, now=now)
    else:
        answering.close(session, alert.id, outcome="wrong_data", actor=CLERK, now=now)
    again = rules.draft(session, RuleText("W19", "DATA", "feed", "YELLOW", rule.text), actor=CLERK, now=now)
    to_on = TODAY - timedelta(days=20)
    trial = trying.try_rule(session, again.id, from_on=to_on, to_on=to_on, actor=CLERK, now=now)
    assert (trial.alerts, trial.judged, trial.right) == (1, 1, int(came))


def test_a_check_was_right_where_it_confirmed_something_not_where_aid_began(session: Session, now: datetime) -> None:
    june, owners = date(2026, 6, 10), [a_number() for _ in range(4)]
    homes = [a_home(session, numbers=(number,), now=now) for number in owners]
    for home in homes:
        into(session, home, "DIBIAN_MEMBER", from_on=date(2026, 1, 1), now=now)
    rows = [(number, "COMPANY", june, 1) for number in owners]
    told(session, fact_kinds()["COMPANY"].feed, *rows, as_of=june, now=now - timedelta(days=160))
    [rule] = at_work(session, "W24", now=now)
    sweeping.sweep(session, actor=CLERK, now=now)
    for home, outcome in zip(homes, ("confirmed", "no_need", "wrong_data"), strict=False):
        [alert] = answering.open_alerts(session, home.id)
        answering.close(session, alert.id, outcome=outcome, actor=CLERK, now=now)
    into(session, homes[3], "IN_REGISTER", from_on=date(2026, 7, 1), now=now)
    text = RuleText("W24", "ELIGIBILITY", "household", "YELLOW", rule.text, rule.thresholds)
    again = rules.draft(session, text, actor=CLERK, now=now)
    trial = trying.try_rule(session, again.id, from_on=june, to_on=june, actor=CLERK, now=now)
    assert (trial.alerts, trial.judged, trial.right) == (4, 3, 1)
