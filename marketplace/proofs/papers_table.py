"""The table of receipt and invoice numbers, out and in: what a giver's own books hold already is not keyed again.

Enters: a file with one paper in each row. Leaves: a checked batch that says exactly what confirming would do, and,
confirmed, papers kept by the same `papers.store` as the form's. A number that is kept already with the same day, amount
and resource changes nothing; with another it is a fault of its row, for what a report has counted is not rewritten by a
file. The table of all that is kept has the same columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from sqlmodel import Session, col, select

from adapters import tabular_writer
from adapters.ports import Cell
from marketplace.actors import Actor
from marketplace.calendar import local_day
from marketplace.errors import BadInput
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
    Row,
    Schema,
    cells,
    check_table,
    close_batch,
    get_batch,
    keep_found,
    refuse_changes,
    rows_of,
)
from marketplace.offers.models import Offer
from marketplace.policy import require
from marketplace.proofs import papers
from marketplace.proofs.models import Paper, PaperKind
from marketplace.proofs.papers import PaperFacts

WORDS = {
    PaperKind.DONATION_RECEIPT: ("捐赠票据", "Donation receipt"),
    PaperKind.INVOICE: ("发票", "Invoice"),
}


def paper_schema(*, today: date) -> Schema:
    """The columns of the table as of a day; only the resource may be missing."""
    kinds = cells.meanings((kind.value, *labels) for kind, labels in WORDS.items())
    columns = (
        Column(
            "kind",
            "票据种类",
            "Kind of paper",
            cells.one_of(kinds),
            needed=True,
            filled=True,
            also=("种类",),
            choices=tuple(zh for zh, _en in WORDS.values()),
        ),
        Column("number", "票据号码", "Number", cells.text(40), needed=True, filled=True, also=("号码",)),
        Column("amount", "金额(元)", "Amount (yuan)", cells.number, needed=True, filled=True, kind="number"),
        Column("issued_on", "开具日期", "Issued on", cells.day, needed=True, filled=True, also=("日期",), kind="date"),
        Column("resource", "资源编号", "Resource reference", cells.text(64), also=("资源",)),
    )
    return Schema(columns=columns, key=("kind", "number"), finish=lambda row: _finish(row, today=today))


def _finish(row: Row, *, today: date) -> None:
    """The form's own checks, told by row and column."""
    try:
        row.values["number"] = papers.sound_number(row["number"])
    except BadInput as error:
        row.fault("number", error.code)
    try:
        row.values["amount"] = cells.units(row["amount"], None, wanted="FEN")
    except BadCell as error:
        row.fault("amount", error.code, stage=error.stage, **error.params)
    if row["issued_on"] > today.isoformat():
        row.fault("issued_on", "date_in_future")


@dataclass(slots=True)
class Plan:
    """Rows by what becomes of them."""

    new: list[PaperFacts] = field(default_factory=list)
    same: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """The exact counts that a person confirms."""
        return {"new": len(self.new), "same": self.same}


def _kept(org_id: str) -> Any:
    """What the giver keeps and has not struck."""
    return select(Paper).where(col(Paper.org_id) == org_id, col(Paper.struck_at).is_(None))


def plan(session: Session, rows: Sequence[CheckedRow], /, *, org_id: str) -> Plan:
    """Compare each row with what is kept; a resource of another giver is as unknown as an invented one."""
    kept = {(one.kind, one.number): one for one in session.exec(_kept(org_id))}
    offers = _offers(session, org_id)
    found = Plan()
    for row in rows:
        named = row.values.get("resource")
        if named and named not in offers:
            found.faults.append(row.fault("resource", "unknown_resource"))
            continue
        facts = _facts(row, offers.get(named or ""))
        known = kept.get((facts.kind, facts.number))
        if known is None:
            found.new.append(facts)
        elif (known.amount_fen, known.issued_on, known.offer_id) == (facts.amount_fen, facts.issued_on, facts.offer_id):
            found.same += 1
        else:
            found.faults.append(row.fault("number", "paper_kept_otherwise"))
    return found


def _facts(row: CheckedRow, offer_id: str | None) -> PaperFacts:
    values = row.values
    issued_on = date.fromisoformat(values["issued_on"])
    return PaperFacts(PaperKind(values["kind"]), values["number"], values["amount"], issued_on, offer_id)


def _offers(session: Session, org_id: str) -> dict[str, str]:
    """Reference, or id, ► id of every resource of the giver."""
    rows = session.exec(select(Offer.id, Offer.reference).where(col(Offer.org_id) == org_id)).all()
    return {offer_id: offer_id for offer_id, _ in rows} | {reference: one for one, reference in rows if reference}


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
    require(actor, "paper:store", org_id=actor.org_id)
    org_id = actor.org_id or ""
    checked = check_table(data, paper_schema(today=local_day(now)), mapping=mapping)
    found = plan(session, checked.rows, org_id=org_id)
    return keep_found(
        session,
        checked,
        found,
        kind=ImportKind.PAPERS,
        file_name=file_name,
        data=data,
        source=org_id,
        actor=actor,
        now=now,
    )


def confirm_import(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> Mapping[str, int]:
    """Keep the numbers, if what would be done is still what was shown; else Conflict, and nothing is kept."""
    require(actor, "paper:store", org_id=actor.org_id)
    batch = get_batch(session, batch_id, kind=ImportKind.PAPERS, actor=actor)
    found = plan(session, rows_of(session, batch), org_id=actor.org_id or "")
    refuse_changes(batch, found)
    for facts in found.new:
        papers.store(session, facts, actor=actor, now=now)
    close_batch(session, batch, state=ImportState.CONFIRMED, actor=actor, now=now)
    return found.counts


def papers_file(session: Session, kind: Literal["xlsx", "csv"], /, *, actor: Actor, lang: str) -> bytes:
    """Every number that the giver keeps, the oldest paper first, in the columns of `paper_schema`."""
    require(actor, "paper:list", org_id=actor.org_id)
    mine = select(Paper, Offer).outerjoin(Offer, col(Offer.id) == col(Paper.offer_id))
    mine = mine.where(col(Paper.org_id) == actor.org_id, col(Paper.struck_at).is_(None))
    found = session.execute(mine.order_by(col(Paper.issued_on), col(Paper.number), col(Paper.id)))
    rows = (_cells(paper, offer, lang=lang) for paper, offer in found)
    schema = paper_schema(today=date.max)
    columns = [tabular_writer.Column(one.label(lang=lang), kind=one.kind) for one in schema.columns]
    if kind == "csv":
        return tabular_writer.write_csv([column.name for column in columns], rows)
    return tabular_writer.write_xlsx(columns, rows)


def _cells(paper: Paper, offer: Offer | None, *, lang: str) -> tuple[Cell, ...]:
    kind = WORDS[paper.kind][lang.startswith("en")]
    return kind, paper.number, paper.amount_fen / 100, paper.issued_on, (offer.reference or offer.id) if offer else None
