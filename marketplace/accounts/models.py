"""Accounts, their sessions and one-time codes.

A staff or giver account signs in with a password; a household signs in with a code sent to its phone. A session's id
is kept only as a hash; a code too.
"""

from datetime import datetime

from sqlalchemy import LargeBinary, UniqueConstraint
from sqlmodel import JSON, Column, Field, SQLModel

from marketplace.actors import Role
from marketplace.db import check, choice, moment


class Account(SQLModel, table=True):
    """One person who signs in with a name and password. `districts` empty: the whole city. `streets`: where a worker
    goes first; they open nothing."""

    id: str = Field(primary_key=True, max_length=32)
    login: str = Field(unique=True, max_length=64)
    display_name: str = Field(max_length=64)
    role: Role = Field(sa_column=choice(Role))
    org_id: str | None = Field(default=None, foreign_key="organisation.id", index=True)
    districts: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    streets: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    password_hash: str = Field(default="", max_length=200)
    active: bool = True
    created_at: datetime = Field(sa_column=moment())

    def works_in(self, district_code: str) -> bool:
        """Whether it serves this district and still works here."""
        return self.active and (not self.districts or district_code in self.districts)


class AccountSession(SQLModel, table=True):
    """One sign-in. Either `account_id` is set, or `person_id` with its household; a helper's has
    `helper_id`, the power under which it acts, with that household. With `stand_in_id` the account acts
    for the head of that row, as long as its period runs. While it is `pending` a second factor is still to be shown and
    it opens nothing; `proved_at` is when one was last shown."""

    __tablename__ = "account_session"

    id_hash: str = Field(primary_key=True, max_length=64)
    account_id: str | None = Field(default=None, foreign_key="account.id", index=True)
    person_id: str | None = Field(default=None, foreign_key="person.id", index=True)
    household_id: str | None = Field(default=None, foreign_key="household.id", index=True)
    helper_id: str | None = Field(default=None, index=True, max_length=32)
    reads_only: bool = False
    matters: list[str] = Field(default_factory=list, sa_column=Column(JSON, nullable=False))
    stand_in_id: str | None = Field(default=None, foreign_key="stand_in.id")
    created_at: datetime = Field(sa_column=moment())
    seen_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment(index=True))
    method: str = Field(default="password", max_length=16)
    pending: bool = False
    proved_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class StandIn(SQLModel, table=True):
    """Somebody of the same house who does the work of a head between two moments (A/B 岗). Ending it early moves
    `ends_at`; a row that has begun is never deleted."""

    __tablename__ = "stand_in"
    __table_args__ = (check("two_people", "head_id <> deputy_id"), check("span", "ends_at > starts_at"))

    id: str = Field(primary_key=True, max_length=32)
    head_id: str = Field(foreign_key="account.id", index=True)
    deputy_id: str = Field(foreign_key="account.id", index=True)
    starts_at: datetime = Field(sa_column=moment())
    ends_at: datetime = Field(sa_column=moment(index=True))
    set_by: str = Field(max_length=64)
    set_at: datetime = Field(sa_column=moment())


class SignInCode(SQLModel, table=True):
    """A code sent to a phone; at most five tries, ten minutes, once. The code itself follows from the id by a key of
    the vault, so that no code is stored anywhere. `reaches` is the number, closed, where nobody here has it yet."""

    __tablename__ = "sign_in_code"

    id: str = Field(primary_key=True, max_length=32)
    phone_index: str = Field(index=True, max_length=64)
    tries: int = 0
    used: bool = False
    expires_at: datetime = Field(sa_column=moment(index=True))
    reaches: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))


class Invitation(SQLModel, table=True):
    """A place in a giver's team that waits for its holder. Of the code only a hash is kept; it works once."""

    __table_args__ = (check("used", "(account_id IS NULL) = (used_at IS NULL)"),)

    id: str = Field(primary_key=True, max_length=32)
    org_id: str = Field(foreign_key="organisation.id", index=True)
    role: Role = Field(sa_column=choice(Role))
    note: str = Field(default="", max_length=64)
    code_hash: str = Field(unique=True, max_length=64)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_column=moment())
    expires_at: datetime = Field(sa_column=moment())
    withdrawn: bool = False
    account_id: str | None = Field(default=None, foreign_key="account.id")
    used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class RateCount(SQLModel, table=True):
    """How often a key (an account, a phone, a network) tried something in one window, and until when it is locked.
    Each lock in a row (`strikes`) lasts twice as long as the one before."""

    __tablename__ = "rate_count"

    key: str = Field(primary_key=True, max_length=100)
    window_at: datetime = Field(sa_column=moment())
    count: int = 0
    strikes: int = 0
    locked_until: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class StaffIdentity(SQLModel, table=True):
    """Whom the identity provider means by a subject: one account. Linked by an administrator, never by a name."""

    __tablename__ = "staff_identity"

    issuer: str = Field(primary_key=True, max_length=200)
    subject: str = Field(primary_key=True, max_length=200)
    account_id: str = Field(foreign_key="account.id", index=True)
    created_at: datetime = Field(sa_column=moment())


class Passkey(SQLModel, table=True):
    """One key of an account's holder: its public half, and how often it has signed."""

    id: str = Field(primary_key=True, max_length=400)
    account_id: str = Field(foreign_key="account.id", index=True)
    label: str = Field(max_length=64)
    public_key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sign_count: int = 0
    created_at: datetime = Field(sa_column=moment())
    used_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class TotpSecret(SQLModel, table=True):
    """The secret of an account's code app, sealed; `last_step` is the newest step accepted, so no code works twice.
    Until `confirmed_at` it counts for nothing."""

    __tablename__ = "totp_secret"

    account_id: str = Field(primary_key=True, foreign_key="account.id", max_length=32)
    sealed: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    last_step: int = 0
    confirmed_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))


class Challenge(SQLModel, table=True):
    """What a passkey must sign now: one for a session, for one purpose, for two minutes, once."""

    __tablename__ = "passkey_challenge"

    session_hash: str = Field(primary_key=True, max_length=64)
    purpose: str = Field(max_length=16)
    nonce: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_column=moment())


class StaffTie(SQLModel, table=True):
    """Somebody close to an account's holder, or the holder's own household: only the keyed index of an ID number or a
    telephone is kept. Whoever is tied to a household does not approve for it."""

    __tablename__ = "staff_tie"
    __table_args__ = (UniqueConstraint("account_id", "value_index", name="uq_staff_tie_value_index"),)

    id: str = Field(primary_key=True, max_length=32)
    account_id: str = Field(foreign_key="account.id", index=True)
    reference: str = Field(max_length=32)
    value_index: str = Field(index=True, max_length=64)
    added_at: datetime = Field(sa_column=moment())
    ended_at: datetime | None = Field(default=None, sa_column=moment(nullable=True))
