"""Consent as immutable versions, and one head row for each chain that names its newest version.

A change of state or content is a new version; triggers refuse update and delete. The head is what a decision locks
and re-reads, so that a withdrawal and an approval cannot pass each other.
"""

from datetime import datetime
from enum import StrEnum

from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where
from marketplace.sealed import Sealed, sealed_column


class Purpose(StrEnum):
    """What a consent is for; each purpose has a ceiling of fields in the reference tables."""

    AUTO_MATCH = "AUTO_MATCH"
    MED_AID = "MED_AID"
    EDU_AID = "EDU_AID"
    CARE_SERVICE = "CARE_SERVICE"
    GOODS = "GOODS"
    HOUSING = "HOUSING"
    JOB = "JOB"
    INSURE_ENROL = "INSURE_ENROL"
    INSURE_CLAIM = "INSURE_CLAIM"
    INSURE_CLAIM_QUERY = "INSURE_CLAIM_QUERY"
    LEGAL_HELP = "LEGAL_HELP"
    EMERGENCY_HELP = "EMERGENCY_HELP"
    DONOR_FEEDBACK = "DONOR_FEEDBACK"
    PUBLICITY = "PUBLICITY"
    REFERRAL = "REFERRAL"
    PAYMENT = "PAYMENT"


class ConsentState(StrEnum):
    """Only ACTIVE inside its period permits anything."""

    PENDING_CHECK = "pending_check"
    ACTIVE = "active"
    PAUSED = "paused"
    REVOKED = "revoked"
    REFUSED = "refused"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"
    VOID = "void"


class Mode(StrEnum):
    """Query: yes/no answers; view: on the platform only; store: may keep until `erase_at`."""

    QUERY = "query"
    VIEW = "view"
    STORE = "store"


class ConsentHead(SQLModel, table=True):
    """The newest version of one chain; at most one living chain for a household, purpose, recipient and match, so that
    what was allowed for one match is never seen through another; beside it at most one that was taken with help waits
    for its call-back, and takes its place only then. `match_id` of AUTO_MATCH and of a question about cover is the
    person who said it, because each adult says yes for itself."""

    __tablename__ = "consent_head"
    __table_args__ = (
        unique_where(
            "uq_consent_head_live",
            "household_id",
            "purpose",
            "recipient_org_id",
            "match_id",
            where="state IN ('active', 'paused')",
        ),
        unique_where(
            "uq_consent_head_waiting",
            "household_id",
            "purpose",
            "recipient_org_id",
            "match_id",
            where="state = 'pending_check'",
        ),
    )

    chain_id: str = Field(primary_key=True, max_length=32)
    household_id: str = Field(foreign_key="household.id", index=True)
    purpose: Purpose = Field(sa_column=choice(Purpose, index=True))
    recipient_org_id: str = Field(default="", max_length=32, index=True)
    match_id: str = Field(default="", max_length=32)
    version: int = 1
    state: ConsentState = Field(sa_column=choice(ConsentState, index=True))
    valid_from: datetime = Field(sa_column=moment())
    valid_to: datetime = Field(sa_column=moment())
    reminded_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))

    @property
    def of_match(self) -> str:
        """The match that a recipient may be told of; empty where `match_id` names the person, which is nobody's to
        know."""
        return "" if self.purpose in (Purpose.AUTO_MATCH, Purpose.INSURE_CLAIM_QUERY) else self.match_id


class Consent(SQLModel, table=True):
    """One version, whole. `recipient_org_id` empty: the platform itself (AUTO_MATCH, base card without identity)."""

    __table_args__ = (
        check("one_recipient", "purpose = 'AUTO_MATCH' OR recipient_org_id <> ''"),
        check("period", "valid_to > valid_from"),
    )

    chain_id: str = Field(primary_key=True, max_length=32)
    version: int = Field(primary_key=True)
    schema_code: str = Field(default="aid-consent/1", max_length=16)
    created_at: datetime = Field(sa_column=moment())
    lang: str = Field(default="zh_Hans", max_length=8)
    jurisdiction: str = Field(default="CN", max_length=2)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id")
    capacity: str = Field(default="self", max_length=16)
    capacity_evidence: str = Field(default="", max_length=120)
    holder: str = Field(default="civil_affairs", max_length=64)
    recipient_org_id: str = Field(default="", max_length=32)
    recipient_name: str = Field(default="", max_length=120)
    recipient_contact: str = Field(default="", max_length=120)
    recipient_kind: str = Field(default="", max_length=32)
    recipient_credit_code: str = Field(default="", max_length=18)
    contract_ref: str = Field(default="", max_length=64)
    purpose: Purpose = Field(sa_column=choice(Purpose))
    modifiers: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    data_fields: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    field_ticks: dict[str, str] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    excluded_org_ids: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    mode: Mode = Field(default=Mode.VIEW, sa_column=choice(Mode))
    fetch: str = Field(default="periodic", max_length=16)
    max_reads: int | None = None
    min_interval_s: int | None = None
    valid_from: datetime = Field(sa_column=moment())
    valid_to: datetime = Field(sa_column=moment())
    erase_at: datetime = Field(sa_column=moment())
    basis: str = Field(default="separate_consent", max_length=32)
    written: bool = False
    notice_id: str = Field(default="", max_length=48)
    notice_sha256: str = Field(default="", max_length=64)
    notice_form: str = Field(default="shown", max_length=16)
    channel: str = Field(default="self", max_length=16)
    authenticated_by: str = Field(default="", max_length=32)
    authenticated_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    signature_kind: str = Field(default="", max_length=32)
    helper_id: str = Field(default="", max_length=64)
    verifier_id: str = Field(default="", max_length=64)
    callback_by: str = Field(default="", max_length=64)
    callback_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    state: ConsentState = Field(sa_column=choice(ConsentState))
    state_at: datetime = Field(sa_column=moment())
    reason_code: str = Field(default="", max_length=32)
    replaces: int | None = None
    withdrawal_ways: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    policy_version: str = Field(default="1", max_length=16)
    audit_seq: int = Field(foreign_key="audit_row.seq")


class ConsentEvidence(SQLModel, table=True):
    """The paper, the finger's stroke or the call sheet behind a yes that was taken with help: a photo drawn anew, or
    strokes, sealed under the key of the person who said yes."""

    __tablename__ = "consent_evidence"

    id: str = Field(primary_key=True, max_length=32)
    chain_id: str = Field(foreign_key="consent_head.chain_id", index=True)
    person_id: str = Field(foreign_key="person.id", max_length=32)
    signature_kind: str = Field(max_length=32)
    body: Sealed | None = Field(default=None, sa_column=sealed_column())
    recorded_by: str = Field(max_length=64)
    recorded_at: datetime = Field(sa_column=moment())

    model_config = {"arbitrary_types_allowed": True}
