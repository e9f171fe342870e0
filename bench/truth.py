"""Planted truth: how much of a simulated year's hardship do the rules see, how soon, and how often in vain?

A town of households lives through a year. Some meet a shock: illness, the death of an earner, a lost job, a disaster,
an accident, a new disability, an old person alone who falls silent, a child without parents, and two that no feed can
tell of (a debt collector, a quarrel that ends support). Children die, too: that is grief and no loss of earnings. How
hard a shock hits is drawn from the household's own income; it is hardship when it takes more than a quarter of a
year's income from it, or when it is a matter of life. Departments tell of it late, leave rows out, garble some and
tell of strangers; they also tell of much that is no hardship. This generator knows nothing of the rules' thresholds.
The feeds come in through the house's own door each week, the rules are asked after each; the baseline is a review of
every household once a year, on a day of its own. An alert counts as sight only of what its rule is about; any alert
near a shock is told beside it, for part of that is chance. Both sides have their false alarms counted. Prints a table
over several towns with the spread, and writes results/truth.json.

    PYTHONPATH=. python bench/truth.py [--households 1500] [--seeds 11 12 13]
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlmodel import col, select

from marketplace.actors import SYSTEM, Actor, Role
from marketplace.config import demo_settings
from marketplace.db import Database
from marketplace.households import categories
from marketplace.households.register import HouseholdFacts, PersonFacts, register_many
from marketplace.reference.facts import fact_kinds
from marketplace.reference.identity_number import make_id_number
from marketplace.signals import rules, sweeping, trying
from marketplace.signals.models import Alert, HeldRow, RuleClass
from marketplace.signals.taking import take_in
from marketplace.wiring import open_database

RESULTS = Path(__file__).parent / "results" / "truth.json"
PAGE, MARKS = Path(__file__).parents[1] / "docs" / "watch.md", ("<!-- bench/truth.py -->", "<!-- end -->")
BEGIN = date(2025, 11, 3)
CLERK, SECOND = Actor(id="clerk", role=Role.VERIFIER), Actor(id="second", role=Role.APPROVER)
LOST, GARBLED, STRANGERS, TWICE = 0.06, 0.02, 0.05, 0.03
"""Shares of rows that never come, come unreadable, tell of people outside the register, come twice."""
SHOCKS = {
    "illness": 0.09,
    "death": 0.015,
    "job_lost": 0.04,
    "disaster": 0.006,
    "accident": 0.008,
    "disability": 0.012,
    "silent": 0.004,
    "no_guardian": 0.003,
    "debt": 0.02,
    "support_ends": 0.02,
}
"""How likely each shock is for a household in a year."""
CHILD_DIES = 0.01
"""How likely a household with a child loses one in a year: more than in life, for a false alarm to be seen."""
UNWATCHED = ("debt", "support_ends")
OF_LIFE = ("disaster", "silent", "no_guardian", "death")
AFTER_DAYS = 120
"""An alert within so many days after a shock can be about that shock."""
ABOUT = {
    "illness": ("W01", "W02", "W03", "W04", "W05", "W12"),
    "death": ("W06",),
    "job_lost": ("W10",),
    "disaster": ("W08",),
    "accident": ("W09",),
    "disability": ("W07",),
    "silent": ("W17",),
    "no_guardian": ("W18",),
}
"""Kind of shock ► the rules that are about it."""
INSIDE = {"IN_REGISTER": 0.55, "DIBIAN_MEMBER": 0.15, "TEMP_AID": 0.15, "ANTI_RELAPSE": 0.1, "REJECTED": 0.05}
"""Share of the town in each category."""


@dataclass(slots=True)
class Home:
    """One simulated household: what it lives on, and who is in it."""

    key: str
    income_fen: int
    numbers: list[str]
    old_alone: bool
    child: bool
    urban: bool
    category: str
    review: date


@dataclass(frozen=True, slots=True)
class Shock:
    """What happened to whom; `hard` is the truth."""

    home: Home
    kind: str
    on: date
    hard: bool


Row = tuple[date, str, str, str, date, int | None]
"""When it arrives, feed, ID number, kind, day, fen or number."""


def town(count: int, pick: random.Random) -> list[Home]:
    """Households with incomes around those of poor people, some old and alone, some with a child."""
    found, number = [], 0
    for place in range(count):
        size = pick.choices([1, 2, 3, 4], [0.45, 0.3, 0.15, 0.1])[0]
        old = size == 1 and pick.random() < 0.5
        child = size > 1 and pick.random() < 0.4
        numbers = []
        for n in range(size):
            year = (
                pick.randint(1940, 1958)
                if old
                else pick.randint(2012, 2022)
                if child and n
                else pick.randint(1962, 2000)
            )
            born = date(year, 1, 1) + timedelta(days=pick.randint(0, 360))
            numbers.append(make_id_number(f"5099{number // 900 % 100:02d}", born, seq=number % 900 + 1))
            number += 1
        income = round(pick.lognormvariate(14.6, 0.45)) * size // 2 + 400_000
        review = BEGIN + timedelta(days=pick.randint(0, 363))
        category = pick.choices(list(INSIDE), list(INSIDE.values()))[0]
        found.append(Home(f"h{place}", income, numbers, old, child, pick.random() < 0.6, category, review))
    return found


def live(homes: list[Home], pick: random.Random) -> tuple[list[Shock], list[Row]]:
    """A year: what happened in truth, and what departments have to tell of it before their mistakes."""
    shocks, rows = [], list[Row]()
    for home in homes:
        _background(home, pick, rows)
        for kind, chance in SHOCKS.items():
            fits = {"silent": home.old_alone, "no_guardian": home.child, "death": len(home.numbers) > 1}.get(kind, True)
            scale = 12 if kind in ("silent", "no_guardian") else 1
            if fits and pick.random() < chance * scale:
                on = BEGIN + timedelta(days=pick.randint(5, 330))
                shocks.append(_strike(home, kind, on, pick, rows))
    return shocks, rows


def _background(home: Home, pick: random.Random, rows: list[Row]) -> None:
    """What happens to everybody: small bills, the yearly check of income, water and power."""
    for _bill in range(pick.choices([0, 1, 2, 4, 8], [0.35, 0.3, 0.2, 0.1, 0.05])[0]):
        on = BEGIN + timedelta(days=pick.randint(0, 350))
        rows.append(
            (
                _monthly(on),
                "MEDICAL_BILLS",
                pick.choice(home.numbers),
                "OWN_COST",
                on,
                round(pick.lognormvariate(10.4, 1.0)),
            )
        )
    checked = BEGIN + timedelta(days=pick.randint(0, 350))
    rows.append((_monthly(checked), "SPENDING", home.numbers[0], "INCOME", checked, home.income_fen))
    spent = round(home.income_fen * pick.betavariate(2.5, 6))
    rows.append((_monthly(checked), "SPENDING", home.numbers[0], "NECESSARY_SPENDING", checked, spent))
    if home.child and pick.random() < CHILD_DIES:
        on = BEGIN + timedelta(days=pick.randint(5, 330))
        rows.append((_monthly(on), "CIVIL_RECORDS", home.numbers[-1], "DEATH", on, None))
    if home.old_alone:
        rows.append((BEGIN, "POPULATION", home.numbers[0], "LIVES_ALONE", BEGIN - timedelta(days=30), 1))


def _monthly(on: date) -> date:
    """Most feeds come once a month, some days after its end."""
    return (on.replace(day=1) + timedelta(days=36)).replace(day=1) + timedelta(days=4)


def _strike(home: Home, kind: str, on: date, pick: random.Random, rows: list[Row]) -> Shock:
    """One shock, and the rows that tell of it."""
    earner = kind == "death" and home.child
    who = home.numbers[0] if earner else pick.choice(home.numbers)
    cost = round(home.income_fen * pick.lognormvariate(-1.1, 0.9))
    if kind == "illness":
        rows.append((_monthly(on), "MEDICAL_BILLS", who, "OWN_COST_STAY", on, cost * 7 // 10))
        rows.append((_monthly(on), "MEDICAL_BILLS", who, "OWN_COST", on, cost))
        if pick.random() < 0.25:
            rows.append((_monthly(on), "DIAGNOSES", who, "SERIOUS_ILLNESS", on, None))
    simple = {
        "death": ("CIVIL_RECORDS", "DEATH"),
        "disaster": ("DISASTERS", "DISASTER"),
        "accident": ("TRAFFIC", "TRAFFIC_INJURY"),
        "disability": ("DISABILITY", "DISABILITY_1_2"),
    }
    if kind in simple:
        feed, fact = simple[kind]
        arrives = on + timedelta(days=pick.randint(1, 6)) if kind == "disaster" else _monthly(on)
        rows.append((arrives, feed, who, fact, on, None))
    months_out = pick.choices([1, 2, 4, 8, 12], [0.25, 0.25, 0.2, 0.15, 0.15])[0]
    if kind == "job_lost":
        rows.append((_monthly(on), "EMPLOYMENT", who, "JOB_STOPPED", on, None))
        back = on + timedelta(days=30 * months_out)
        rows.append((_monthly(back), "EMPLOYMENT", who, "JOB_STARTED", back, None))
        cost = home.income_fen * months_out // 12
    if kind == "no_guardian":
        who = home.numbers[-1]
        rows.append((_monthly(on), "CIVIL_RECORDS", who, "GUARDIAN_ABSENT", on, 2))
    return Shock(home, kind, on, kind in OF_LIFE or cost * 4 > home.income_fen)


def garble(rows: list[Row], pick: random.Random) -> list[dict[str, Any]]:
    """The rows as they come in, with the mistakes of departments."""
    told = []
    for n, (arrives, feed, number, kind, on, amount) in enumerate(rows):
        if pick.random() < LOST:
            continue
        yuan = amount / 100 if amount is not None and fact_kinds()[kind].value == "fen" else amount
        cells: dict[str, Any] = {"source_id": f"r{n}", "id_number": number, "kind": kind, "happened_on": on.isoformat()}
        cells["amount"] = yuan
        if pick.random() < GARBLED:
            cells["id_number"] = number[:-1]
        if pick.random() < STRANGERS:
            stranger = make_id_number("509999", date(1970, 1, 1) + timedelta(days=n % 9000), seq=n % 900 + 1)
            told.append(
                {"arrives": arrives, "feed": feed, "cells": {**cells, "source_id": f"s{n}", "id_number": stranger}}
            )
        for _copy in range(2 if pick.random() < TWICE else 1):
            told.append({"arrives": arrives, "feed": feed, "cells": cells})
    return told


def watch(database: Database, homes: list[Home], shocks: list[Shock], told: list[dict[str, Any]]) -> dict[str, str]:
    """Live through the year week by week; returns household id ► key."""
    moment = datetime.combine(BEGIN, datetime.min.time(), UTC)
    with database.transaction() as session:
        facts = [
            HouseholdFacts(
                "bench",
                home.key,
                "500103",
                people=tuple(PersonFacts(ref=str(n), id_number=number) for n, number in enumerate(home.numbers)),
                urban=home.urban,
            )
            for home in homes
        ]
        ids = register_many(session, facts, actor=SYSTEM, now=moment)
        inside = {home.key: home.category for home in homes}
        entries = [
            categories.Entry(home_id, inside[key], BEGIN, source="bench") for (_source, key), home_id in ids.items()
        ]
        categories.enter_many(session, entries, actor=SYSTEM, now=moment)
        for rule in rules.draft_table(session, actor=CLERK, now=moment):
            if rule.kind is RuleClass.NEED and rule.code not in ("W14", "W15", "W16"):
                trying.try_rule(session, rule.id, from_on=BEGIN, to_on=BEGIN, actor=CLERK, now=moment)
                rules.activate(session, rule.id, actor=SECOND, now=moment)
    for week in range(53):
        today = BEGIN + timedelta(days=7 * week)
        due = [row for row in told if today - timedelta(days=7) < row["arrives"] <= today]
        _week(database, today, due + _power(homes, shocks, today))
    return {home_id: key for (_source, key), home_id in ids.items()}


def _power(homes: list[Home], shocks: list[Shock], today: date) -> list[dict[str, Any]]:
    """Water and power of those who live alone: used until they fall silent."""
    fallen = {shock.home.key: shock.on for shock in shocks if shock.kind == "silent"}
    told = []
    for home in homes:
        if home.old_alone:
            until = min(today, fallen.get(home.key, today))
            cells = {
                "source_id": f"u{home.key}-{today}",
                "id_number": home.numbers[0],
                "kind": "USE",
                "happened_on": until.isoformat(),
            }
            told.append({"feed": "UTILITIES", "cells": cells})
    return told


def _week(database: Database, today: date, rows: list[dict[str, Any]]) -> None:
    now = datetime.combine(today, datetime.min.time(), UTC) + timedelta(hours=4)
    by_feed: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_feed[row["feed"]].append(row["cells"])
    with database.transaction() as session:
        for feed, cells in sorted(by_feed.items()):
            take_in(session, feed, cells, digest=f"{feed}-{today}", as_of=today, actor=CLERK, now=now)
        sweeping.sweep(session, actor=SYSTEM, now=now)


Raised = tuple[str, str, date]
"""Key of the household, code of the rule, day."""


def judge(homes: list[Home], shocks: list[Shock], alerts: list[Raised]) -> dict[str, Any]:
    """What was seen of each kind of shock and after how many days, by its own rules, by any and by the review; and how
    many alerts and reviews were right."""
    hard = [shock for shock in shocks if shock.hard]
    end, table = BEGIN + timedelta(days=364), []
    for kind in SHOCKS:
        of_kind = [shock for shock in hard if shock.kind == kind]
        own = [min(days) for shock in of_kind if (days := _after(shock, alerts, ABOUT.get(kind, ())))]
        reviewed = [(shock.home.review - shock.on).days for shock in of_kind if shock.on <= shock.home.review <= end]
        table.append(
            {
                "kind": kind,
                "watched": kind not in UNWATCHED,
                "hard": len(of_kind),
                "seen": len(own),
                "days": own,
                "near": sum(bool(_after(shock, alerts, None)) for shock in of_kind),
                "review_seen": len(reviewed),
                "review_days": reviewed,
            }
        )
    about = [(shock.home.key, shock.on, code) for shock in hard for code in ABOUT.get(shock.kind, ())]
    return {
        "rows": table,
        "alerts": len(alerts),
        "right": sum(any(_fits(one, *told) for told in about) for one in alerts),
        "near": sum(any(_fits(one, shock.home.key, shock.on, one[1]) for shock in hard) for one in alerts),
        "reviews": len(homes),
        "reviews_right": sum(
            any(_fits((home.key, "", home.review), shock.home.key, shock.on, "") for shock in hard) for home in homes
        ),
    }


def _after(shock: Shock, alerts: list[Raised], codes: tuple[str, ...] | None) -> list[int]:
    """Days from a shock to the alerts of these rules (of any: None) that can be about it."""
    told = [one for one in alerts if codes is None or one[1] in codes]
    return [(one[2] - shock.on).days for one in told if _fits(one, shock.home.key, shock.on, one[1])]


def _fits(alert: Raised, key: str, on: date, code: str) -> bool:
    return alert[0] == key and alert[1] == code and 0 <= (alert[2] - on).days <= AFTER_DAYS


def run(count: int, *, seed: int) -> dict[str, Any]:
    """One year of one town; returns the figures."""
    pick = random.Random(seed)
    homes = town(count, pick)
    shocks, rows = live(homes, pick)
    told = garble(rows, pick)
    with tempfile.TemporaryDirectory(prefix="shanqiao-truth-") as folder:
        database = open_database(demo_settings(Path(folder), seed=seed))
        keys = watch(database, homes, shocks, told)
        with database.reading() as session:
            found = session.exec(select(Alert).where(col(Alert.household_id).is_not(None))).all()
            alerts = [(keys[str(alert.household_id)], alert.rule_code, alert.raised_at.date()) for alert in found]
            held = len(session.exec(select(HeldRow.id)).all())
        database.close()
    figures = judge(homes, shocks, alerts)
    return {"households": count, "seed": seed, "rows_told": len(told), "held": held, **figures}


def together(towns: list[dict[str, Any]]) -> dict[str, Any]:
    """All towns in one table, and of the three shares the lowest and the highest of any town."""
    rows = []
    for place, kind in enumerate(SHOCKS):
        of_kind = [one["rows"][place] for one in towns]
        row: dict[str, Any] = {"kind": kind, "watched": kind not in UNWATCHED}
        for name in ("hard", "seen", "near", "review_seen"):
            row[name] = sum(one[name] for one in of_kind)
        for name in ("days", "review_days"):
            days = [day for one in of_kind for day in one[name]]
            row[name] = round(median(days)) if days else None
        rows.append(row)
    told: dict[str, Any] = {"seeds": [one["seed"] for one in towns], "rows": rows}
    for name in ("households", "rows_told", "held", "alerts", "right", "near", "reviews", "reviews_right"):
        told[name] = sum(one[name] for one in towns)
    shares = [_shares(one) for one in towns]
    told["shares"] = _shares(told)
    told["spread"] = {name: [min(one[name] for one in shares), max(one[name] for one in shares)] for name in shares[0]}
    return told


def _shares(told: dict[str, Any]) -> dict[str, float]:
    """Recall over all hardship, also what no feed tells; and precision; of the rules and of the review."""
    hard = sum(row["hard"] for row in told["rows"])
    return {
        "recall": round(sum(row["seen"] for row in told["rows"]) / hard, 3),
        "precision": round(told["right"] / told["alerts"], 3),
        "review recall": round(sum(row["review_seen"] for row in told["rows"]) / hard, 3),
        "review precision": round(told["reviews_right"] / told["reviews"], 3),
    }


NAMES = {
    "death": "death of an earner",
    "job_lost": "lost job",
    "silent": "silence of an old person alone",
    "no_guardian": "child without guardian",
    "support_ends": "support ends",
}
"""Shock ► its words in the table, where they differ."""


def table(told: dict[str, Any]) -> list[str]:
    """The lines of the table in `docs/watch.md`."""
    told_rows = f"{told['rows_told']:,} rows told, {told['held']:,} of them held back as garbled."
    lines = [
        f"{len(told['seeds'])} simulated towns, {told['households']:,} households in five categories, {told_rows}",
        "",
        "| Shock | hard cases | seen | median days | any alert near | review: seen | median days |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in told["rows"]:
        name = NAMES.get(row["kind"], row["kind"]) + ("" if row["watched"] else " (no feed tells)")
        cells = [row[one] for one in ("hard", "seen", "days", "near", "review_seen", "review_days")]
        lines.append(f"| {name} | " + " | ".join("–" if cell is None else str(cell) for cell in cells) + " |")
    shown = {
        name: f"{share} ({told['spread'][name][0]}–{told['spread'][name][1]})" for name, share in told["shares"].items()
    }
    hard = sum(row["hard"] for row in told["rows"])
    lines.append(
        f"| all: share seen (lowest and highest town) | {hard} | {shown['recall']} | | | {shown['review recall']} | |"
    )
    right = f"{told['right']} of {told['alerts']} alerts, {told['reviews_right']} of {told['reviews']:,} reviews"
    lines.append(f"| right: {right} | | {shown['precision']} | | | {shown['review precision']} | |")
    return lines


def put_in(page: str, lines: list[str], /) -> str:
    """The page with the table between its two marks made anew."""
    before, _, rest = page.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return "\n".join([before + MARKS[0], *lines, MARKS[1] + after])


def main() -> None:
    """Run, print, write the figures and the table of the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=1500)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    asked = parser.parse_args()
    told = together([run(asked.households, seed=seed) for seed in asked.seeds])
    print("\n".join(table(told)))
    RESULTS.write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    PAGE.write_text(put_in(PAGE.read_text("utf-8"), table(told)), "utf-8")


if __name__ == "__main__":
    main()
