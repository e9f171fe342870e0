"""The tree over the audit chain, as far as it has to be kept: checkpoints, what witnesses said of them, and blocks.

A checkpoint and a block are written once (triggers); a witness's newest word for a checkpoint replaces its older one.
"""

from datetime import datetime

from sqlalchemy import LargeBinary, Text
from sqlmodel import Column, Field, SQLModel

from marketplace.db import check, moment


class AuditCheckpoint(SQLModel, table=True):
    """The log's signed statement: so many rows, this root. `note` is what the witnesses see."""

    __tablename__ = "audit_checkpoint"
    __table_args__ = (check("size", "size > 0"),)

    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    root: str = Field(max_length=64)
    at: datetime = Field(sa_column=moment(index=True))
    note: str = Field(sa_column=Column(Text, nullable=False))


class AuditCosignature(SQLModel, table=True):
    """One witness's newest cosignature of one checkpoint; `at` is the second that the witness signed."""

    __tablename__ = "audit_cosignature"

    size: int = Field(primary_key=True, foreign_key="audit_checkpoint.size", sa_column_kwargs={"autoincrement": False})
    witness: str = Field(primary_key=True, max_length=120)
    at: datetime = Field(sa_column=moment(index=True))
    line: str = Field(sa_column=Column(Text, nullable=False))


class AuditAlarm(SQLModel, table=True):
    """A witness would not cosign: what it answered, kept until a person has looked."""

    __tablename__ = "audit_alarm"

    id: str = Field(primary_key=True, max_length=32)
    at: datetime = Field(sa_column=moment(index=True))
    size: int
    witness: str = Field(max_length=120)
    code: str = Field(max_length=32)


class AuditNode(SQLModel, table=True):
    """The hash of a complete block of 256, 65,536 … rows, so that a proof reads hundreds of rows, not millions."""

    __tablename__ = "audit_node"

    level: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    place: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
