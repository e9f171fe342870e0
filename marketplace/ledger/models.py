"""The ledger: one row for each piece of aid from any source.

Live rows (reserved, approved, delivered) of a need and of an offer are summed by triggers into
`need.committed_units` and `offer.committed_units`, whose CHECKs make a second aid for the same need and period, and a
second use of the same stock, impossible for every writer. Beside it stand the rules against helping twice as dated rows
that two people make, the exceptions that a district allows, documented costs with what each payer said, and every hit
of a rule with what a person found of it.
"""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import BigInteger, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.db import check, choice, moment, unique_where


class AidState(StrEnum):
    """Reserved, approved and delivered aid is live; returned aid is not, nor is a gift that another row tells of."""

    RESERVED = "reserved"
    APPROVED = "approved"
    DELIVERED = "delivered"
    RETURNED = "returned"
    REPEAT = "repeat"


PROMISED = (AidState.RESERVED, AidState.APPROVED)
LIVE = (*PROMISED, AidState.DELIVERED)


class LedgerEntry(SQLModel, table=True):
    """Aid of `units` in `category` for a household, with a `person_id` for that one of its people; with a `need_id` it
    covers that need. Of one aid that covers a need in part the rest is `part_of` the row that covers it, by that row's
    index. A repeat names the row that tells of the same gift; no foreign key, for a correction may take that row out,
    and then the repeat counts, in the state that its own source `told`."""

    __tablename__ = "ledger_entry"
    __table_args__ = (
        check("units", "units > 0"),
        check("repeat", "(state = 'repeat') = (repeats_id IS NOT NULL) AND (repeats_id IS NULL OR need_id IS NULL)"),
        unique_where(
            "uq_ledger_entry_need_period_offer",
            "need_id",
            "period",
            "offer_id",
            where="state <> 'returned' AND need_id IS NOT NULL AND offer_id IS NOT NULL",
        ),
    )

    id: str = Field(primary_key=True, max_length=32)
    source: str = Field(max_length=32, index=True)
    source_index: str = Field(unique=True, max_length=64)
    part_of: str = Field(default="", max_length=64)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(default="", max_length=32)
    need_id: str | None = Field(default=None, foreign_key="need.id", index=True)
    offer_id: str | None = Field(default=None, foreign_key="offer.id", index=True)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    giver: str = Field(default="", max_length=120)
    category: str = Field(max_length=48, index=True)
    payer: str = Field(default="CHARITY", max_length=32)
    programme: str = Field(default="", max_length=48)
    project: str = Field(default="", max_length=80)
    cause: str = Field(default="", max_length=32)
    period: str = Field(default="", max_length=16)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    given_on: date = Field(index=True)
    state: AidState = Field(sa_column=choice(AidState, index=True))
    repeats_id: str | None = Field(default=None, index=True, max_length=32)
    told: str = Field(default="", max_length=16)
    created_at: datetime = Field(sa_column=moment())
    updated_at: datetime = Field(sa_column=moment())


class AidSource(SQLModel, table=True):
    """From when on the duplicate check sees a source's past aid; a source never loaded has no row."""

    __tablename__ = "aid_source"

    source: str = Field(primary_key=True, max_length=32)
    seen_from: date
    loaded_at: datetime = Field(sa_column=moment())
    rows: int = 0


class RuleState(StrEnum):
    """A rule waits for a second person, is in force in its time, was refused, or gave way to a newer one."""

    DRAFT = "draft"
    ACTIVE = "active"
    REFUSED = "refused"
    ENDED = "ended"


