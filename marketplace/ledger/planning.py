"""What loading rows of past aid would do.

Enters: checked rows of one source. Leaves: a `Plan`: each row with its household, the need it covers and how much of
it, and what the ledger already holds. Aid that names a need covers it up to what is still open; the rest stays as the
household's history, so that no need ever gets more than its gap. A gift that another source told of already covers
nothing and is not counted (`ledger.repeats`). Called by `imports`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlmodel import Session, col

from marketplace.db import chunks
from marketplace.households.same import Same, same_as
from marketplace.intake import CheckedRow, Fault, Stage
from marketplace.ledger import repeats, whom
from marketplace.ledger.models import LIVE, PROMISED, AidState, LedgerEntry
from marketplace.ledger.references import meant
from marketplace.needs.models import Need
from marketplace.sealed import Vault, vault_of
from matching.overlap_rules import CHARITY

_ASKED = 500
AS_HISTORY = "as_history"
"""A value that a person's decision adds to a row: it is the household's past aid, whatever need it names."""


@dataclass(slots=True)
class Known:
    """A need that rows may cover; `open_units` shrinks as the plan uses it."""

    need: Need
    open_units: int


@dataclass(slots=True)
class Planned:
    """One row: to whom, for which need, how much of it (`covers`), and what the ledger holds of it."""

    row: CheckedRow
    index: str
    rest_index: str
    household_id: str = ""
    person_id: str = ""
    need: Need | None = None
    covers: int = 0
    held: list[LedgerEntry] = field(default_factory=list)
    repeats: str = ""

    @property
    def units(self) -> int:
        """All units of the row."""
        return int(self.row.values["units"])

    @property
    def state(self) -> AidState:
        """The row's state; delivered unless it says otherwise, a repeat where another row tells of the gift."""
        return AidState.REPEAT if self.repeats else self.told

    @property
    def told(self) -> AidState:
        """The state that the source tells."""
        return AidState(self.row.values.get("state") or AidState.DELIVERED)

    @property
    def words(self) -> dict[str, str]:
        """The columns of text as the ledger keeps them."""
        values = self.row.values
        return {
            "household_id": self.household_id,
            "person_id": self.person_id or (self.need.person_id if self.need else ""),
            "giver": values.get("giver") or "",
            "category": values["category"],
            "payer": values.get("payer") or "CHARITY",
            "programme": values.get("programme") or "",
            "project": values.get("project") or "",
            "cause": values.get("cause") or (self.need.cause if self.need else ""),
        }

    def main_of(self, index: str) -> str:
        """The index of the row that the rest of this aid belongs to; empty for that row itself."""
        return self.index if index == self.rest_index else ""

    @property
    def parts(self) -> list[tuple[str, str | None, int]]:
        """(index, need, units) of the ledger rows that this row becomes."""
        if self.need is None or not self.covers or self.repeats:
            return [(self.index, None, self.units)]
        rest = self.units - self.covers
        return [(self.index, self.need.id, self.covers)] + ([(self.rest_index, None, rest)] if rest else [])


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them; `strangers` (`unknown`) name a household that is not here."""

    new: list[Planned] = field(default_factory=list)
    changed: list[Planned] = field(default_factory=list)
    same: int = 0
    again: list[LedgerEntry] = field(default_factory=list)
    """Promises among the same: their giver has said once more that they stand."""
    strangers: int = 0
    unknown: list[CheckedRow] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    contrary: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Number of each row that contradicts the need it names ► why, and its household."""

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        done = [*self.new, *self.changed]
        return {
            "new": len(self.new),
            "changed": len(self.changed),
            "same": self.same,
            "strangers": self.strangers,
            "covering": sum(bool(item.covers) for item in done),
            "beyond": sum(item.need is not None and item.covers < item.units and not item.repeats for item in done),
            "repeated": sum(bool(item.repeats) for item in done),
        }


def plan(session: Session, rows: Sequence[CheckedRow], /, *, source: str) -> Plan:
    """Compare the rows with what is stored, in the order of the file; O(rows), questions in slices."""
    vault = vault_of(session)
    items = [_planned(vault, row, source=source) for row in rows]
    _find_held(session, items)
    needs = _needs(session, items, vault=vault, source=source)
    told = {name: known.need.household_id for name, known in needs.items()}
    of_whom, found = whom.find(session, rows, needs=told, source=source), Plan()
    for item, (home, person) in zip(items, of_whom, strict=True):
        item.household_id, item.person_id = home, person
    same = same_as(session, {item.household_id for item in items} | set(told.values()) - {""})
    _find_repeats(session, items, source=source)
    for item in items:
        known = None if item.row.values.get(AS_HISTORY) else needs.get(item.row.values.get("need_source_id") or "")
        _place(item, known, same=same, found=found)
    return found


def index_of(vault: Vault, row: CheckedRow, /, *, source: str) -> tuple[str, str]:
    """Under which indexes the ledger holds a row of a source: what covers its need, and the rest."""
    key = f"{source}\x00{row.values['source_id']}"
    return vault.index("ledger-source", key), vault.index("ledger-source", f"{key}\x00rest")


