"""The payment file: everything asked again at the moment of opening, and the columns that the giver's bank wants.

Enters: a released batch and a giver's actor. Leaves: first the lines that may no longer be paid, dropped and named;
then, when nothing is left to drop, the rows of the file. Each opening is one disclosure under the households' living
consents, and the first one marks the batch as sent. Called by the giver's pages.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from adapters.ports import Cell
from adapters.tabular_writer import Column as OutColumn
from adapters.tabular_writer import write_csv, write_xlsx
from marketplace import audit
from marketplace.actors import SYSTEM, Actor
from marketplace.consent.models import Mode, Purpose
from marketplace.db import flush
from marketplace.decisions import asking
from marketplace.decisions.at_once import hold_matches
from marketplace.errors import BadInput, Conflict, WrongState
from marketplace.payments.batches import demand_unchanged, drop_emptied, drop_line, get_batch, lines_of
from marketplace.payments.models import BatchState, FileLayout, LineState, Payee, PaymentBatch, PaymentLine
from marketplace.payments.open_matches import FIELDS, Payable, of_matches
from marketplace.payments.payees import open_payee
from marketplace.payments.waiting import batch_waits
from marketplace.policy import require
from marketplace.sharing.lists import disclose_list

COLUMNS: dict[str, tuple[str, str]] = {
    "reference": ("付款编号", "Reference"),
    "holder": ("收款人户名", "Account holder"),
    "account": ("收款账号", "Account number"),
    "bank": ("开户银行", "Bank"),
    "amount": ("金额（元）", "Amount (yuan)"),
    "amount_fen": ("金额（分）", "Amount (fen)"),
    "currency": ("币种", "Currency"),
    "batch": ("批次号", "Batch"),
}
USUAL = ("reference", "holder", "account", "bank", "amount")
Form = Literal["csv", "xlsx"]


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """The bytes, and a name that holds the batch's number and fingerprint but nobody's data."""

    name: str
    data: bytes
    lines: int


def unsound(session: Session, batch: PaymentBatch, /, *, now: datetime) -> list[tuple[PaymentLine, str]]:
    """Waiting lines that may not be paid at this moment, each with the code of the reason."""
    lines = lines_of(session, batch.id, states=(LineState.WAITING,))
    payables = of_matches(session, batch.org_id, (line.match_id for line in lines), now=now)
    causes = ((line, _cause(line, payables.get(line.match_id))) for line in lines)
    return [(line, cause) for line, cause in causes if cause]


def _cause(line: PaymentLine, payable: Payable | None) -> str:
    if payable is None:
        return "match_ended"
    if payable.match.units != line.amount_fen:
        return "amount_changed"
    if payable.payee is None or payable.payee.id != line.payee_id:
        return "account_changed"
    return payable.blocker


def settle(session: Session, batch_id: str, /, *, actor: Actor, now: datetime) -> list[tuple[PaymentLine, str]]:
    """Drop what may no longer be paid from a released batch, before its file exists; what was dropped is returned."""
    batch = get_batch(session, batch_id, actor=actor)
    require(actor, "payment:file", org_id=batch.org_id)
    if batch.state is not BatchState.RELEASED:
        return []
    hold_matches(session, [line.match_id for line in lines_of(session, batch.id, states=(LineState.WAITING,))])
    batch = get_batch(session, batch_id, actor=actor, lock=True)  # after its matches, before its lines
    if batch.state is not BatchState.RELEASED:
        return []
    waiting = lines_of(session, batch.id, states=(LineState.WAITING,), lock=True)
    asking.before_payment(session, [line.match_id for line in waiting], actor=SYSTEM, now=now)
    gone = unsound(session, batch, now=now)
    for line, cause in gone:
        drop_line(session, line, cause, actor=actor, now=now)
    if gone:
        drop_emptied(session, batch, actor=actor, now=now)
    return gone


def open_file(session: Session, batch_id: str, /, *, form: Form, lang: str, actor: Actor, now: datetime) -> PaymentFile:
    """Write the file. Conflict if the batch is not what was released, or if a line must be dropped first (`settle`).

    A sent batch can be opened again: a line whose consent has ended since then is not shown again.
    """
    batch = get_batch(session, batch_id, actor=actor, lock=True)
    require(actor, "payment:file", org_id=batch.org_id)
    if batch.state not in (BatchState.RELEASED, BatchState.SENT):
        raise WrongState("batch_moved_on", state=batch.state.value)
    demand_unchanged(session, batch)
    hidden = {line.id for line, _cause in unsound(session, batch, now=now)}
    if hidden and batch.state is BatchState.RELEASED:
        raise Conflict("lines_to_drop")
    lines = [line for line in lines_of(session, batch.id, states=(LineState.WAITING,)) if line.id not in hidden]
    if not lines:
        raise BadInput("nothing_to_pay", field="month")
    payables = of_matches(session, batch.org_id, (line.match_id for line in lines), now=now)
    disclose_list(
        session,
        [head.chain_id for line in lines if (head := payables[line.match_id].head) is not None],
        purpose=Purpose.PAYMENT.value,
        data_fields=FIELDS,
        object_ref=batch.id,
        mode=Mode.STORE,
        actor=actor,
        now=now,
    )
    _mark_sent(session, batch, actor=actor, now=now)
    return _file(session, batch, lines, form=form, lang=lang)


def _mark_sent(session: Session, batch: PaymentBatch, *, actor: Actor, now: datetime) -> None:
    if batch.state is BatchState.SENT:
        return
    batch.state, batch.sent_at = BatchState.SENT, now
    session.add(batch)
    flush(session)
    batch_waits(session, batch, now=now)
    audit.record(
        session, audit.Entry("payment:send", object_ref=batch.id, decision=batch.state.value), actor=actor, now=now
    )


def _file(session: Session, batch: PaymentBatch, lines: Sequence[PaymentLine], *, form: Form, lang: str) -> PaymentFile:
    layout = layout_of(session, batch.org_id, lang=lang)
    payees = {payee.id: payee for payee in session.exec(_payees(batch.id))}
    rows = [[_cell(session, name, line, payees[line.payee_id], batch) for _head, name in layout] for line in lines]
    name = f"payments-{batch.month}-{batch.number}-{batch.fingerprint[:8]}.{form}"
    if form == "csv":
        return PaymentFile(name, write_csv([head for head, _name in layout], rows), len(rows))
    kinds = [OutColumn(head, kind="number" if name == "amount_fen" else "text", width=22) for head, name in layout]
    return PaymentFile(name, write_xlsx(kinds, rows), len(rows))


def _payees(batch_id: str) -> SelectOfScalar[Payee]:
    return select(Payee).join(PaymentLine).where(col(PaymentLine.batch_id) == batch_id)


def _cell(session: Session, name: str, line: PaymentLine, payee: Payee, batch: PaymentBatch) -> Cell:
    if name in ("holder", "account", "bank"):
        return str(getattr(open_payee(session, payee), name))
    plain: dict[str, Cell] = {
        "reference": line.reference,
        "amount": f"{line.amount_fen // 100}.{line.amount_fen % 100:02d}",
        "amount_fen": line.amount_fen,
        "currency": "CNY",
        "batch": f"{batch.month}-{batch.number}",
    }
    return plain[name]


def layout_of(session: Session, org_id: str, /, *, lang: str) -> list[tuple[str, str]]:
    """(heading, our column) of the giver's file; the usual five where it has set nothing."""
    kept = session.get(FileLayout, org_id)
    if kept is not None and kept.columns:
        return [(head, name) for head, name in kept.columns]
    place = 1 if lang.startswith("en") else 0
    return [(COLUMNS[name][place], name) for name in USUAL]


def set_layout(
    session: Session, org_id: str, columns: Sequence[tuple[str, str]], /, *, actor: Actor, now: datetime
) -> None:
    """Keep the giver's columns. The reference must be among them, else the bank's answer finds no line."""
    require(actor, "payment:prepare", org_id=org_id)
    heads = [head.strip() for head, _name in columns]
    if columns and "reference" not in {name for _head, name in columns}:
        raise BadInput("layout_without_reference", field="columns")
    if any(name not in COLUMNS for _head, name in columns) or not all(heads) or len(set(heads)) != len(heads):
        raise BadInput("layout_unknown", field="columns")
    kept = session.get(FileLayout, org_id) or FileLayout(org_id=org_id, changed_by=actor.id, changed_at=now)
    kept.columns = [[head.strip()[:40], name] for head, name in columns]
    kept.changed_by, kept.changed_at = actor.id, now
    session.add(kept)
    flush(session)
    entry = audit.Entry("payment:layout", object_ref=org_id, body={"columns": len(columns)})
    audit.record(session, entry, actor=actor, now=now)
