"""Orders to pay: what is paid to whom, by whose order, and the voucher with which it was paid."""

from datetime import date, datetime

from sqlalchemy import BigInteger, Index
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, moment
from marketplace.sealed import Sealed, sealed_column


class PaymentOrder(SQLModel, table=True):
    """One order of one granted item, for one payment step. The account lies sealed under the key of `person_id`;
    without one it is paid by hand. `month` is when it was paid; one that was paid late names its cause. Where
    the item is decided anew, the step ends and the order can be paid until another takes its place."""

    __tablename__ = "aid_order"
    __table_args__ = (
        check("amount", "amount_fen >= 0"),
        check("paid", "(paid_at IS NULL) = (voucher = '')"),
        check("voucher", "paid_at IS NULL OR (paid_on IS NOT NULL AND paid_by <> '' AND month <> '')"),
        Index("ix_aid_order_month", "month", "office", "code", "late_cause"),
    )

    id: str = Field(primary_key=True, max_length=32)
    number: str = Field(unique=True, max_length=16)
    step_id: str = Field(foreign_key="aid_step.id", unique=True)
    item_id: str = Field(foreign_key="aid_item.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id", max_length=32)
    office: str = Field(default="", max_length=9)
    code: str = Field(max_length=32)
    amount_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    account: Sealed | None = Field(default=None, sa_column=sealed_column())
    ordered_at: datetime = Field(sa_column=moment())
    voucher: str = Field(default="", max_length=40)
    paid_on: date | None = None
    paid_by: str = Field(default="", max_length=64)
    paid_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    month: str = Field(default="", max_length=7)
    late_cause: str = Field(default="", max_length=32)

    model_config = {"arbitrary_types_allowed": True}
