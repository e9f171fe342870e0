"""Payees, batches of payments, and what the bank said about each line.

The giver pays from its own account; these tables only record. A payee and a line are never changed in what they say: a
correction is a new payee, a second try a new line in a later batch. At most one line of a match is on its way or paid.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, ColumnElement
from sqlmodel import JSON, Column, Field, SQLModel, col

from marketplace.actors import hands
from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column


class AccountKind(StrEnum):
    """A bank card has a check digit; the account behind a passbook has none that holds for every bank."""

    CARD = "card"
    PASSBOOK = "passbook"


class PayeeState(StrEnum):
    """Only a payee that is `ok` is paid; `to_check` waits for a person."""

    OK = "ok"
    TO_CHECK = "to_check"
    REFUSED = "refused"
    REPLACED = "replaced"


class Payee(SQLModel, table=True):
    """One bank account of a household, sealed under the key of `person_id`; the index finds equal accounts unread."""

    __table_args__ = (
        check("two_people", "decided_by IS NULL OR decided_by <> typed_by"),
        unique_where("uq_payee_live", "household_id", where="state IN ('ok', 'to_check')"),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id")
    kind: AccountKind = Field(sa_column=choice(AccountKind))
    relation: str = Field(default="SELF", max_length=16)
    holder: Sealed | None = Field(default=None, sa_column=sealed_column())
    bank: Sealed | None = Field(default=None, sa_column=sealed_column())
    account: Sealed | None = Field(default=None, sa_column=sealed_column())
    account_index: str = Field(index=True, max_length=64)
    holder_index: str = Field(max_length=64)
    last_four: str = Field(max_length=4)
    state: PayeeState = Field(sa_column=choice(PayeeState, index=True))
    reason_code: str = Field(default="", max_length=32)
    typed_by: str = Field(max_length=64)
    decided_by: str | None = Field(default=None, max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

    model_config = {"arbitrary_types_allowed": True}


class OwnAccount(SQLModel, table=True):
    """A bank account of a giver or of one of its people, known by its index only: nobody there is ever a payee."""

    __tablename__ = "own_account"

    org_id: str = Field(primary_key=True, foreign_key="organisation.id")
    account_index: str = Field(primary_key=True, max_length=64)
    last_four: str = Field(max_length=4)
    staff: bool = False
    added_by: str = Field(max_length=64)
    added_at: datetime = Field(sa_column=moment())


class BatchState(StrEnum):
    """draft (prepared by one person) ► released (by another) ► sent (the file was taken to the bank); or dropped."""

    DRAFT = "draft"
    RELEASED = "released"
    SENT = "sent"
    DROPPED = "dropped"


class PaymentBatch(SQLModel, table=True):
    """Payments of one giver that go to the bank together. The fingerprint binds lines, payees and amounts."""

    __tablename__ = "payment_batch"
    __table_args__ = (
        check("two_people", "released_by IS NULL OR released_by NOT IN (prepared_by, prepared_for)"),
        check("released", "state NOT IN ('released', 'sent') OR released_by IS NOT NULL"),
        unique_where("uq_payment_batch_number", "org_id", "number", where="number > 0"),
    )

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    number: int
    month: str = Field(index=True, max_length=7)
    state: BatchState = Field(sa_column=choice(BatchState, index=True))
    fingerprint: str = Field(max_length=64)
    prepared_by: str = Field(max_length=64)
    prepared_for: str = Field(default="", max_length=64)
    prepared_at: datetime = Field(sa_column=moment(index=True))
    released_by: str | None = Field(default=None, max_length=64)
    released_for: str = Field(default="", max_length=64)
    released_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    sent_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

    @property
    def preparers(self) -> frozenset[str]:
        """Who prepared it, and whom a stand-in did it for."""
        return hands(self.prepared_by, self.prepared_for)


class LineState(StrEnum):
    """waiting ► paid ► returned or reclaimed; or failed (the bank said no), or dropped (it never went to the bank, or
    two people said that the bank will not pay it). What the bank pays while another line of the match is with it or
    paid is `paid_twice` until one of the two comes back."""

    WAITING = "waiting"
    PAID = "paid"
    PAID_TWICE = "paid_twice"
    FAILED = "failed"
    RETURNED = "returned"
    RECLAIMED = "reclaimed"
    DROPPED = "dropped"


class PaymentLine(SQLModel, table=True):
    """One payment. `reference` is what the bank gives back; a trigger refuses to change what the line says. What the
    bank pays under a reference that it has paid before is a line of its own, which nobody ordered: SQ…-2, SQ…-3."""

    __tablename__ = "payment_line"
    __table_args__ = (
        check("amount", "amount_fen > 0"),
        unique_where("uq_payment_line_live", "match_id", where="state IN ('waiting', 'paid')"),
    )

    id: str = Field(primary_key=True, max_length=32)
    batch_id: str = Field(foreign_key="payment_batch.id", index=True)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    match_id: str = Field(foreign_key="match.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    payee_id: str = Field(foreign_key="payee.id", index=True)
    reference: str = Field(unique=True, max_length=16)
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    account_mark: str = Field(default="", max_length=64)
    """Of the account as it was when the line was made; it tells nothing once the payee is forgotten."""
    state: LineState = Field(sa_column=choice(LineState, index=True))
    reason_code: str = Field(default="", max_length=32)
    stop_asked_by: str = Field(default="", max_length=64)
    """Who said first that the bank will not pay it; somebody else has to say so too."""
    changed_at: datetime = Field(sa_column=moment())

    @property
    def ordered(self) -> bool:
        """Whether the giver ordered it; the bank's second payment of a reference nobody did."""
        return AGAIN not in self.reference