class OverlapRule(SQLModel, table=True):
    """One change to a rule against helping twice: `terms` are the values that differ from the table of the house, for
    one district or (empty) for all, in ``[valid_from, valid_to)``. Never changed once decided, except that a newer one
    ends it."""

    __tablename__ = "overlap_rule"
    __table_args__ = (
        check("two_people", "decided_by = '' OR decided_by <> drafted_by"),
        check("dates", "valid_to IS NULL OR valid_to >= valid_from"),
        unique_where("uq_overlap_rule_draft", "code", "district_code", where="state = 'draft'"),
    )

    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(max_length=8, index=True)
    district_code: str = Field(default="", max_length=6)
    terms: dict[str, object] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    source: str = Field(max_length=200)
    valid_from: date
    valid_to: date | None = None
    state: RuleState = Field(sa_column=choice(RuleState, index=True))
    drafted_by: str = Field(max_length=64)
    drafted_at: datetime = Field(sa_column=moment())
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class OverlapException(SQLModel, table=True):
    """A district allows one household what a rule forbids until a day, with the reason. One that has ended stays as
    history, and another may follow it."""

    __tablename__ = "overlap_exception"
    __table_args__ = (UniqueConstraint("need_id", "code", "valid_to"),)

    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(max_length=8)
    need_id: str = Field(foreign_key="need.id", index=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    valid_to: date
    reason: str = Field(max_length=200)
    allowed_by: str = Field(max_length=64)
    allowed_at: datetime = Field(sa_column=moment())


class CostBill(SQLModel, table=True):
    """A cost that papers show, for one need, of the one person who was treated; `paper` says which papers were seen."""

    __tablename__ = "cost_bill"
    __table_args__ = (check("cost", "cost_fen > 0"),)

    id: str = Field(primary_key=True, max_length=32)
    need_id: str = Field(foreign_key="need.id", unique=True)
    household_id: str = Field(foreign_key="household.id", index=True)
    person_id: str = Field(foreign_key="person.id", index=True, max_length=32)
    district_code: str = Field(index=True, max_length=6)
    cost_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    paper: str = Field(max_length=200)
    recorded_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment(index=True))
    updated_at: datetime = Field(sa_column=moment())


class LayerState(StrEnum):
    """What a payer before charity said of a bill."""

    WAITING = "waiting"
    NONE = "none"
    EXPECTED = "expected"
    PAID = "paid"


class CostLayer(SQLModel, table=True):
    """One payer of one bill; money only where it pays or will pay."""

    __tablename__ = "cost_layer"
    __table_args__ = (
        check("fen", "fen >= 0 AND (fen > 0) = (state IN ('expected', 'paid'))"),
        UniqueConstraint("bill_id", "payer"),
    )

    id: str = Field(primary_key=True, max_length=32)
    bill_id: str = Field(foreign_key="cost_bill.id", index=True)
    payer: str = Field(max_length=32)
    state: LayerState = Field(sa_column=choice(LayerState))
    fen: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default="0"))
    told_by: str = Field(default="", max_length=64)
    updated_at: datetime = Field(sa_column=moment())


class HitState(StrEnum):
    """A hit waits for a person, is a duplicate, was none, or ended by itself once its rows were taken back."""

    OPEN = "open"
    DUPLICATE = "duplicate"
    FALSE_ALARM = "false_alarm"
    GONE = "gone"


class OverlapHit(SQLModel, table=True):
    """A rule met a piece of aid: it stopped it (`place` approval or run), or a late report shows that both were given
    (`place` report), or a reservation became one that a rule forbids (`place` held). `because` are the ledger rows
    behind it; `minutes` is what looking at it cost."""

    __tablename__ = "overlap_hit"
    __table_args__ = (
        check("units", "units > 0"),
        check("value", "value_fen >= 0"),
        check("minutes", "minutes >= 0"),
        UniqueConstraint("code", "place", "subject"),
    )

    id: str = Field(primary_key=True, max_length=32)
    code: str = Field(max_length=8, index=True)
    place: str = Field(max_length=16)
    subject: str = Field(max_length=80)
    household_id: str = Field(foreign_key="household.id", index=True)
    need_id: str | None = Field(default=None, foreign_key="need.id", index=True)
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    giver: str = Field(default="", max_length=120)
    district_code: str = Field(index=True, max_length=6)
    category: str = Field(max_length=48)
    units: int = Field(sa_column=Column(BigInteger, nullable=False))
    value_fen: int = Field(sa_column=Column(BigInteger, nullable=False))
    because: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    state: HitState = Field(sa_column=choice(HitState, index=True))
    decided_by: str = Field(default="", max_length=64)
    decided_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
    minutes: int = 0
    created_at: datetime = Field(sa_column=moment(index=True))


class FeedCursor(SQLModel, table=True):
    """How far a government payment feed has been read; the cursor moves with the rows it stands for."""

    __tablename__ = "payment_feed"

    source: str = Field(primary_key=True, max_length=32)
    cursor: str = Field(default="", max_length=200)
    pulled_at: datetime = Field(sa_column=moment())
