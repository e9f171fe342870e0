"""The days on which granted items are looked at again (定期核查): one row for each look, waiting or done."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from marketplace.db import check, moment, unique_where


class ItemReview(SQLModel, table=True):
    """`kind` is the family's class (A: changes little, B: income not steady and able to work), which gives the months.
    `opened_at` is when somebody was told to look; `done_at` when somebody had."""

    __tablename__ = "aid_review"
    __table_args__ = (
        check("done", "(done_at IS NULL) = (outcome = '')"),
        unique_where("uq_aid_review_waiting", "item_id", where="done_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=32)
    item_id: str = Field(foreign_key="aid_item.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    district_code: str = Field(index=True, max_length=6)
    kind: str = Field(max_length=8)
    due_on: date = Field(index=True)
    opened_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    outcome: str = Field(default="", max_length=16)
    finding: str = Field(default="", max_length=400)
    done_by: str = Field(default="", max_length=64)
    done_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
