"""The nation's folder on disk: shards side by side, and what comes of them.

What enters: a folder with `shards/<name>/`, each an ordinary problem folder, or an output folder of a nation. What
leaves: the names of the shards, problems with other stocks, the prices that bound a shard, and `nation.json`. Called by
`nation`, `shards`, `generate_nation` and by the nation's judge, so it imports nothing of the solvers.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from matching.model import Problem
from matching.plan import Price
from matching.policy_file import strict_json
from matching.results import prices_text
from matching.wellformed import BadInput, Misfit

SHARDS = "shards"
NATION = "nation.json"
PRICES = "nation_prices.csv"


def is_nation(folder: Path) -> bool:
    """Whether the folder holds shards rather than one problem."""
    return (folder / SHARDS).is_dir()


def shard_folders(folder: Path) -> dict[str, Path]:
    """Name ► problem folder of every shard, sorted by name.

    Raises
    ------
    BadInput
        If there is no shard, or tables of a single problem stand beside the shards.
    """
    place = folder / SHARDS
    if not place.is_dir():
        mend = "name a folder that holds shards/<name>/, each a problem folder"
        raise BadInput([Misfit(str(folder), -1, "", str(folder), "is not a nation", mend)])
    stray = [path.name for path in sorted(folder.iterdir()) if path.suffix in (".csv", ".parquet")]
    if stray:
        misfits = [Misfit(name, -1, "", name, "stands beside the shards", "move it into a shard") for name in stray]
        raise BadInput(misfits)
    found = {path.name: path for path in sorted(place.iterdir()) if path.is_dir()}
    if not found:
        raise BadInput([Misfit(SHARDS, -1, "", SHARDS, "holds no folder", "add one problem folder per shard")])
    return found


def with_stocks(problem: Problem, stocks: Mapping[str, int]) -> Problem:
    """The same problem with other stocks for the named resources."""
    rows = tuple(replace(row, stock=stocks.get(row.resource_id, row.stock)) for row in problem.resources)
    return replace(problem, resources=rows)


def write_prices(rows: Iterable[Price], out: Path) -> None:
    """Write `nation_prices.csv`: the columns of `prices.csv`."""
    (out / PRICES).write_text(prices_text(rows), "utf-8", newline="")


def files_sha256(folder: Path) -> str:
    """SHA-256 over the names and bytes of the files of one shard: has it changed since it was read?"""
    total = sha256()
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        total.update(f"{path.name} {path.stat().st_size}\n".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


def nation_sha256(plans: Mapping[str, str]) -> str:
    """SHA-256 over the shards' names and plan hashes, sorted: one number for the whole nation."""
    return sha256("".join(f"{name} {plan}\n" for name, plan in sorted(plans.items())).encode()).hexdigest()


def write_nation(content: Mapping[str, Any], out: Path) -> None:
    """Write `nation.json`."""
    out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, indent=2)
    (out / NATION).write_text(text + "\n", "utf-8", newline="")


def read_nation(out: Path) -> dict[str, Any]:
    """Read `nation.json` back.

    Raises
    ------
    BadInput
        If it is missing or no JSON object.
    """
    try:
        content = strict_json((out / NATION).read_text("utf-8"))
        if isinstance(content, dict):
            return content
        raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise BadInput(
            [Misfit(NATION, -1, "", str(out / NATION), "cannot be read", "solve the nation again")]
        ) from error
