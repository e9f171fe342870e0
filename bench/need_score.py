"""Who is poor, told from what is seen without asking for income: a readable points table beside its rivals.

What enters: `--data DIR` with the synthetic Austrian EU-SILC of the R package laeken (GPL-2+; not part of this
project). What leaves: a printed table and `bench/results/need_score.json`: the share of the poorest fifth of people
that each way finds among the fifth it ranks highest. Each region is judged by what was learned from the other eight.
No column of money is looked at, neither incomes nor benefits: the truth is made of them. The published figures of
poverty are worked out first, so that the truth is the known one. Errors are told by group for the score as it runs in
the house: without the facts that nobody tells it, and once more where nobody tells of work either.

    PYTHONPATH=. python bench/need_score.py --data DIR
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from bench.measure import Row, machine
from marketplace.portraits.scoring import NEVER_TOLD, OF_WORK
from marketplace.reference.need_points import FACTS, points

RESULT = Path(__file__).parent / "results" / "need_score.json"
PUBLISHED = {"threshold": 10859.24, "arpr": 14.44422, "gini": 26.48962, "qsr": 3.971415, "rmpg": 18.9286}
"""laeken 0.5.2: 60 % of the median, share below it, Gini, ratio of fifths, median gap of the poor (%)."""
WORKS, STUDENT, RETIRED, UNFIT, HOME = {"1", "2"}, "4", "5", "6", "7"
FIFTH, CHILD, OLD = 0.2, 18, 65
LEARNED, HOUSE, UNTOLD = "points learned elsewhere", "as the house knows it", "where nobody tells of work"
KNOWN = {LEARNED: (), HOUSE: NEVER_TOLD, UNTOLD: (*NEVER_TOLD, *OF_WORK)}
"""Way ► facts that are unknown to it and therefore count as nothing."""
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Survey:
    """One row a household: its facts, its raw counts, its income, its weight in people and its region."""

    def __init__(self, path: Path) -> None:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            self.people = list(csv.DictReader(file))
        homes = defaultdict(list)
        for person in self.people:
            homes[person["db030"]].append(person)
        self.homes = list(homes.values())
        self.income = np.array([float(home[0]["eqIncome"]) for home in self.homes])
        self.weight = np.array([sum(float(p["rb050"]) for p in home) for home in self.homes])
        self.region = np.array([home[0]["db040"] for home in self.homes])
        self.facts = np.array([[fact in facts_of(home) for fact in FACTS] for home in self.homes], dtype=float)
        self.raw = np.array([raw_of(home) for home in self.homes], dtype=float)


def facts_of(home: list[dict[str, str]]) -> set[str]:
    """Which facts of the points table hold for a household."""
    ages = [int(person["age"]) for person in home]
    adults = [person for person in home if int(person["age"]) >= CHILD]
    children = len(home) - len(adults)
    activity = [person["pl030"] for person in adults]
    able = [a for a, person in zip(activity, adults, strict=True) if int(person["age"]) < OLD and a != RETIRED]
    working = sum(a in WORKS for a in activity)
    told = {
        "nobody_works": working == 0 and bool(able),
        "one_of_two_works": working == 1 and len(able) > 1,
        "unfit_for_work": UNFIT in activity,
        "carer_at_home": HOME in activity,
        "single_parent": len(adults) == 1 and children > 0,
        "three_children": children >= 3,
        "child": children > 0,
        "alone": len(home) == 1,
        "alone_and_old": len(home) == 1 and ages[0] >= OLD,
        "woman_alone": len(home) == 1 and home[0]["rb090"] == "female",
        "young_head": max(ages) < 30,
        "from_elsewhere": any(person["pb220a"] in {"EU", "Other"} for person in home),
        "student": STUDENT in activity and working == 0,
    }
    return {fact for fact, holds in told.items() if holds}


def raw_of(home: list[dict[str, str]]) -> list[float]:
    """Counts and ages, for the rival that may use more than yes and no."""
    ages = [int(person["age"]) for person in home]
    activity = [person["pl030"] for person in home]
    return [
        len(home),
        min(ages),
        max(ages),
        float(np.mean(ages)),
        sum(age < CHILD for age in ages),
        sum(age >= OLD for age in ages),
        *(activity.count(code) for code in "1234567"),
        sum(person["pb220a"] == "Other" for person in home),
        sum(person["pb220a"] == "EU" for person in home),
        sum(person["rb090"] == "female" for person in home),
    ]


def quantile(values: Floats, weight: Floats, share: float) -> float:
    """The weighted quantile: the first value at which the share is reached."""
    order = np.argsort(values)
    reached = np.cumsum(weight[order]) / weight.sum()
    return float(values[order][np.searchsorted(reached, share)])


def poverty(survey: Survey) -> Row:
    """The published figures, worked out anew over people."""
    income = np.array([float(person["eqIncome"]) for person in survey.people])
    weight = np.array([float(person["rb050"]) for person in survey.people])
    line = 0.6 * quantile(income, weight, 0.5)
    poor = income < line
    order = np.argsort(income)
    x, w = income[order], weight[order]
    reached = np.cumsum(w)
    gini = 100 * ((2 * np.sum(w * x * reached) - np.sum(w * w * x)) / (w.sum() * np.sum(w * x)) - 1)
    low, high = quantile(income, weight, 0.2), quantile(income, weight, 0.8)
    first, last = income <= low, income > high
    qsr = np.average(income[last], weights=weight[last]) / np.average(income[first], weights=weight[first])
    gap = 100 * (line - quantile(income[poor], weight[poor], 0.5)) / line
    arpr = 100 * weight[poor].sum() / weight.sum()
    told = {"threshold": line, "arpr": arpr, "gini": gini, "qsr": qsr, "rmpg": gap}
    return {name: [round(float(value), 5), PUBLISHED[name]] for name, value in told.items()}


def highest_fifth(score: Floats, weight: Floats) -> Floats:
    """For each household the part of it that is in the fifth ranked highest; equal scores share their place evenly."""
    place, taken, inside = weight.sum() * FIFTH, 0.0, np.zeros(len(score))
    for level in sorted(set(score.tolist()), reverse=True):
        here = score == level
        inside[here] = min(1.0, max(0.0, (place - taken) / weight[here].sum()))
        taken += weight[here].sum()
    return inside


def found_share(score: Floats, poor: Bools, weight: Floats) -> float:
    """Share of the poor among the fifth of people ranked highest."""
    return float(np.average(highest_fifth(score, weight)[poor], weights=weight[poor]))


def learn_points(facts: Floats, poor: Bools, weight: Floats) -> NDArray[np.int64]:
    """Whole points from 0 to 10 for each fact; facts that speak against need have none."""
    model = LogisticRegression(C=1.0, max_iter=2_000).fit(facts, poor, sample_weight=weight / weight.mean())
    strength = np.maximum(model.coef_[0], 0.0)
    return np.rint(10 * strength / strength.max()).astype(np.int64)


def boosted(raw: Floats, poor: Bools, weight: Floats) -> Callable[[Floats], Floats]:
    """Gradient boosting over the raw counts."""
    model = HistGradientBoostingClassifier(max_iter=200, learning_rate=0.05, random_state=7)
    model.fit(raw, poor, sample_weight=weight)
    return lambda asked: np.round(model.predict_proba(asked)[:, 1], 6)


def judge(survey: Survey) -> tuple[dict[str, Floats], Bools]:
    """Each way's score of every household, learned without the household's region; and who is poor."""
    poor = survey.income <= quantile(survey.income, survey.weight, FIFTH)
    table = np.array([points()[fact] for fact in FACTS], dtype=float)
    told = {name: np.zeros(len(poor)) for name in (*KNOWN, "gradient boosting, learned elsewhere")}
    for region in sorted(set(survey.region)):
        here, rest = survey.region == region, survey.region != region
        learned = learn_points(survey.facts[rest], poor[rest], survey.weight[rest])
        for name, unknown in KNOWN.items():
            told[name][here] = survey.facts[here] @ (learned * [fact not in unknown for fact in FACTS])
        ask = boosted(survey.raw[rest], poor[rest], survey.weight[rest])
        told["gradient boosting, learned elsewhere"][here] = ask(survey.raw[here])
    told["the points table as it stands"] = survey.facts @ table
    told["simple rule: nobody works"] = survey.facts[:, FACTS.index("nobody_works")]
    told["by chance"] = np.zeros(len(poor))
    return told, poor


def errors_by_group(score: Floats, poor: Bools, survey: Survey) -> Row:
    """Of each group's poor the share that is found among the fifth ranked highest in the whole country."""
    found = highest_fifth(score, survey.weight)
    groups = {fact: survey.facts[:, FACTS.index(fact)] == 1 for fact in ("alone_and_old", "single_parent", "child")}
    groups |= {"from_elsewhere": survey.facts[:, FACTS.index("from_elsewhere")] == 1}
    groups |= {str(region): survey.region == region for region in sorted(set(survey.region))}
    poor_of = {name: inside & poor for name, inside in groups.items()}
    return {
        name: [round(float(np.average(found[here], weights=survey.weight[here])), 3), int(here.sum())]
        for name, here in poor_of.items()
    }


def main() -> None:
    """Measure, print, store."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    survey = Survey(parser.parse_args().data / "eusilc_synthetic" / "eusilc.csv.gz")
    told, poor = judge(survey)
    whole = learn_points(survey.facts, poor, survey.weight)
    result = {
        "machine": machine(),
        "published [ours, theirs]": poverty(survey),
        "share of the poorest fifth found": {
            name: round(found_share(score, poor, survey.weight), 4) for name, score in told.items()
        },
        "of each group's poor found [share, households]": {
            name: errors_by_group(told[name], poor, survey) for name in (HOUSE, UNTOLD)
        },
        "points from all regions": dict(zip(FACTS, whole.tolist(), strict=True)),
    }
    RESULT.write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({key: value for key, value in result.items() if key != "machine"}, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main()
