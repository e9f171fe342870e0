"""The table of deliveries: what a giver fills in from its own lists instead of ticking.

Enters: a file with our line reference in each row. Leaves: a checked batch that says exactly what confirming would do,
and, confirmed, the matches delivered with their evidence. Rows that name a slip keep its number as proof, the others
count as ticked. A delivery that is on record already (money that the bank has paid) and has no slip yet keeps the slip
of its row as a further proof. The same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, and_
from sqlmodel import Session, col, select

from adapters import tabular_writer
from marketplace.actors import Actor
from marketplace.decisions import paying
from marketplace.decisions.cards import case_kinds
from marketplace.decisions.models import Match, MatchState
from marketplace.intake import (
    NO_MAPPING,
    BadCell,
    Checked,
    CheckedRow,
    Column,
    Fault,
    FileMapping,
    ImportBatch,
    ImportKind,
    ImportState,
    Schema,
    cells,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
)
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.policy import require
from marketplace.proofs.evidence import SLIP_LENGTH, Piece, add, hand_over
from marketplace.proofs.models import Proof, ProofKind
from marketplace.proofs.slips import USED, code_of, typed
from marketplace.reference.needs import MONEY
from marketplace.reference.services import find_service, list_services
from marketplace.web.codes import place, word

READ_AT_ONCE = 1000
"""So many lines of a file are held at a time; the file has every line."""


def delivery_schema() -> Schema:
    """The columns; only the reference has to be there."""
    text = cells.text
    columns = (
        Column("reference", "发放编号", "Line reference", text(40), needed=True, filled=True, also=("送达码", "编号")),
        Column("units", "实发数量", "Delivered amount", cells.number, also=("数量",), kind="number"),
        Column("slip_number", "纸质回执号", "Paper slip number", text(SLIP_LENGTH)),
        Column("note", "备注", "Note", text(200)),
    )
    return Schema(columns=columns, key=("reference",))


@dataclass(frozen=True, slots=True)
class Planned:
    """One row with the match it stands for and the units that were handed over."""

    row: CheckedRow
    match: Match
    units: int


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[Planned] = field(default_factory=list)
    slips: list[Planned] = field(default_factory=list)
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        fewer = sum(item.units < item.match.units for item in self.new)
        return {"new": len(self.new), "fewer": fewer, "slips": len(self.slips), "same": self.same}


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str) -> Plan:
    """Find each row's match among the giver's own; a reference of another giver is as unknown as an invented one."""
    open_, used = _by_code(session, org_id, (MatchState.IN_DELIVERY,)), _by_code(session, org_id, USED)
    wanted = {match.need_id for match in open_.values()}
    needs = session.exec(select(Need).where(col(Need.id).in_(wanted))).all()
    units, kinds = {need.id: need.unit for need in needs}, {need.id: need.category for need in needs}
    cases = case_kinds(session.get_one(Organisation, org_id))
    proven = _with_slip(session, used.values())
    paid_soon = paying.at_the_bank(session, [match.id for match in open_.values()])
    found = Plan()
    for row in rows:
        code = typed(str(row.values["reference"]))
        match = open_.get(code)
        if match is None and code in used:
            late = row.values.get("slip_number") and used[code].id not in proven
            if late:
                found.slips.append(Planned(row, used[code], used[code].units))
            else:
                found.same += 1
        elif match is None:
            found.faults.append(row.fault("reference", "unknown_delivery"))
        elif match.id in paid_soon:
            found.faults.append(row.fault("reference", "payment_on_its_way"))
        elif match.held_for:
            found.faults.append(row.fault("reference", "match_held"))
        elif find_service(kinds[match.need_id]):
            found.faults.append(row.fault("reference", "needs_visits"))
        elif kinds[match.need_id] in cases:
            found.faults.append(row.fault("reference", "needs_case"))
        else:
            _place(found, row, match, unit=units[match.need_id])
    return found


def kinds_apart(session: Session, org_id: str, /) -> list[str]:
    """The kinds that neither a table nor a slip of this giver delivers: services, and an insurer's cases."""
    return [*(kind.code for kind in list_services()), *case_kinds(session.get_one(Organisation, org_id))]


def _place(found: Plan, row: CheckedRow, match: Match, *, unit: str) -> None:
    """An empty amount means all of it; more than was matched cannot have been handed over."""
    amount = row.values.get("units")
    try:
        units = cells.units(amount, None, wanted=unit) if amount else match.units
    except BadCell as error:
        found.faults.append(row.fault("units", error.code))
        return
    if units > match.units:
        found.faults.append(row.fault("units", "more_than_matched"))
        return
    found.new.append(Planned(row, match, units))


