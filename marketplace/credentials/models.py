"""Which credentials were issued and which receipts were given. Neither table holds a value of a person.

A credential's status is asked of its consent at the moment a status list is made (`credentials.status`); the columns
here only tell what was done to the credential itself.
"""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, moment, unique_where


class IssuedCredential(SQLModel, table=True):
    """One verified-need credential: for one recipient, under one version of a consent, at a random place of a list.
    `held_at`: since when a person looks at its match first; staff suspend one by hand apart from that."""

    __tablename__ = "issued_credential"
    __table_args__ = (
        check("place", "status_idx >= 0 AND status_idx < 131072"),
        unique_where("uq_issued_credential_place", "list_no", "status_idx", where="list_no > 0"),
        unique_where("uq_issued_credential_live", "consent_chain_id", where="revoked_at IS NULL"),
    )

    id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    consent_chain_id: str = Field(max_length=32, index=True)
    consent_version: int
    recipient_org_id: str = Field(foreign_key="organisation.id", index=True)
    purpose: str = Field(max_length=32)
    data_fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    list_no: int = Field(index=True)
    status_idx: int
    kid: str = Field(max_length=32)
    holder_kid: str = Field(index=True, max_length=64)
    sha256: str = Field(max_length=64)
    issued_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    suspended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    held_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    reason_code: str = Field(default="", max_length=32)
    audit_seq: int = Field(foreign_key="audit_row.seq")


class ConsentReceipt(SQLModel, table=True):
    """The signed receipt of one version of one consent; written once."""

    __tablename__ = "consent_receipt"

    chain_id: str = Field(primary_key=True, max_length=32)
    version: int = Field(primary_key=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    event: str = Field(max_length=16)
    made_at: datetime = Field(sa_column=moment())
    sha256: str = Field(max_length=64, index=True)
    jws: str = Field(sa_column=Column(Text, nullable=False))
