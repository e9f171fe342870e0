"""`solve`, `check` and `generate` where the folder is a nation.

What enters: the parsed words of a command line. What leaves: folders, a few lines on standard output, an exit code.
Called by `matching.__main__`, which knows the exit codes and turns bad input into the last of them.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from time import monotonic

from matching.nation_folder import is_nation
from matching.wellformed import BadInput, Misfit

Say = Callable[[object], None]


def solve(asked: Namespace, say: Say) -> bool:
    """Solve a nation on the cluster that was named; whether its pins can be met."""
    from matching.cluster import crew
    from matching.nation import solve_nation
    from matching.nation_rounds import Round

    def told(state: Round) -> None:
        say(f"round {state.number:<6}bound {state.bound}, mixture {state.mixture:.0f}")

    start = monotonic()
    with crew(asked.cluster, workers=asked.workers) as workers:
        found = solve_nation(asked.folder, asked.out, crew=workers, told=told)
    if found["status"] == "infeasible":
        say("infeasible: these pins contradict each other or the rules; release one of them")
        for pin in found["conflict"]:
            say(f"  {pin}")
        return False
    say(f"status      {found['status']} after {found['rounds']} rounds, {len(found['shards'])} shards")
    say(f"score       {found['score']} of at most {found['bound']}: gap {found['gap']:.8%}")
    say(f"given       {found['units']} units to {found['households_served']} households of {found['needs']} needs")
    say(f"hash        {found['nation_sha256']}")
    phases = ", ".join(f"{name} {seconds}" for name, seconds in found["seconds"].items())
    say(f"seconds     {monotonic() - start:.1f} in all: {phases}")
    say(f"written     {asked.out}")
    return True


def is_wanted(asked: Namespace) -> bool:
    """Whether the folder is a nation; `--cluster` is for nations only, and nations need it.

    Raises
    ------
    BadInput
        If only one of the two is there.
    """
    several = is_nation(asked.folder)
    if several == bool(asked.cluster):
        return several
    wrong = "is a nation" if several else "is no nation: it has no shards/"
    mend = "add --cluster local, or the address of a scheduler" if several else "leave --cluster out"
    raise BadInput([Misfit(str(asked.folder), -1, "", str(asked.folder), wrong, mend)])


def check(asked: Namespace) -> list[str]:
    """The faults of a nation, one line each."""
    from matching.nation_check import check_nation

    return [f"{fault.code}: {fault.message}" for fault in check_nation(asked.folder, asked.out)]


def generate(asked: Namespace, say: Say) -> None:
    """Write a made-up nation."""
    from matching.generate_nation import write_nation_folder

    write_nation_folder(
        asked.folder,
        shards=asked.shards,
        needs=asked.needs,
        resources=asked.resources,
        shared=asked.shared,
        seed=asked.seed,
        parquet=asked.parquet,
    )
    say(f"{asked.shards} shards of {asked.needs} needs, {asked.shared} shared resources, written to {asked.folder}")
