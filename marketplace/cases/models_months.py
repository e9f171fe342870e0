"""The frozen months: the times of the offices as they were published, and nothing that is changed later."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import moment


class MonthReport(SQLModel, table=True):
    """The times of one month by office and item, as they were published: the rows as JSON and their hash."""

    __tablename__ = "aid_month"
    __table_args__ = (UniqueConstraint("month", "version"),)

    id: str = Field(primary_key=True, max_length=32)
    month: str = Field(max_length=7)
    version: int
    rows: list[dict[str, Any]] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    sha256: str = Field(max_length=64)
    published_by: str = Field(max_length=64)
    published_at: datetime = Field(sa_column=moment())