def _with_slip(session: Session, matches: Iterable[Match]) -> set[str]:
    """Those of the matches that have the number of a slip already."""
    wanted = [match.id for match in matches]
    has = select(Proof.match_id).where(col(Proof.match_id).in_(wanted), col(Proof.kind) == ProofKind.SLIP)
    return set(session.exec(has))


def _by_code(session: Session, org_id: str, states: Sequence[MatchState]) -> dict[str, Match]:
    statement = select(Match).where(col(Match.org_id) == org_id, col(Match.state).in_(states))
    return {code_of(session, match): match for match in session.exec(statement)}


def check_file(
    session: Session,
    data: bytes,
    /,
    *,
    file_name: str,
    actor: Actor,
    now: datetime,
    mapping: FileMapping = NO_MAPPING,
) -> tuple[ImportBatch, Checked]:
    """The dry run: nothing is stored but the sealed batch and what it would do."""
    org_id = _allowed(actor)
    checked = check_table(data, delivery_schema(), mapping=mapping)
    found = plan(session, checked.rows, org_id=org_id)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.DELIVERIES,
        file_name=file_name,
        data=data,
        source=org_id,
        actor=actor,
        now=now,
    )


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Deliver what the file says, if that is still what was shown; else Conflict, and nothing is stored."""
    org_id = _allowed(actor)
    batch = get_batch(session, batch_id, kind=ImportKind.DELIVERIES, actor=actor)
    found = plan(session, rows_of(session, batch), org_id=org_id)
    counts = found.counts
    refuse_changes(batch, found)
    for item in sorted(found.new, key=lambda item: item.match.id):
        _deliver(session, item, actor=actor, now=now)
    for item in sorted(found.slips, key=lambda item: item.match.id):
        slip = Piece(ProofKind.SLIP, text=item.row.values["slip_number"])
        add(session, item.match.id, slip, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return counts


def _deliver(session: Session, item: Planned, *, actor: Actor, now: datetime) -> None:
    slip = item.row.values.get("slip_number")
    piece = Piece(ProofKind.SLIP, text=slip) if slip else Piece(ProofKind.BATCH)
    note = item.row.values.get("note") or ""
    hand_over(session, item.match.id, pieces=[piece], units=item.units, note=note, actor=actor, now=now)


def _allowed(actor: Actor) -> str:
    """A giver whose agreement rests or has ended still records what it owed."""
    org_id = actor.org_id or ""
    require(actor, "proof:add", org_id=org_id)
    return org_id


def open_lines(session: Session, /, *, actor: Actor, lang: str) -> bytes:
    """What is on its way, services, insurers' cases and held matches apart, as a table to fill in and bring back; no
    row says who somebody is."""
    under_way = and_(col(Match.state) == MatchState.IN_DELIVERY, col(Match.held_for) == "")
    by_the_table = and_(under_way, col(Need.category).not_in(kinds_apart(session, actor.org_id or "")))
    return _lines(session, by_the_table, actor=actor, lang=lang)


def unproven_lines(session: Session, /, *, actor: Actor, lang: str) -> bytes:
    """What was delivered and has no slip yet, as the same table."""
    slips = select(Proof.match_id).where(col(Proof.kind) == ProofKind.SLIP)
    unproven = and_(col(Match.state).in_(USED), col(Match.id).not_in(slips))
    return _lines(session, unproven, actor=actor, lang=lang)


def _lines(session: Session, which: ColumnElement[bool], *, actor: Actor, lang: str) -> bytes:
    require(actor, "proof:add", org_id=actor.org_id)
    statement = select(Match, Need).join(Need, col(Need.id) == col(Match.need_id))
    statement = statement.where(col(Match.org_id) == actor.org_id, which)
    ordered = statement.order_by(col(Match.updated_at), col(Match.id))
    rows = (
        (
            code_of(session, match),
            match.units / 100 if need.unit == MONEY else match.units,
            None,
            None,
            word(need.category, "need"),
            place(need.district_code),
        )
        for match, need in session.exec(ordered, execution_options={"yield_per": READ_AT_ONCE})
    )
    english = lang.startswith("en")
    names = [column.label(lang=lang) for column in delivery_schema().columns]
    heads = [*names, "Kind of need" if english else "需求类别", "District" if english else "区县"]
    kinds = ("text", "number", "text", "text", "text", "text")
    columns = [tabular_writer.Column(name, kind=kind) for name, kind in zip(heads, kinds, strict=True)]  # type: ignore[arg-type]
    return tabular_writer.write_xlsx(columns, rows)
