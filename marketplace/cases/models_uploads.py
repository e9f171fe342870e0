"""A photo that comes in pieces over a bad network. Enters: pieces. Leaves: one paper. Used by `uploads`."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from marketplace.db import check, moment
from marketplace.sealed import sealed_column


class Upload(SQLModel, table=True):
    """A photo that comes in pieces over a bad network: how long it is, its hash, and how much of it is here."""

    __tablename__ = "aid_upload"
    __table_args__ = (
        UniqueConstraint("case_id", "sent_by", "sha256"),
        check("received", "received BETWEEN 0 AND size_bytes"),
    )

    id: str = Field(primary_key=True, max_length=32)
    case_id: str = Field(foreign_key="aid_case.id", index=True)
    person_id: str = Field(foreign_key="person.id", max_length=32)
    sent_by: str = Field(max_length=64)
    size_bytes: int
    sha256: str = Field(max_length=64)
    received: int = 0
    begun_at: datetime = Field(sa_column=moment(index=True))


class UploadPiece(SQLModel, table=True):
    """One piece, sealed under the key of the person whose paper it is."""

    __tablename__ = "aid_upload_piece"

    upload_id: str = Field(primary_key=True, foreign_key="aid_upload.id", max_length=32)
    starts_at: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    body: Any = Field(default=None, sa_column=sealed_column())