AGAIN = "-"
"""Stands in the reference of what a bank paid again."""


def is_ordered() -> ColumnElement[bool]:
    """The same in a question to the database."""
    return ~col(PaymentLine.reference).contains(AGAIN)


class ResultKind(StrEnum):
    """What a bank or the giver reports about one line; money moves out with `paid` and back with the last two."""

    PAID = "paid"
    FAILED = "failed"
    RETURNED = "returned"
    RECLAIMED = "reclaimed"


class BankResult(SQLModel, table=True):
    """One fact of the bank about one line, kept apart from the ledger so that the two can be compared; written once.

    `month` is the one in whose books it stands: that of the bank's day, or the open one if that month was closed.
    """

    __tablename__ = "bank_result"
    __table_args__ = (check("amount", "amount_fen > 0"),)

    line_id: str = Field(primary_key=True, foreign_key="payment_line.id")
    kind: ResultKind = Field(sa_column=Column(choice(ResultKind).type, primary_key=True))
    org_id: str = Field(foreign_key="organisation.id", index=True)
    match_id: str = Field(foreign_key="match.id", index=True)
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    on_day: date
    month: str = Field(index=True, max_length=7)
    reason_code: str = Field(default="", max_length=32)
    bank_ref: str = Field(default="", max_length=64)
    import_id: str = Field(foreign_key="import_batch.id")
    told_at: datetime = Field(sa_column=moment())


class BankNumber(SQLModel, table=True):
    """The bank's own number of an answer that came without one, told by a later table; written once. Only with it can
    another payment under the same reference be told apart."""

    __tablename__ = "bank_number"

    line_id: str = Field(primary_key=True, foreign_key="payment_line.id")
    kind: ResultKind = Field(sa_column=Column(choice(ResultKind).type, primary_key=True))
    bank_ref: str = Field(max_length=64)
    import_id: str = Field(foreign_key="import_batch.id")
    told_at: datetime = Field(sa_column=moment())


class PaymentMonth(SQLModel, table=True):
    """A month of one giver. Opening the next one closes it: its figures are kept as they were, open lines go over."""

    __tablename__ = "payment_month"

    org_id: str = Field(primary_key=True, foreign_key="organisation.id")
    month: str = Field(primary_key=True, max_length=7)
    opened_by: str = Field(max_length=64)
    opened_at: datetime = Field(sa_column=moment())
    carried_lines: int = 0
    carried_fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    closed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    figures: dict[str, Any] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))


class FileLayout(SQLModel, table=True):
    """How a giver's bank wants the payment file: headings and our columns, in order."""

    __tablename__ = "file_layout"

    org_id: str = Field(primary_key=True, foreign_key="organisation.id")
    columns: list[list[str]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    changed_by: str = Field(max_length=64)
    changed_at: datetime = Field(sa_column=moment())
