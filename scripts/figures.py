"""Write the published figures into the documents: nobody types them by hand.

What enters: `bench/results/*.json`. What leaves: the block between the markers ``<!-- figures:… -->`` and
``<!-- /figures -->`` of README.md, README.zh.md, docs/allocator.md, docs/reading-notes.md, docs/same-person.md and
docs/trust.md, and the whole of docs/goals.md and docs/link-growth.svg. Called by `make figures`; a test holds the
documents against it.

    PYTHONPATH=. .venv/bin/python scripts/figures.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from bench.contenders import METHODS, OURS
from bench.goals import table
from bench.trust import table as campaigns
from scripts.plot import plot

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- figures:\w+ -->\n).*?(<!-- /figures -->)", re.DOTALL)
Row = dict[str, Any]

ENGLISH = {
    "pure": "Plain problem: {needs} needs, {resources} resources, {pairs} eligible pairs in {pieces}; coverage only, "
    "except for our whole run.",
    "hard": "Hard problem: {needs} needs, {resources} resources, {pairs} eligible pairs in {pieces}; a quarter of the "
    "needs must be served by one giver and a fifth of the resources come in lots.",
    "one": "one piece",
    "many": "{components} pieces",
    "head": "| Method | Score | Gap to own bound | Gap to best bound | Seconds | CPU s | CPU against ours | MB | |",
    "foot": "{cores} cores under a load of {load}, Python {python}, OR-Tools {ortools}, HiGHS {highspy}; {limit:.0f} s "
    "for each other method, a budget of {budget:.0f} s for our hard parts. “Against ours” compares with “coverage by "
    "parts”. Under load read CPU seconds, not the clock. `bench/results/allocate.json` has every row.",
}
CHINESE = {
    "pure": "一般问题：{needs} 项需求、{resources} 项资源、{pairs} 个合格配对，{pieces}；"
    "除“全过程”外只求第一目标（覆盖）。",
    "hard": "困难问题：{needs} 项需求、{resources} 项资源、{pairs} 个合格配对，{pieces}；"
    "四分之一的需求只能由一家供给，五分之一的资源成批发放。",
    "one": "合为一个整体",
    "many": "分为 {components} 个部分",
    "head": "| 方法 | 得分 | 与自身上界之差 | 与最好上界之差 | 秒 | CPU 秒 | CPU 为本系统的倍数 | MB | |",
    "foot": "{cores} 核，负载 {load}，Python {python}，OR-Tools {ortools}，HiGHS {highspy}；"
    "其他方法各限时 {limit:.0f} 秒，"
    "本系统困难部分预算 {budget:.0f} 秒。倍数以“分部分求覆盖”为准。机器有负载时请看 CPU 秒数。"
    "全部结果见 `bench/results/allocate.json`。",
}
WORDS = {
    "shanqiao, whole run": "善桥，全过程（含证明）",
    "shanqiao, coverage by parts": "善桥，分部分求覆盖",
    "greedy": "贪心",
    "HiGHS simplex": "HiGHS 单纯形",
    "HiGHS IPM": "HiGHS 内点法",
    "CP-SAT, 1 worker": "CP-SAT 单一模型，1 线程",
    "CP-SAT, 2 workers": "CP-SAT 单一模型，2 线程",
    "optimal": "最优",
    "optimal, unique True": "最优且唯一",
    "feasible, unique False": "可行，差距已证明",
    "time is up": "时间用完",
    "no plan in time": "限时内无方案",
    "bound only": "只有上界",
    "cut": "超时中止",
    "left out: no time left": "总时间用完，未跑",
    "died": "中途退出",
}
"""What stands in the Chinese table for the names of methods and the remarks."""


def tables(told: Row, *, words: dict[str, str]) -> str:
    """One table for each problem of `allocate.json`, and a line on where they were measured."""
    parts = []
    problems: dict[tuple[str, int], list[Row]] = {}
    for row in told["rows"]:
        problems.setdefault((row["kind"], row["needs"]), []).append(row)
    for (kind, _), rows in problems.items():
        if all(row["seconds"] is None for row in rows):
            continue
        first = rows[0]
        pieces = words["one" if first["components"] == 1 else "many"].format(components=first["components"])
        counts = {name: f"{first[name]:,}" for name in ("needs", "resources", "pairs")}
        head = words["head"]
        lines = [head, "|---" + "|---:" * (head.count("|") - 3) + "|---|"]
        base = next((row["cpu_seconds"] for row in rows if row["method"] == OURS), None)
        lines += [_line(row, base=base, words=WORDS if words is CHINESE else {}) for row in rows]
        parts.append(words[kind].format(pieces=pieces, **counts) + "\n\n" + "\n".join(lines))
    where, how = told["machine"], told["settings"]
    said = where | where["packages"] | {"limit": how["limit_s"], "budget": how["budget_s"]}
    return "\n\n".join([*parts, words["foot"].format(**said)])


def _line(row: Row, *, base: float | None, words: dict[str, str]) -> str:
    def number(value: float | None, form: str) -> str:
        return "–" if value is None else format(value, form)

    times = (
        None if not base or row["cpu_seconds"] is None or row["method"] not in METHODS else row["cpu_seconds"] / base
    )
    done = row["remark"] in ("optimal", "optimal, unique True", "bound only", "")
    cells = (
        words.get(row["method"], row["method"]),
        number(row["score"], ",d"),
        number(row["gap"], ".3%"),
        number(row["gap_to_best"], ".3%"),
        number(row["seconds"], ".2f"),
        number(row["cpu_seconds"], ".2f"),
        ("" if done else "> ") + number(times, ".1f") if times is not None else "–",
        number(row["memory_mb"], ".0f"),
        words.get(row["remark"], row["remark"]),
    )
    return "| " + " | ".join(cells) + " |"


def growth(told: Row) -> str:
    """The table of `growth.json`: a row for each size, and the powers that fit."""
    phases = [phase for phase in told["rows"][0]["phases"] if phase != "hard"]
    lines = ["| Needs | " + " | ".join(phases) + " | MB |", "|---:" * (len(phases) + 2) + "|"]
    for row in told["rows"]:
        seconds = " | ".join(f"{row['phases'][phase]:.2f}" for phase in phases)
        lines.append(f"| {row['needs']:,} | {seconds} | {row['memory_mb']:.0f} |")
    lines.append("| p | " + " | ".join(str(told["powers"].get(phase, "–")) for phase in phases) + " | |")
    return "\n".join(lines)


def linking(told: Row) -> str:
    """The tables of `link.json`: known sets beside other programs, the made-up register, time against size."""
    head = "| Table | Rows | Method | F1 at its best threshold | Band “same”: precision | recall | F1 | CPU s | MB |"
    lines = [head, "|---|---:|---|" + "---:|" * 6]
    for row in (*told.get("sets", ()), *told.get("chinese", ()), *told.get("untouched", ()), *told.get("growth", ())):
        figures = [row.get(name) for name in ("f1", "same_precision", "same_recall", "same_f1")]
        said = " | ".join("–" if figure is None else f"{figure:.4f}" for figure in figures)
        spent = f"{row['cpu_seconds']:.1f} | {row.get('memory_mb', 0):.0f}"
        lines.append(f"| {row['data']} | {row['rows']:,} | {row['method']} | {said} | {spent} |")
    where = told["machine"]
    seen = f"{where['cores']} cores under a load of {where['load']}, Python {where['python']}: read CPU seconds."
    return "\n".join(lines) + f"\n\n{seen}"


def arriving(told: Row) -> str:
    """The table of `arrivals.json`: of those who came into a full register, which copies were seen and who else was
    asked about."""
    head = "| Register | At a time | Copies | “same” | “review” | not listed | share no key | Newcomers | asked about |"
    lines = [head, "|---:" * 9 + "|"]
    names = ("register", "batch", "copies", "same", "review", "unlisted", "unmet", "newcomers", "newcomers_asked")
    lines += ["| " + " | ".join(f"{row[name]:,}" for name in names) + " |" for row in told["rows"]]
    wrong = sum(row["false_same"] for row in told["rows"])
    asked = sum(row["false_review"] for row in told["rows"])
    return "\n".join(lines) + f"\n\nPairs of two people in all these rows: {wrong} “same”, {asked} “review”."


def trusted(told: Row, mutants: Row) -> str:
    """The campaigns of `trust.json`, and what became of the small faults of `mutation.json`."""
    lines = ["| room | faults put in | found | score | of all that can be put in |", "|---|---:|---:|---:|---:|"]
    for room, row in mutants.items():
        lines.append(f"| {room} | {row['tried']} | {row['killed']} | {row['score']} % | {row['mutants']} |")
    return campaigns(told) + "\n\n" + "\n".join(lines)


def reading(told: Row) -> str:
    """The tables of `notes.json`: macro-F1 of each half of the texts, and how often a suggestion was right."""
    texts = {"our notes": told["notes"], "disaster messages": told.get("messages", {})}
    halves = {f"{name}, {half}": row for name, rows in texts.items() for half, row in rows.items() if "rules" in row}
    methods = list(dict.fromkeys(method for row in halves.values() for method in row))
    lines = ["| Macro-F1 | texts | " + " | ".join(methods) + " | without a need, yet suggested (rules) |"]
    lines.append("|---|---:|" + "---:|" * (len(methods) + 1))
    for name, row in halves.items():
        figures = " | ".join(f"{row[method]['macro_f1']:.3f}" if method in row else "–" for method in methods)
        rules = row["rules"]
        empty = f"{rules['false_on_empty']} of {rules['empty']}"
        lines.append(f"| {name} | {rules['texts']:,} | {figures} | {empty} |")
    shares = told["notes"]["share right by weight"]["test"].items()
    right = "; ".join(f"weight {weight}: {hit} of {asked}" for weight, (hit, asked) in shares)
    return "\n".join(lines) + f"\n\nOf suggestions on our half “test” were right: {right}."


def documents() -> dict[Path, str]:
    """What each document should say."""
    results = {path.stem: json.loads(path.read_text("utf-8")) for path in (ROOT / "bench" / "results").glob("*.json")}
    blocks = {
        "README.md": tables(results["allocate"], words=ENGLISH),
        "README.zh.md": tables(results["allocate"], words=CHINESE),
        "docs/allocator.md": growth(results["growth"]),
        "docs/reading-notes.md": reading(results["notes"]),
        "docs/same-person.md": linking(results["link"]) + "\n\n" + arriving(results["arrivals"]),
        "docs/trust.md": trusted(results["trust"], results["mutation"]),
    }
    found = {}
    for name, block in blocks.items():
        text = (ROOT / name).read_text("utf-8")
        found[ROOT / name] = BLOCK.sub(lambda m, block=block: f"{m[1]}\n{block}\n\n{m[2]}", text)
    opening = (
        "Written by `make figures` from `bench/results/*.json`, which the command of each row writes (`make bench` "
        "runs those of the allocator and the desks)."
    )
    grown = [(row["rows"], row["cpu_seconds"]) for row in results["link"]["growth"]]
    words = {"title": "Linking: processor time against size", "across": "records", "up": "CPU seconds"}
    found[ROOT / "docs" / "link-growth.svg"] = plot(grown, **words)
    found[ROOT / "docs" / "goals.md"] = f"# The allocator's goals and what was seen\n\n{opening}\n\n{table()}\n"
    return found


def main() -> None:
    """Write every document anew."""
    for path, text in documents().items():
        path.write_text(text, "utf-8")


if __name__ == "__main__":
    main()
