"""The output folder: plan.csv, reasons.csv, prices.csv and certificate.json.

What enters: a plan, or an output folder. What leaves: the folder, written the same way every time, or the plan read
back. Called through `matching.folder` by the commands and by the judge.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from matching.columns import Wrong, whole_number
from matching.model import LARGEST
from matching.plan import Certificate, Line, Plan, Price, Reason
from matching.tables import csv_text, read_rows
from matching.wellformed import BadInput, Misfit

LINE = ("need_id", "resource_id", "units")
REASON = ("need_id", "resource_id", "code", "detail")
PRICE = ("tier", "kind", "id", "household_id", "price")
OUTPUT = ("plan.csv", "reasons.csv", "prices.csv")


def plan_text(lines: Iterable[Line]) -> str:
    """The exact content of plan.csv: sorted by need, then resource."""
    rows = sorted((line.need_id, line.resource_id, line.units) for line in lines)
    return csv_text(LINE, rows)


def plan_sha256(lines: Iterable[Line]) -> str:
    """SHA-256 of plan.csv as it is written; the same for the same lines in any order."""
    return hashlib.sha256(plan_text(lines).encode()).hexdigest()


_ROW = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"))
"""Made once: a city has hundreds of thousands of details to write."""
_PAGE = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ": "), indent=2)


def write_plan(plan: Plan, out: Path) -> None:
    """Write the four files; the same plan gives the same bytes."""
    out.mkdir(parents=True, exist_ok=True)
    reasons = sorted((r.need_id, r.resource_id, r.code, _ROW.encode(dict(r.detail))) for r in plan.reasons)
    prices = sorted((p.tier, p.kind, p.id, p.household_id, p.price) for p in plan.prices)
    content = {
        "plan.csv": plan_text(plan.lines),
        "reasons.csv": csv_text(REASON, reasons),
        "prices.csv": csv_text(PRICE, prices),
        "certificate.json": _PAGE.encode(_content(plan.certificate)) + "\n",
    }
    for name, text in content.items():
        (out / name).write_text(text, "utf-8", newline="")


def _content(certificate: Certificate) -> dict[str, object]:
    values = {field.name: getattr(certificate, field.name) for field in fields(certificate)}
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}


def read_plan(out: Path) -> Plan:
    """Read an output folder back.

    Raises
    ------
    BadInput
        If a file is missing or a cell cannot be read; the judge calls that a fault.
    """
    return Plan(
        lines=tuple(_read(out / "plan.csv", LINE, _line)),
        reasons=tuple(_read(out / "reasons.csv", REASON, _reason)),
        prices=tuple(_read(out / "prices.csv", PRICE, _price)),
        certificate=_certificate(out / "certificate.json"),
    )


def _read(path: Path, header: Sequence[str], build: Callable[[list[str]], Any]) -> Iterator[Any]:
    if not path.is_file():
        raise BadInput([Misfit(path.name, -1, "", path.name, "is missing", "solve again")])
    found, rows = read_rows(path)
    if found != list(header):
        wrong = f"is not the header {','.join(header)}"
        raise BadInput([Misfit(path.name, -1, "", ",".join(found), wrong, "solve again")])
    for i, cells in enumerate(rows):
        try:
            yield build(cells)
        except ValueError as error:
            misfit = Misfit(path.name, i, "", ",".join(cells), "cannot be read", f"solve again ({error})")
            raise BadInput([misfit]) from error


def _line(cells: list[str]) -> Line:
    return Line(cells[0], cells[1], whole_number(cells[2], least=1, most=LARGEST))


def _reason(cells: list[str]) -> Reason:
    detail = json.loads(cells[3])
    if not isinstance(detail, dict):
        raise Wrong("is not a mapping", "solve again")
    return Reason(cells[0], cells[1], cells[2], detail)


def _price(cells: list[str]) -> Price:
    return Price(int(cells[0]), cells[1], cells[2], cells[3], int(cells[4]))


def _certificate(path: Path) -> Certificate:
    if not path.is_file():
        raise BadInput([Misfit(path.name, -1, "", path.name, "is missing", "solve again")])
    try:
        content = json.loads(path.read_text("utf-8"))
        lists = {name: tuple(content[name]) for name in ("coverage", "conflict")}
        names = [field.name for field in fields(Certificate)]
        return Certificate(**{name: content[name] for name in names} | lists)
    except (ValueError, KeyError, TypeError) as error:
        misfit = Misfit(path.name, -1, "", path.name, f"cannot be read: {error!r}", "solve again")
        raise BadInput([misfit]) from error
