"""The columns of a sheet that the meeting fills in: decision, resource, amount, officer, last day, reason.

Enters: rows of a sheet. Leaves: the schema with which a filled table is read, and what these columns say of a row when
the table goes out, so that both speak with the same words. Resources and officers are named by their names; where
several of a kind or a district have one name, the beginning of the number stands behind it. Called by the page of the
table and by `sheet_import`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, col, select

from marketplace.db import chunks
from marketplace.intake import BadCell, Column, Row, Schema, cells
from marketplace.meetings import duties, packs
from marketplace.meetings.models import Duty, MeetingRow, Verdict
from marketplace.meetings.named import names_of, officers_of
from marketplace.offers.models import Offer

NOT_DECIDED = "open"
DECISIONS = {
    Verdict.PIN.value: ("已指定", "pinned"),
    Verdict.BAN.value: ("已排除", "banned"),
    Verdict.DUTY.value: ("已交办", "duty given"),
    Verdict.GOVERNMENT.value: ("转政府救助", "government aid"),
    Verdict.CLOSED.value: ("已结束", "closed"),
    NOT_DECIDED: ("未决定", "not decided"),
}
"""The words of the sheet (`words.SHORT`), in both languages."""
ALSO = (
    (Verdict.PIN.value, "指定", "pin"),
    (Verdict.BAN.value, "排除", "ban"),
    (Verdict.DUTY.value, "交办", "duty"),
    (Verdict.GOVERNMENT.value, "政府救助", "government"),
    (Verdict.CLOSED.value, "结束", "close"),
)
TO_FILL = ("decision", "resource", "units", "officer", "due_on", "reason", "sheet")
"""The last columns of the table that goes out; the sheet's number brings it back to its sheet."""
USES = {
    Verdict.PIN.value: ("resource", "units", "reason"),
    Verdict.BAN.value: ("resource", "reason"),
    Verdict.DUTY.value: ("officer", "due_on", "reason"),
    Verdict.GOVERNMENT.value: ("reason",),
    Verdict.CLOSED.value: ("reason",),
}
"""What a decision uses; other cells of its row say nothing, as fields of the page do."""
MAY_BE_EMPTY = (Verdict.BAN.value, "resource"), (Verdict.DUTY.value, "due_on")
LONGEST_REASON = 200
_ASKED = 500


def sheet_schema() -> Schema:
    """The columns that are read; what else stands in the table that went out is passed over."""
    decisions = cells.meanings([*((code, *labels) for code, labels in DECISIONS.items()), *ALSO])
    reason = cells.text(LONGEST_REASON, nameless=True)
    columns = (
        Column("sheet", "会商单编号", "Sheet", cells.text(32), needed=True, filled=True),
        Column("row", "行号", "Row", cells.whole(1, 10**6), needed=True, filled=True, kind="number"),
        Column("need", "需求编号", "Number of the need", cells.text(34)),
        Column("decision", "决定", "Decision", cells.one_of(decisions), needed=True, choices=tuple(DECISIONS)),
        Column("resource", "资源", "Resource", cells.text(160)),
        Column("units", "指定数额", "Amount pinned", cells.number, kind="number"),
        Column("officer", "责任人", "Officer by name", cells.text(160)),
        Column("due_on", "期限", "Until", cells.day, kind="date"),
        Column("reason", "原因", "Reason", reason, needed=True, secret=True),
    )
    return Schema(columns=columns, key=("sheet", "row"), finish=_finish)


def _finish(row: Row) -> None:
    """What a decision uses has to be there."""
    decision = row["decision"]
    for name in USES.get(decision, ()):
        if row[name] is None and (decision, name) not in MAY_BE_EMPTY:
            row.fault(name, "empty")


class Names:
    """Open resources of a kind and officers of a district, as a table names them; each is asked for once."""

    def __init__(self, session: Session, /) -> None:
        self._session = session
        self._resources: dict[str, dict[str, str]] = {}
        self._officers: dict[str, dict[str, str]] = {}

    def resources(self, category: str, /) -> Mapping[str, str]:
        """Id ► how it is named."""
        if category not in self._resources:
            found = packs.open_offers(self._session, category)
            self._resources[category] = labelled((one.id, one.title) for one in found)
        return self._resources[category]

    def officers(self, district: str, /) -> Mapping[str, str]:
        """The same for whoever can be named for a need there."""
        if district not in self._officers:
            found = duties.officers(self._session, district)
            self._officers[district] = labelled((one.id, one.display_name) for one in found)
        return self._officers[district]


def labelled(pairs: Iterable[tuple[str, str]], /) -> dict[str, str]:
    """Id ► its name; where several have one name, with the beginning of the id behind it.

    >>> labelled([("a" * 26, "Rice"), ("b" * 26, "Rice"), ("c" * 26, "Oil")])["c" * 26]
    'Oil'
    >>> sorted(labelled([("a" * 26, "Rice"), ("b" * 26, "rice ")]).values())
    ['Rice · AAAAAAAA', 'rice · BBBBBBBB']
    """
    named = [(one, " ".join(name.split())) for one, name in pairs]
    often = Counter(name.casefold() for _one, name in named)
    return {one: f"{name} · {one[:8].upper()}" if often[name.casefold()] > 1 else name for one, name in named}


def named_by(typed: str, known: Mapping[str, str], /, *, unknown: str) -> str:
    """The id of what was typed: its label, its whole number, or a name that only one has. BadCell otherwise."""
    wanted = " ".join(typed.split()).casefold()
    exact = [one for one, label in known.items() if wanted in (label.casefold(), one.casefold())]
    if exact:
        return exact[0]
    alike = sorted(label for label in known.values() if label.casefold().startswith(f"{wanted} · "))
    if alike:
        raise BadCell("name_of_several", names=" / ".join(alike[:5]))
    raise BadCell(unknown)


@dataclass(frozen=True, slots=True)
class Filled:
    """What the columns to fill in say of a row as it stands."""

    resource: str = ""
    units: int = 0
    officer: str = ""
    due_on: date | None = None
    reason: str = ""


def filled(session: Session, rows: Sequence[MeetingRow], names: Names, /) -> dict[int, Filled]:
    """Row ► what it says: a decided one what was decided; another one the resource that its run named, where it is
    open, and who has it by name, as the page offers them first."""
    held, made = officers_of(session, rows), _duties(session, rows)
    people = names_of(session, held.values())
    found = {}
    for row in rows:
        offer_id = row.decision_offer_id if row.verdict else row.offer_id
        label = names.resources(row.category).get(offer_id, "") if offer_id else ""
        offer = session.get(Offer, offer_id) if offer_id and row.verdict and not label else None
        officer = held[row.number]
        found[row.number] = Filled(
            resource=offer.title if offer is not None else label,
            units=row.decision_units,
            officer=names.officers(row.district_code).get(officer, people.get(officer, "")) if officer else "",
            due_on=made.get(row.made_id),
            reason=row.reason,
        )
    return found


def _duties(session: Session, rows: Sequence[MeetingRow]) -> dict[str, date]:
    made = sorted(row.made_id for row in rows if row.verdict == Verdict.DUTY)
    asked = (select(Duty).where(col(Duty.id).in_(some)) for some in chunks(made, _ASKED))
    return {duty.id: duty.due_on for one in asked for duty in session.exec(one)}
