"""A day of the house is a day in China: nobody asks a moment for its UTC date, but where a name here says why."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.source import nodes_of

ROOT = Path(__file__).parents[2] / "marketplace"
UTC_DAYS = "the seconds of a token are cut to UTC days, so that they tell no hour"
ALLOWED = {
    "watching.py: as_of.date()": "a day typed at the command line has no zone",
    "tables.py: seen_from.date()": "a day typed at the command line has no zone",
    "ledger/imports.py: datetime.strptime(str(since), '%Y%m%d').date()": "a day typed into a batch has no zone",
    "intake/cells.py: found.date()": "a spreadsheet's cell has no zone",
    "appointments/fitness.py: first.date()": "the moments are China's already",
    "appointments/fitness.py: last.date()": "the moments are China's already",
    "credentials/claims.py: now.astimezone(UTC).date()": UTC_DAYS,
    "credentials/claims.py: last.astimezone(UTC).date()": UTC_DAYS,
}
"""Where a date is taken from a moment outside `calendar`, and why that is not the house's day."""


def dates_taken(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Each `x.date()` and `x.today()` of a module, as it is written."""
    for node in nodes:
        match node:
            case ast.Call(func=ast.Attribute(attr="date" | "today"), args=[]):
                yield ast.unparse(node)


def test_the_day_of_a_moment_is_asked_from_the_calendar() -> None:
    found = {
        f"{path.relative_to(ROOT).as_posix()}: {call}"
        for path in ROOT.rglob("*.py")
        if path.name != "calendar.py"
        for call in dates_taken(nodes_of(path))
    }
    assert found - ALLOWED.keys() == set(), "use local_day(moment) of marketplace.calendar"
    assert ALLOWED.keys() - found == set(), "an exception that nothing needs any more"


def test_a_date_taken_from_a_moment_is_seen() -> None:
    assert list(dates_taken(ast.walk(ast.parse("day = now.date()")))) == ["now.date()"]
    later = ast.parse("day = datetime.now(UTC).date() + DAY")
    assert list(dates_taken(ast.walk(later))) == ["datetime.now(UTC).date()"]
