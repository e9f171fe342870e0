"""The output folder: plan.csv, reasons.csv, prices.csv and certificate.json.

What enters: a plan, or an output folder. What leaves: the folder, written the same way every time, or the plan read
back. Called through `matching.folder` by the commands and by the judge.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from matching.columns import whole_number
from matching.model import LARGEST
from matching.plan import Certificate, Line, Plan, Price, Reason
from matching.policy_file import strict_json
from matching.tables import Wrong, at_one_go, csv_text, parsed, read_columns
from matching.wellformed import BadInput, Misfit

LINE = ("need_id", "resource_id", "units")
REASON = ("need_id", "resource_id", "code", "detail")
PRICE = ("tier", "kind", "id", "household_id", "price")
OUTPUT = ("plan.csv", "reasons.csv", "prices.csv")


def plan_text(lines: Iterable[Line]) -> str:
    """The exact content of plan.csv: sorted by need, then resource."""
    rows = sorted((line.need_id, line.resource_id, line.units) for line in lines)
    return csv_text(LINE, [(need_id, resource_id, str(units)) for need_id, resource_id, units in rows])


def plan_sha256(lines: Iterable[Line]) -> str:
    """SHA-256 of plan.csv as it is written; the same for the same lines in any order."""
    return hashlib.sha256(plan_text(lines).encode()).hexdigest()


def prices_text(prices: Iterable[Price]) -> str:
    """The exact content of prices.csv: sorted."""
    rows = sorted((p.tier, p.kind, p.id, p.household_id, p.price) for p in prices)
    return csv_text(PRICE, [tuple(map(str, row)) for row in rows])


_ROWS = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=("\n", ":"))
"""No text in JSON holds a bare line feed, and no detail holds a mapping: lines that open one begin a row."""
_READ = json.JSONDecoder().raw_decode
_PAGE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ": "), indent=2)


def write_plan(plan: Plan, out: Path) -> None:
    """Write the four files; the same plan gives the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    details = detail_texts([dict(r.detail) for r in plan.reasons])
    reasons = sorted(
        (r.need_id, r.resource_id, r.code, detail) for r, detail in zip(plan.reasons, details, strict=True)
    )
    content = {
        "plan.csv": plan_text(plan.lines),
        "reasons.csv": csv_text(REASON, reasons),
        "prices.csv": prices_text(plan.prices),
        "certificate.json": _PAGE.encode(_content(plan.certificate)) + "\n",
    }
    for name, text in content.items():
        (out / name).write_text(text, "utf-8", newline="")


def detail_texts(details: Sequence[Mapping[str, str | int]]) -> list[str]:
    """Each mapping as canonical JSON, all of them in one call: a city has hundreds of thousands.

    >>> detail_texts([{"b": 1, "a": "x,y"}, {}])
    ['{"a":"x,y","b":1}', '{}']
    """
    rows = _ROWS.encode(details)[1:-1].split("\n{")
    return [rows[0].replace("\n", ","), *("{" + row.replace("\n", ",") for row in rows[1:])] if details else []


def _content(certificate: Certificate) -> dict[str, object]:
    values = {field.name: getattr(certificate, field.name) for field in fields(certificate)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


@at_one_go()
def read_plan(out: Path) -> Plan:
    """Read an output folder back.

    Raises
    ------
    BadInput
        If a file is missing or a cell cannot be read; the judge calls that a fault.
    """
    return replace(read_bare(out), reasons=tuple(map(Reason, *reason_columns(out))))


def read_bare(out: Path) -> Plan:
    """The plan of an output folder without its reasons, which are most of it; or `BadInput`."""
    return Plan(
        lines=tuple(map(Line, *_columns(out / "plan.csv", dict(zip(LINE, (str, str, _units), strict=True))))),
        reasons=(),
        prices=read_prices(out / "prices.csv"),
        certificate=_certificate(out / "certificate.json"),
    )


def reason_columns(out: Path) -> list[list[Any]]:
    """Needs, resources, codes and details of the reasons of an output folder, or `BadInput`."""
    return _columns(out / "reasons.csv", dict(zip(REASON, (str, str, str, _detail), strict=True)))


def read_prices(path: Path) -> tuple[Price, ...]:
    """Read a table of prices back, or `BadInput`."""
    return tuple(map(Price, *_columns(path, dict(zip(PRICE, (_number, str, str, str, _number), strict=True)))))


def _columns(path: Path, parsers: Mapping[str, Callable[[str], Any]]) -> list[list[Any]]:
    if not path.is_file():
        raise BadInput([Misfit(path.name, -1, "", path.name, "is missing", "solve again")])
    header, columns = read_columns(path)
    if header != [*parsers]:
        wrong = f"is not the header {','.join(parsers)}"
        raise BadInput([Misfit(path.name, -1, "", ",".join(header), wrong, "solve again")])
    values = []
    for (name, parse), cells in zip(parsers.items(), columns, strict=True):
        column, wrongs = parsed(cells, parse)
        if wrongs:
            raise BadInput(Misfit(path.name, i, name, cell, x.wrong, x.mend) for i, cell, x in wrongs)
        values.append(column)
    return values


def _units(cell: str) -> int:
    return whole_number(cell, least=1, most=LARGEST)


def _number(cell: str) -> int:
    try:
        return int(cell)
    except ValueError as error:
        raise Wrong("is no whole number", "solve again") from error


def _detail(cell: str) -> dict[str, Any]:
    try:
        detail, end = _READ(cell)
        if end == len(cell) and isinstance(detail, dict):
            return detail
    except ValueError:
        pass
    raise Wrong("is not a mapping", "solve again")


def _certificate(path: Path) -> Certificate:
    if not path.is_file():
        raise BadInput([Misfit(path.name, -1, "", path.name, "is missing", "solve again")])
    try:
        content = strict_json(path.read_text("utf-8"))
        lists = {name: tuple(content[name]) for name in ("coverage", "conflict")}
        names = [field.name for field in fields(Certificate)]
        return Certificate(**{name: content[name] for name in names} | lists)
    except (ValueError, KeyError, TypeError) as error:
        misfit = Misfit(path.name, -1, "", path.name, f"cannot be read: {error!r}", "solve again")
        raise BadInput([misfit]) from error