def _planned(vault: Vault, row: CheckedRow, *, source: str) -> Planned:
    return Planned(row, *index_of(vault, row, source=source))


def _find_repeats(session: Session, items: Sequence[Planned], *, source: str) -> None:
    """Mark the rows that tell of a gift which another source told of already."""
    asked = {
        item.index: repeats.Told(
            source=source,
            household_id=item.household_id,
            giver=str(item.row.values.get("giver") or ""),
            category=str(item.row.values["category"]),
            programme=str(item.row.values.get("programme") or ""),
            cause=str(item.row.values.get("cause") or ""),
            units=item.units,
            given_on=date.fromisoformat(str(item.row.values["given_on"])),
            payer=str(item.row.values.get("payer") or CHARITY),
            held=tuple(item.held),
            promise=item.told in PROMISED,
            person=item.person_id,
        )
        for item in items
        if item.household_id and item.told in LIVE
    }
    found = repeats.find(session, asked)
    for item in items:
        item.repeats = found.get(item.index, "")


def _place(item: Planned, known: Known | None, *, same: Same, found: Plan) -> None:
    if not item.household_id:
        found.strangers += 1
        found.unknown.append(item.row)
        return
    if known is not None and _fits(item, known.need, same, found):
        item.need = known.need
        if item.household_id != known.need.household_id:  # the person of another record of the same household
            item.household_id, item.person_id = known.need.household_id, known.need.person_id or item.person_id
    if item.held and _unchanged(item):
        found.same += 1
        found.again += [part for part in item.held if part.state in PROMISED]
        return
    if known is not None and item.need is not None:
        own = sum(part.units for part in item.held if part.need_id == known.need.id and part.state in LIVE)
        open_units = known.open_units + own
        item.covers = min(item.units, open_units)
        known.open_units = open_units - (item.covers if item.state in LIVE else 0)
    (found.changed if item.held else found.new).append(item)


def _fits(item: Planned, need: Need, same: Same, found: Plan) -> bool:
    """Whether the need is the same household's, or of one that counts as it, and of the same kind; else the row is
    faulty, unless the ledger holds it already as past aid."""
    code = ""
    if need.household_id not in same.of(item.household_id):
        code = "need_of_another"
    elif need.category != item.row.values["category"]:
        code = "need_of_other_kind"
    if code and not (item.held and _unchanged(item)):
        shown = str(item.row.values["need_source_id"])[:40]
        found.faults.append(Fault(item.row.number, "need_source_id", shown, code, {}, Stage.ROWS))
        found.contrary[item.row.number] = code, item.household_id
    return not code


def _unchanged(item: Planned) -> bool:
    """Whether the ledger holds just this; a need that came in after its aid is a change."""
    values, first = item.row.values, item.held[0]
    same = (
        sum(part.units for part in item.held) == item.units
        and all((part.state, part.repeats_id or "") == (item.state, item.repeats) for part in item.held)
        and (not item.repeats or all(as_told(part) is item.told for part in item.held))
        and first.given_on == date.fromisoformat(values["given_on"])
        and all(getattr(first, name) == told for name, told in item.words.items())
    )
    came_later = (
        not item.repeats
        and item.need is not None
        and all(part.need_id is None and part.created_at < item.need.created_at for part in item.held)
    )
    return same and not came_later


def as_told(part: LedgerEntry, /) -> AidState:
    """The state that the source of a row tells; a repeat keeps it beside its own."""
    return part.state if part.state is not AidState.REPEAT else AidState(part.told or AidState.DELIVERED)


def _find_held(session: Session, items: Sequence[Planned]) -> None:
    by_index = {index: item for item in items for index in (item.index, item.rest_index)}
    for some in chunks(sorted(by_index), _ASKED):
        asked = select(LedgerEntry).where(col(LedgerEntry.source_index).in_(some))
        for entry in session.execute(asked.order_by(col(LedgerEntry.source_index))).scalars():
            by_index[entry.source_index].held.append(entry)


def _needs(session: Session, items: Sequence[Planned], *, vault: Vault, source: str) -> dict[str, Known]:
    """The needs that rows name, by their reference in this source or else in the only one that has it; locked until
    the end."""
    names = {item.row.values["need_source_id"] for item in items if item.row.values.get("need_source_id")}
    sources = session.execute(select(col(Need.source)).distinct()).scalars().all() if names else []
    wanted = {vault.index("need-source", f"{one}\x00{name}"): (name, one) for name in names for one in sources}
    told: dict[str, dict[str, Known]] = {}
    for some in chunks(sorted(wanted), _ASKED):
        asked = select(Need).where(col(Need.source_index).in_(some)).order_by(col(Need.id)).with_for_update()
        for need in session.execute(asked.execution_options(populate_existing=True)).scalars():
            name, one = wanted[need.source_index]
            told.setdefault(name, {})[one] = Known(need, need.gap_units - need.committed_units)
    return meant(told, source)
