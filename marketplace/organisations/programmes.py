"""Names of charities' programmes: a limit of a lifetime counts for one, so one programme must not have two names.

Enters: a name that a giver or staff write, and the names that the rooms above know. Leaves: the known name that it may
be meant for, as a question for whoever writes it; who says that it is another programme is believed. Two ways to write
one name are one. The rooms of offers and of the ledger hang their names in here. Called by forms, tables and the API.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Iterator

from rapidfuzz.distance import DamerauLevenshtein
from sqlmodel import Session

from marketplace.errors import BadInput
from marketplace.intake import CheckedRow, Column, Fault, Stage, cells

Ask = Callable[[Session, str | None], Iterable[str]]
NAMES: dict[str, Ask] = {}
"""Room ► the names it knows; with an organisation, those that this one may be told of."""
NEAR = "project_near"
_SHORTEST, _SIGNS = 3, 6
"""A name of fewer signs is like no other; of each so many signs one may differ."""


def plain(project: str, /) -> str:
    """The name of a charity's programme without width, case, spaces and marks: so two givers write one the same."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", project).casefold() if sign.isalnum())


class Programmes:
    """The names that are known.

    >>> known = Programmes(["天使阳光", "Heart for All"])
    >>> known.near("天使阳兴"), known.near("heart for al"), known.near("天使之旅"), known.near("Heart  for all")
    ('天使阳光', 'Heart for All', '', '')
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._known: dict[str, str] = {}
        for name in names:
            self.add(name)

    def add(self, name: str, /) -> None:
        """From now on the name is known."""
        if plain(name):
            self._known.setdefault(plain(name), name)

    def names(self) -> list[str]:
        """One way to write each, in order."""
        return sorted(self._known.values())

    def near(self, name: str, /) -> str:
        """The known name that this may be meant for; empty where it is known itself, or near to none."""
        told = plain(name)
        if not told or told in self._known:
            return ""
        return min((known for key, known in self._known.items() if _alike(told, key)), default="")

    def faults(self, rows: Iterable[CheckedRow], /) -> Iterator[Fault]:
        """A question for each row whose name is near to a known one or to that of a row above it."""
        for row in rows:
            name = str(row.values.get("project") or "")
            near = "" if row.values.get("other_project") else self.near(name)
            if near:
                yield Fault(row.number, "project", name[:40], NEAR, {"known": near}, Stage.ROWS)
            else:
                self.add(name)


def _alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    if len(long) < _SHORTEST:
        return False
    inside = len(short) >= _SHORTEST and 2 * len(short) >= len(long) and short in long
    return inside or DamerauLevenshtein.distance(one, other) <= max(1, len(long) // _SIGNS)


def programmes(session: Session, org_id: str | None = None, /) -> Programmes:
    """All known names, or those that an organisation may be told of: of what is offered here, and its own."""
    return Programmes(name for _room, ask in sorted(NAMES.items()) for name in ask(session, org_id))


def refuse_near(session: Session, project: str, /, *, other: bool, org_id: str | None) -> None:
    """BadInput with the known name, unless whoever writes says that it is another programme."""
    near = "" if other or not project else programmes(session, org_id).near(project)
    if near:
        raise BadInput(NEAR, field="project", known=near)


def other_column() -> Column:
    """The column by which a row says that its programme is another one than that of a near name."""
    yes = cells.one_of(cells.meanings([("yes", "是", "Yes")]))
    return Column("other_project", "确为另一慈善项目", "Another charity programme", yes, choices=("是",))
