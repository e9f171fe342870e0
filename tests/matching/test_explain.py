"""Every code of a reason by hand, in both languages, and the flips: lift what is named, and the need gains."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from matching.checker import check
from matching.compiled import compile_problem
from matching.explain import CODES, reasons, sentences, who_would_lose
from matching.model import Announced, Ban, Candidate, Cap, CoolOff, Earmark, PastAid, Pin, Problem
from matching.plan import Line, Price, Reason
from matching.solve import allocate
from tests.matching.flips import lifted
from tests.matching.oracle import best
from tests.matching.rows import POLICY, TODAY, need, problem, resource
from tests.matching.tiny import KINDS, tiny


def lines_of(amounts: dict[tuple[str, str], int]) -> list[Line]:
    return [Line(*pair, units) for pair, units in sorted(amounts.items())]


def told(of: Problem, *prices: Price) -> list[Reason]:
    """The reasons for the best plan of a problem."""
    found = best(of)
    assert found is not None
    return list(reasons(compile_problem(of), lines_of(found.amounts), prices))


def why(of: Problem, need_id: str, *prices: Price) -> list[tuple[str, str, dict[str, str | int]]]:
    """(resource, code, detail) of the rows of one need that do not speak of a line."""
    rows = [row for row in told(of, *prices) if row.need_id == need_id and row.code != "chosen"]
    return [(row.resource_id, row.code, dict(row.detail)) for row in rows]


def past(units: int, *, days: int, need_id: str | None = None, state: str = "delivered") -> PastAid:
    return PastAid("h0", "bed", units, TODAY - timedelta(days), state, need_id)


def test_a_need_that_the_ledger_fills_is_covered_and_says_by_what():
    of = replace(
        problem([need("a", gap=4)], [resource("r", stock=9)]),
        ledger=(past(1, days=90, need_id="a"), past(3, days=9, need_id="a", state="approved")),
    )
    assert why(of, "a") == [("", "covered", {"delivered": 1, "approved": 3})]


def test_a_need_without_any_fitting_resource_counts_what_each_rule_turned_away():
    coats = [resource("c", stock=1, category="coat"), resource("d", stock=1, category="coat")]
    beds = [resource("w", stock=1, districts=frozenset({"west"})), resource("e", stock=1, valid_to=TODAY)]
    both = resource("f", stock=1, districts=frozenset({"west"}), min_urgency=3)
    of = problem([need("a", gap=4)], [*coats, *beds, both])
    # the first rule that fails counts: f falls to urgency, w to the district, e to its dates
    assert why(of, "a") == [("", "no_resource", {"category": 2, "urgency": 1, "district": 1, "window": 1})]


def test_a_need_that_only_lacks_consent_names_the_organisations():
    rows = [resource("r", stock=9), resource("s", stock=9, org_id="o1")]
    of = problem([need("a", gap=4, consented=frozenset({"o2"}))], rows)
    assert why(of, "a") == [("", "no_consent", {"orgs": "o0;o1", "count": 2})]
    given = problem([need("a", gap=4, consented=frozenset({"o1", "o2"}))], rows)
    assert "s" in {row.resource_id for row in told(given) if row.code == "chosen"}


def test_a_cooling_need_says_from_when_it_can_be_served_again():
    of = replace(
        problem([need("a", gap=4)], [resource("r", stock=9)]),
        ledger=(past(1, days=29), past(1, days=12)),
        cooloffs=(CoolOff("bed", 30),),
    )
    # the later aid counts: twelve days ago and thirty days of waiting leave eighteen
    until = TODAY + timedelta(18)
    assert why(of, "a") == [("", "cool_off", {"until": until.isoformat()})]
    assert why(replace(of, policy=replace(POLICY, as_of=until)), "a") == []


def test_a_banned_pair_says_who_ruled_it_out():
    of = replace(problem([need("a", gap=4)], [resource("r", stock=9)]), bans=(Ban("a", "r"), Ban("*", "r", "recall")))
    assert why(of, "a") == [("", "banned", {"by": "recall;staff", "count": 1})]


def test_a_need_with_one_provider_names_the_one_chosen():
    of = problem([need("a", gap=5, one_provider=True)], [resource("r", stock=2), resource("s", stock=3)])
    assert why(of, "a") == [("r", "provider_chosen", {"provider": "s"})]


def test_an_exclusive_group_names_what_the_household_draws_on():
    rows = [resource("r", stock=2, exclusive_group="g"), resource("s", stock=3, exclusive_group="g")]
    assert why(problem([need("a", gap=5)], rows), "a") == [("r", "exclusive", {"group": "g", "drawn": "s"})]


def test_a_maximum_per_need_is_a_cap():
    of = problem([need("a", gap=4)], [resource("r", stock=9, max_per_need=3)])
    limit = {"kind": "max_per_need", "id": "r", "limit": 3, "left": 0, "short_by": 1}
    assert why(of, "a") == [("r", "cap", limit)]


def test_a_household_cap_counts_the_household_s_other_needs_before_this_one():
    pair = [need("a", gap=4), need("b", gap=4, urgency=3)]
    of = replace(problem(pair, [resource("r", stock=9)]), caps=(Cap("c", frozenset({"bed"}), 3),))
    # b (urgency 3) gets all 3; its last unit still comes before the first of a: two more units reach a
    limit = {"kind": "household_cap", "id": "c", "limit": 3, "left": 0, "short_by": 2}
    assert why(of, "a") == [("r", "cap", limit)]


def test_a_lot_says_how_much_is_short():
    of = problem([need("a", gap=4)], [resource("r", stock=9, lot=3)])
    assert why(of, "a") == [("r", "lot_or_minimum", {"kind": "need", "left": 1, "step": 3, "short_by": 2})]


def test_all_or_nothing_says_how_much_is_short():
    of = problem([need("a", gap=9, all_or_nothing=True)], [resource("r", stock=5), resource("s", stock=3)])
    # s can add 3, so r would have to give 6 of its 5
    assert why(of, "a") == [("r", "lot_or_minimum", {"kind": "resource", "left": 5, "step": 6, "short_by": 1})]


def test_an_earmark_says_how_far_its_budget_would_have_to_grow():
    marks = (Earmark("root", None, 3), Earmark("leaf", "root", 9))
    of = replace(problem([need("a", gap=4)], [resource("r", stock=9, earmark="leaf")]), earmarks=marks)
    detail = {"id": "root", "limit": 3, "left": 0, "short_by": 1, "next_urgency": 1, "next_level": 2}
    assert why(of, "a") == [("r", "earmark", detail)]


def test_an_empty_stock_is_just_that():
    of = problem([need("a", gap=4)], [resource("r", stock=3)])
    # a itself got the last unit of r, so nobody else stands before it
    detail = {"limit": 3, "left": 0, "short_by": 1, "next_urgency": 1, "next_level": 2}
    assert why(of, "a") == [("r", "stock", detail)]


def test_a_need_that_others_outrank_names_the_marginal_cell():
    pair = [need("a", gap=2, urgency=1), need("b", gap=4, urgency=2, household="h1")]
    of = problem(pair, [resource("r", stock=3)])
    # b takes all three: its third unit is in level 2 of urgency 2; its fourth would come before the first of a
    detail = {
        "limit": 3, "left": 0, "short_by": 2, "urgency": 2, "level": 2, "next_urgency": 1, "next_level": 1,
        "need": "b", "price": 5,
    }  # fmt: skip
    assert why(of, "a", Price(1, "resource", "r", "", 5)) == [("r", "priced_out", detail)]
    grown = problem(pair, [resource("r", stock=5)])
    assert any(row.need_id == "a" and row.code == "chosen" for row in told(grown))


@pytest.mark.parametrize(
    ("decided", "terms"),
    [
        ("stability", {"announced": (Announced("b", "r", 1),)}),
        ("cost", {"pairs": (Candidate("a", "r", cost=2), Candidate("b", "r", cost=1))}),
        ("hash", {}),
    ],
)
def test_a_tie_names_the_tier_that_decided(decided, terms):
    pair = [need("a", gap=1), need("b", gap=1, household="h1")]
    of = replace(problem(pair, [resource("r", stock=1)]), **terms)
    found = best(of)
    assert found is not None
    ((winner, _),) = found.amounts
    (loser,) = {"a", "b"} - {winner}
    ((_, code, detail),) = why(of, loser)
    assert (code, detail["by"], detail["need"]) == ("tie_break", decided, winner)


def test_a_plan_that_is_not_the_best_admits_it():
    of = problem([need("a", gap=4)], [resource("r", stock=3)])
    rows = reasons(compile_problem(of), [Line("a", "r", 2)], ())
    assert [(row.code, dict(row.detail)) for row in rows if row.code != "chosen"] == [("within_gap", {"left": 1})]


def test_a_chosen_pair_names_its_price_its_tier_and_the_runner_up():
    rows = [resource("r", stock=9, unit_cost=2), resource("s", stock=9, unit_cost=5)]
    of = replace(problem([need("a", gap=4)], rows), pins=(Pin("a", "r", 1),))
    (row,) = told(of)
    wanted = {"units": 4, "price": 0, "pinned": 1, "tier": "cost", "runner_up": "s", "extra_cost": 3, "extra_price": 0}
    assert (row.code, dict(row.detail)) == ("chosen", wanted)


def test_a_unit_that_others_need_more_is_decided_by_coverage():
    # s could also serve a, more cheaply, but only s may serve b: taking it for a would cost b its first unit
    of = problem(
        [need("a", gap=1), need("b", gap=2, household="h1", consented=frozenset({"o1"}))],
        [resource("r", stock=1, unit_cost=9), resource("s", stock=1, org_id="o1")],
    )
    plan = allocate(of)
    (row,) = [row for row in plan.reasons if row.need_id == "a"]
    assert (row.resource_id, row.detail["runner_up"], row.detail["tier"]) == ("r", "s", "coverage")


EXAMPLES: dict[str, dict[str, str | int]] = {
    "covered": {"delivered": 2, "reserved": 1},
    "no_resource": {"category": 3, "district": 1},
    "no_consent": {"orgs": "o1;o2", "count": 2},
    "cool_off": {"until": "2026-03-19"},
    "banned": {"by": "staff", "count": 1},
    "provider_chosen": {"provider": "r2"},
    "exclusive": {"group": "g1", "drawn": "r2"},
    "cap": {"kind": "max_per_household", "id": "r1", "limit": 3, "left": 0, "short_by": 1},
    "lot_or_minimum": {"kind": "resource", "left": 2, "step": 5, "short_by": 3},
    "earmark": {"id": "e1", "limit": 9, "left": 0, "short_by": 4, "next_urgency": 1, "next_level": 5},
    "stock": {"limit": 0, "left": 0, "short_by": 4, "next_urgency": 1, "next_level": 5},
    "within_gap": {"left": 2},
    "chosen": {
        "units": 3, "price": 12, "pinned": 1, "tier": "cost", "runner_up": "r2", "extra_cost": 4, "extra_price": 0,
    },
}  # fmt: skip
EXAMPLES["priced_out"] = {**EXAMPLES["stock"], "urgency": 2, "level": 3, "need": "n2", "price": 12}
EXAMPLES["tie_break"] = {**EXAMPLES["priced_out"], "by": "hash"}


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_one_plain_sentence_in_both_languages(code):
    row = Reason("n1", "r1", code, EXAMPLES[code])
    zh, en = sentences(row), sentences(row, "en")
    assert zh.endswith("。")
    assert en.endswith(".")
    assert en.isascii()
    assert not {"{", "}"} & set(zh + en)
    for name, fact in EXAMPLES[code].items():
        if name in ("until", "count", "provider", "drawn", "short_by", "level", "units"):
            assert str(fact) in zh, (name, zh)
            assert str(fact) in en, (name, en)


def test_a_limit_that_still_has_room_stands_after_the_one_that_holds_the_need_back_now():
    pair = [need("a", gap=4, urgency=1), need("b", gap=4, urgency=3), need("c", gap=3, urgency=2, household="h1")]
    of = replace(problem(pair, [resource("r", stock=2)]), caps=(Cap("c", frozenset({"bed"}), 4, "h0"),))
    # b takes both beds; before a come two more of b and three of c, and then the household's cap of 4 is too low
    codes = [(code, detail["left"], detail["short_by"]) for _, code, detail in why(of, "a")]
    assert codes == [("priced_out", 0, 8), ("cap", 2, 6)]
    later = Reason("a", "r", "cap", {"kind": "household_cap", "id": "c", "limit": 4, "left": 2, "short_by": 6})
    assert sentences(later, "en").startswith(
        "After that another limit comes: the household cap c is 4 units, with 2 left."
    )


def test_the_sentence_of_a_priced_out_need_names_both_cells():
    row = Reason("n1", "r1", "priced_out", EXAMPLES["priced_out"])
    assert sentences(row, "en") == (
        "The last unit of r1 went to urgent (urgency 2), level 3; this need's next unit ranks ordinary (urgency 1), "
        "level 5. It would take 4 more to reach this need."
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_need_that_is_not_filled_has_a_reason_and_no_other_need_has(kind):
    for seed in range(150):
        of = tiny(seed, kind=kind)
        found = best(of)
        if found is None:
            continue
        compiled = compile_problem(of)
        rows = reasons(compiled, lines_of(found.amounts), ())
        given = Counter(row.need_id for row in rows if row.code != "chosen")
        got = _received(of, found.amounts)
        wanted = {n.need_id for i, n in enumerate(compiled.problem.needs) if n.gap and got[n.need_id] < n.gap}
        full = {compiled.need_ids[i] for i in range(len(compiled.need_ids)) if compiled.gap[i] and not compiled.open[i]}
        assert set(given) == wanted | full, seed
        assert {(r.need_id, r.resource_id) for r in rows if r.code == "chosen"} == set(found.amounts)


def _received(of: Problem, amounts: dict[tuple[str, str], int]) -> Counter[str]:
    """Units that count, past aid included."""
    compiled = compile_problem(of)
    got = Counter(dict(zip(compiled.need_ids, compiled.past.tolist(), strict=True)))
    whole = {compiled.need_ids[i] for i in compiled.pair_need[compiled.pair_used >= 0].tolist()}
    still_open = dict(zip(compiled.need_ids, compiled.open.tolist(), strict=True))
    for (need_id, _), units in amounts.items():
        got[need_id] += still_open[need_id] if need_id in whole else units
    return got


def _flips(kind: str, seeds: range) -> tuple[Counter[tuple[bool, bool]], list[object]]:
    """How often lifting what the reasons name lets the need gain: counts by (gained, priced out alone)."""
    tally: Counter[tuple[bool, bool]] = Counter()
    failed: list[object] = []
    for seed in seeds:
        of = tiny(seed, kind=kind)
        found = best(of)
        if found is None:
            continue
        got = _received(of, found.amounts)
        by_need: dict[str, list[Reason]] = {}
        for row in reasons(compile_problem(of), lines_of(found.amounts), ()):
            if row.code != "chosen":
                by_need.setdefault(row.need_id, []).append(row)
        for need_id, rows in by_need.items():
            other = lifted(of, need_id=need_id, rows=rows)
            after = best(other) if other is not None and _small(other) else None
            if after is not None and other is not None:
                gained = _received(other, after.amounts)[need_id] > got[need_id]
                tally[gained, {row.code for row in rows} == {"priced_out"}] += 1
                if not gained:
                    failed.append((seed, need_id, rows))
    return tally, failed


def _small(of: Problem) -> bool:
    """Whether the oracle can enumerate it at once."""
    return len(of.needs) * len(of.resources) <= 24


def test_lifting_what_a_pure_reason_names_lets_the_need_gain():
    tally, failed = _flips("pure", range(400))
    assert tally[True, True] > 25
    assert tally[False, True] == 0, failed
    share = (tally[True, True] + tally[True, False]) / tally.total()
    assert share >= 0.99, failed


def test_lifting_what_a_hard_reason_names_nearly_always_lets_the_need_gain():
    tally, failed = _flips("hard", range(400))
    share = (tally[True, True] + tally[True, False]) / tally.total()
    assert tally.total() > 100
    assert share >= 0.95, failed


def test_who_would_lose_follows_the_unit_to_the_need_at_the_end():
    # c could only take r; giving it one makes a move to s, where b loses its last unit (urgency 1, level 2)
    of = problem(
        [
            need("a", gap=2, urgency=3, household="h1"),
            need("b", gap=2, urgency=1, household="h2", consented=frozenset({"o1"})),
            need("c", gap=2, urgency=0, consented=frozenset({"o0"})),
        ],
        [resource("r", stock=2), resource("s", stock=2, org_id="o1", unit_cost=3)],
    )
    found = best(of)
    assert found is not None
    assert found.amounts == {("a", "r"): 2, ("b", "s"): 2}
    chain = who_would_lose(compile_problem(of), lines_of(found.amounts), need_id="c", resource_id="r")
    assert chain is not None
    assert [(m.need_id, m.resource_id, m.units) for m in chain.moves] == [
        ("c", "r", 1),
        ("a", "r", -1),
        ("a", "s", 1),
        ("b", "s", -1),
    ]
    assert (chain.loser, chain.rank, chain.cost) == ("b", 3, 0)


def test_nobody_loses_where_there_is_a_unit_to_spare():
    of = problem([need("a", gap=4)], [resource("r", stock=9)])
    chain = who_would_lose(compile_problem(of), [Line("a", "r", 3)], need_id="a", resource_id="r")
    assert chain is not None
    assert (len(chain.moves), chain.loser) == (1, "")


def test_a_full_or_refused_need_has_no_chain():
    of = problem([need("a", gap=4), need("b", gap=1, category="coat")], [resource("r", stock=9)])
    compiled = compile_problem(of)
    assert who_would_lose(compiled, [Line("a", "r", 4)], need_id="a", resource_id="r") is None
    assert who_would_lose(compiled, [Line("a", "r", 4)], need_id="b", resource_id="r") is None


def test_forcing_the_unit_costs_exactly_what_the_chain_says():
    checked = 0
    for seed in range(250):
        of = replace(tiny(seed), caps=(), pins=())
        of = replace(of, resources=tuple(replace(r, max_per_household=None) for r in of.resources))
        found = best(of)
        assert found is not None
        compiled, ranks = compile_problem(of), of.policy.ranks()
        stands = {row.need_id: row for row in told(of) if "next_level" in row.detail}
        for need_id, row in stands.items():
            pair = (need_id, row.resource_id)
            chain = who_would_lose(compiled, lines_of(found.amounts), need_id=need_id, resource_id=row.resource_id)
            if chain is None:
                continue
            forced = replace(
                of, pins=(Pin(*pair, found.amounts.get(pair, 0) + 1), *_keep(found.amounts, need_id, pair))
            )
            after = best(forced)
            assert after is not None
            gain = ranks[int(row.detail["next_urgency"]), int(row.detail["next_level"])]
            assert after.objective[1] == found.objective[1] + gain - chain.rank, (seed, need_id)
            checked += 1
    assert checked > 100


def _keep(amounts: dict[tuple[str, str], int], need_id: str, pair: tuple[str, str]) -> list[Pin]:
    """Pins that keep what the need has from other resources, so that it truly gets one more."""
    return [Pin(*other, units) for other, units in amounts.items() if other[0] == need_id and other != pair]


@pytest.mark.parametrize(
    "of",
    [
        problem([], []),
        problem([], [resource("r", stock=9)]),
        problem([need("a", gap=4)], []),
        problem([need("a", gap=0)], [resource("r", stock=0)]),
        problem([need(f"n{i}", gap=10**12, household=f"h{i}") for i in range(9)], [resource("r", stock=10**12)]),
    ],
)
def test_odd_problems_have_sound_plans_with_reasons(of):
    plan = allocate(of)
    assert check(of, plan) == ()
    open_ones = {n.need_id for n in of.needs} - {line.need_id for line in plan.lines}
    assert {row.need_id for row in plan.reasons} >= {n for n in open_ones if n != "a" or of.needs[0].gap}
