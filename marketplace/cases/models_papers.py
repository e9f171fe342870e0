"""What an officer found who looked at a photo that was handed in: one row for each photo, the newest word counts."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from marketplace.db import moment


class PaperCheck(SQLModel, table=True):
    """Whether the photo fits: the card is the person's, the bill is a bill and its amount is what was told."""

    __tablename__ = "aid_paper_check"

    paper_id: str = Field(primary_key=True, foreign_key="aid_paper.id", max_length=32)
    fits: bool
    checked_by: str = Field(max_length=64)
    checked_at: datetime = Field(sa_column=moment())
