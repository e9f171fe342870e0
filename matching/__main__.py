"""`python -m matching`: solve, check, explain, preview, quote, report and generate, on problem folders;
link, on a table of people.

What enters: the words of a command line. What leaves: an output folder, a few lines on standard output, and an exit
code: 0 well, 1 faults or contradictory pins found, 2 bad input, named on standard error with file, row, column and
mend. The solvers are imported only by `solve`, so `check` works with OR-Tools uninstalled.
"""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import replace
from json import dumps
from pathlib import Path
from time import monotonic

from matching import nation_commands as nation
from matching.arguments import above_zero, cores, seconds, share, whole
from matching.folder import BadInput, plan_for, read_problem, write_plan, write_problem
from matching.nation_folder import is_nation
from matching.plan import Certificate
from matching.wellformed import Misfit

WELL, FOUND, REFUSED = 0, 1, 2


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    asked = _parser().parse_args(words)
    try:
        code: int = asked.run(asked)
        return code
    except BadInput as error:
        print(error, file=sys.stderr)
        return REFUSED


def _say(text: object) -> None:
    """Print a line; a reader who has left (as `head` does) changes neither the work nor the exit code."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _solve(asked: Namespace) -> int:
    """Read, allocate, write, say what came out."""
    if nation.is_wanted(asked):
        return WELL if nation.solve(asked, _say) else FOUND
    start = monotonic()
    problem = read_problem(asked.folder)
    read = monotonic() - start
    from matching.solve import allocate

    plan = allocate(problem, workers=asked.workers, budget_s=asked.budget)
    certificate = replace(plan.certificate, seconds={"read": round(read, 3), **plan.certificate.seconds})
    write_plan(replace(plan, certificate=certificate), asked.out)
    if certificate.status == "infeasible":
        _say("infeasible: these pins contradict each other or the rules; release one of them")
        for pair in certificate.conflict:
            _say(f"  {pair}")
        return FOUND
    _tell(certificate)
    _say(f"seconds     {monotonic() - start:.1f} in all: {_listed(certificate.seconds)}")
    _say(f"written     {asked.out}")
    return WELL


def _tell(certificate: Certificate) -> None:
    proof = "no other plan is as good" if certificate.unique else "not proven unique"
    cut = ", interrupted" if certificate.interrupted else ""
    _say(f"status      {certificate.status}{cut}, {proof}, leximin {certificate.lexicographic}")
    _say(f"score       {certificate.score} of at most {certificate.bound}: gap {certificate.gap:.6%}")
    _say(f"given       {certificate.units} units to {certificate.households_served} households")
    _say(f"broken      {certificate.broken_units} announced units; delivery costs {certificate.cost}")
    _say(f"parts       {_listed(certificate.components)}")


def _listed(amounts: object) -> str:
    pairs = dict(amounts).items() if amounts else ()  # type: ignore[call-overload]
    return ", ".join(f"{name} {amount}" for name, amount in pairs)


def _check(asked: Namespace) -> int:
    """Judge an output folder; a file of it that cannot be read is a fault too."""
    from matching.checker import check_folder

    if is_nation(asked.folder):
        faults = nation.check(asked)
    else:
        found = check_folder(asked.folder, _written(asked.out), workers=cores())
        faults = [f"{fault.code}: {fault.message}" for fault in found]
    for fault in faults[:50]:
        _say(fault)
    if len(faults) > 50:
        _say(f"… and {len(faults) - 50} more.")
    _say(f"{len(faults)} faults" if faults else "no fault")
    return FOUND if faults else WELL


def _written(out: Path) -> Path:
    if not out.is_dir():
        raise BadInput([Misfit(str(out), -1, "", str(out), "is not a folder", "name the folder that solve wrote")])
    return out


def _explain(asked: Namespace) -> int:
    """Print the account of one need."""
    from matching.account import account

    problem = read_problem(asked.folder)
    if asked.need_id not in {need.need_id for need in problem.needs}:
        mend = "write an id from this file"
        raise BadInput([Misfit("needs.csv", -1, "need_id", asked.need_id, "is not there", mend)])
    _say(account(problem, plan_for(problem, asked.out), asked.need_id, lang=asked.lang))
    return WELL


def _preview(asked: Namespace) -> int:
    """Print what an override would change."""
    from matching.preview_command import outlook, told

    seen, order = outlook(asked)
    for line in told(seen, order, lang=asked.lang):
        _say(line)
    return FOUND if seen.conflict else WELL


def _quote(asked: Namespace) -> int:
    """Say what a need that came after the run can have at once and how it stands."""
    from matching.quote_command import as_json, as_words, quoted, read_need

    problem = read_problem(asked.folder)
    need, plan = read_need(asked.need, problem), plan_for(problem, asked.out)
    told = quoted(problem, plan, need)
    scale = plan.certificate.price_scale
    _say(as_json(told) if asked.json else as_words(told, need, policy_scale=scale, lang=asked.lang))
    return WELL


def _report(asked: Namespace) -> int:
    """Print the fairness report of an output folder, in words or as JSON."""
    from matching.beside import report
    from matching.told import as_text

    problem = read_problem(asked.folder)
    plan = plan_for(problem, asked.out)
    told = report(problem, plan.lines, compare=not asked.short, interrupted=plan.certificate.interrupted)
    _say(dumps(told.as_json(), ensure_ascii=False, indent=2) if asked.json else as_text(told, lang=asked.lang))
    return WELL


def _link(asked: Namespace) -> int:
    """Write the pairs of a table that are one person, or may be."""
    from matching.link_command import linked

    rows, same, review = linked(asked)
    _say(f"{rows} records: {same} pairs the same, {review} for a person to look at; written to {asked.out}")
    return WELL


def _generate(asked: Namespace) -> int:
    """Write a made-up city into a new folder."""
    from matching.generate import generate

    if asked.folder.exists() and any(asked.folder.iterdir()):
        mend = "name a new or an empty folder"
        raise BadInput([Misfit(str(asked.folder), -1, "", str(asked.folder), "is not empty", mend)])
    if asked.shards:
        nation.generate(asked, _say)
        return WELL
    problem = generate(
        asked.needs,
        asked.resources,
        hard=asked.hard,
        caps=asked.caps,
        one_component=asked.one_component,
        seed=asked.seed,
        shape=asked.shape,
    )
    write_problem(problem, asked.folder, parquet=asked.parquet)
    _say(f"{len(problem.needs)} needs and {len(problem.resources)} resources written to {asked.folder}")
    return WELL


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m matching", description="Verified needs, posted resources: a proven plan.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    solve = commands.add_parser("solve", help="allocate a problem folder and write the plan with its proof")
    solve.add_argument("folder", type=Path)
    solve.add_argument("--out", type=Path, required=True, help="folder for plan, reasons, prices and certificate")
    solve.add_argument("--workers", type=above_zero, default=cores(), help="processes; the plan does not depend on it")
    solve.add_argument("--budget", type=seconds, help="seconds for hard parts; replaces budget_s of policy.json")
    solve.add_argument("--cluster", help="for a nation: the address of a Dask scheduler, or local for a rehearsal here")
    solve.set_defaults(run=_solve)
    check = commands.add_parser("check", help="judge a plan independently of the solvers")
    check.add_argument("folder", type=Path)
    check.add_argument("out", type=Path, metavar="dir")
    check.set_defaults(run=_check)
    explain = commands.add_parser("explain", help="say why one need got what it got")
    explain.add_argument("folder", type=Path)
    explain.add_argument("out", type=Path, metavar="dir")
    explain.add_argument("need_id")
    explain.add_argument("--lang", choices=("en", "zh"), default="en")
    explain.set_defaults(run=_explain)
    preview = commands.add_parser("preview", help="say what overrides would change, without changing anything")
    _add_preview(preview)

    _add_quote(commands.add_parser("quote", help="what a new need can have at once, and how it stands"))

    report = commands.add_parser("report", help="say who gets how much, and what other ways would have done")
    report.add_argument("folder", type=Path)
    report.add_argument("out", type=Path, metavar="dir")
    report.add_argument("--json", action="store_true", help="as JSON instead of words")
    report.add_argument("--short", action="store_true", help="leave out the comparison with other ways")
    report.add_argument("--lang", choices=("en", "zh"), default="en")
    report.set_defaults(run=_report)
    _add_generate(commands.add_parser("generate", help="write a made-up city into a new folder"))
    _add_link(commands.add_parser("link", help="find the rows of a table that are one person"))
    return parser


def _add_preview(preview: ArgumentParser) -> None:
    preview.add_argument("folder", type=Path)
    preview.add_argument("out", type=Path, metavar="dir")
    for name, parts in (
        ("--pin", ("NEED", "RESOURCE", "UNITS")),
        ("--ban", ("NEED", "RESOURCE")),
        ("--reserve", ("RESOURCE", "DISTRICT", "UNITS")),
        ("--more", ("RESOURCE", "UNITS")),
    ):
        preview.add_argument(name, nargs=len(parts), action="append", default=[], metavar=parts)
    preview.add_argument("--order", choices=("levels_first", "urgency_first"), help="another order of the cells")
    preview.add_argument("--lang", choices=("en", "zh"), default="en")
    preview.set_defaults(run=_preview)


def _add_quote(quote: ArgumentParser) -> None:
    quote.add_argument("folder", type=Path)
    quote.add_argument("out", type=Path, metavar="dir")
    quote.add_argument("need", type=Path, metavar="new_need.json", help="the columns of needs.csv as JSON")
    quote.add_argument("--json", action="store_true", help="the quote as JSON")
    quote.add_argument("--lang", choices=("en", "zh"), default="en")
    quote.set_defaults(run=_quote)


def _add_generate(generate: ArgumentParser) -> None:
    generate.add_argument("folder", type=Path)
    generate.add_argument("--needs", type=whole, required=True)
    generate.add_argument("--resources", type=whole, required=True)
    generate.add_argument("--hard", type=share, default=0.0, help="share of needs that take one provider only")
    generate.add_argument("--caps", type=share, help="share of households with a cap; 0, or 1 where --hard is above 0")
    generate.add_argument("--one-component", action="store_true", help="join everything into one part")
    generate.add_argument("--seed", type=whole, default=7)
    generate.add_argument("--shape", choices=("city", "county", "giants", "villages"), default="city")
    generate.add_argument("--shards", type=whole, default=0, help="a nation of so many cities of this size")
    generate.add_argument("--shared", type=whole, default=12, help="resources that all shards of a nation share")
    generate.add_argument("--parquet", action="store_true", help="tables as .parquet instead of .csv")
    generate.set_defaults(run=_generate)


def _add_link(link: ArgumentParser) -> None:
    link.add_argument("records", type=Path, metavar="RECORDS.csv", help="record_id and what is known of each person")
    link.add_argument("--out", type=Path, required=True, metavar="PAIRS.csv", help="a, b, score, band")
    link.add_argument("--fields", type=Path, metavar="MAP.json", help="own column names to the known ones")
    link.set_defaults(run=_link)


if __name__ == "__main__":
    sys.exit(main())
