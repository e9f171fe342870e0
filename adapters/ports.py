"""What the house asks of the outside world: Protocols, the frozen messages they carry, and their errors.

Enters: nothing. Leaves: the Protocols (`Messenger`, `Registry`, `PaymentFeed`, `DepartmentFeed`, `CoverDoor` and the
other doors), the values they carry, the columns of the tables that come in, the cell types of a table, and
`OutsideError`. The marketplace calls these names only; its wiring chooses the doors. No `repr` holds anything personal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from typing import Final, Literal, Protocol, TypeAlias

Channel: TypeAlias = Literal["sms", "email", "wechat", "console"]
Param: TypeAlias = str | int


class OutsideError(Exception):
    """Something beyond the door failed: an English sentence, and a code with values for translating it."""

    def __init__(self, sentence: str, *, code: str, params: Mapping[str, Param] | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.params: dict[str, Param] = dict(params or {})


class TryAgainLater(OutsideError):
    """The same request may well succeed later; `after_seconds` is the least wait the other side asked for."""

    def __init__(
        self,
        sentence: str,
        *,
        code: str,
        params: Mapping[str, Param] | None = None,
        after_seconds: float | None = None,
    ) -> None:
        super().__init__(sentence, code=code, params=params)
        self.after_seconds = after_seconds


class WillNeverWork(OutsideError):
    """Sending the same request again cannot help: a person has to change something first."""


@dataclass(frozen=True, slots=True)
class Message:
    """One notice to one address. The same `idempotency_key` sent twice must reach the person once."""

    channel: Channel
    idempotency_key: str
    template_code: str
    address: str = field(repr=False)
    body: str = field(repr=False)
    subject: str = field(default="", repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Receipt:
    """The other side took the message; `reference` is the name it gave it, fit for a log."""

    channel: Channel
    reference: str


class WebhookDoor(Protocol):
    """Posts a signed text to a partner's address, or raises TryAgainLater or WillNeverWork."""

    def post(self, url: str, body: str, /) -> None: ...


class Messenger(Protocol):
    """Hands a message to the outside world, or raises TryAgainLater or WillNeverWork."""

    def send(self, message: Message, /) -> Receipt: ...


class WitnessDoor(Protocol):
    """Shows an outside witness a checkpoint of the audit log; its cosignature line, or the size it has really seen.

    Raises TryAgainLater when it does not answer, WillNeverWork when it refuses to sign.
    """

    def add_checkpoint(self, old: int, *, proof: Sequence[bytes], note: str) -> str | int: ...


@dataclass(frozen=True, slots=True)
class RoundedNumber:
    """A number of more than fifteen digits that a spreadsheet kept as a float: its last digits are lost."""

    shown: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FormulaError:
    """A formula that failed, as the spreadsheet shows it, such as #N/A or #REF!."""

    shown: str


Cell: TypeAlias = str | int | float | bool | date | datetime | time | RoundedNumber | FormulaError | None
Row: TypeAlias = Mapping[str, Cell]

NEED_COLUMNS: Final = (
    "source_id",
    "household_ref",
    "head_name",
    "head_id_number",
    "phone",
    "address",
    "district_code",
    "street_code",
    "members",
    "category",
    "unit",
    "gap",
    "urgency",
    "valid_from",
    "valid_to",
    "period",
    *("cause", "person_id_number"),
    "verification_level",
    "evidence",
    "verifier",
    "verified_on",
    "referral_reason",
    "government_decision",
    "payee_account",
    "health_note",
    "tags",
)
AID_COLUMNS: Final = (
    "source_id",
    "household_ref",
    "head_id_number",
    "category",
    "units",
    "given_on",
    "state",
    "need_source_id",
    "giver",
    "payer",
    *("programme", "project"),
    *("cause", "person_id_number"),
)


FACT_COLUMNS: Final = ("source_id", "id_number", "kind", "happened_on", "amount", "withdrawn")


@dataclass(frozen=True, slots=True)
class NeedRecord:
    """One need of civil affairs: raw cells under NEED_COLUMNS, not yet validated, absent ones left out."""

    source_id: str
    cells: Row = field(repr=False)


@dataclass(frozen=True, slots=True)
class NeedPage:
    """A page of needs; the next pull begins at `cursor`; `more` says whether anything waits there now."""

    needs: tuple[NeedRecord, ...]
    cursor: str
    more: bool


@dataclass(frozen=True, slots=True)
class StateChange:
    """What became of a need with us, told back to the registry that sent it. Carries nothing personal."""

    need_source_id: str
    state: str
    changed_at: datetime
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class AidGiven:
    """Aid that really reached a household for a need of the registry's. Carries nothing personal."""

    source_id: str
    need_source_id: str
    category: str
    units: int
    given_on: date
    giver: str
    idempotency_key: str


class Registry(Protocol):
    """Civil affairs: needs already verified come in page by page, states and aid given go back.

    Repeating a push with the same key changes nothing. The caller keeps the cursor once the page is stored.
    """

    def pull_needs(self, *, cursor: str | None = None) -> NeedPage: ...

    def push_state(self, change: StateChange, /) -> None: ...

    def push_aid(self, aid: AidGiven, /) -> None: ...


@dataclass(frozen=True, slots=True)
class Departure:
    """A sign-in that has left for the identity provider: what must come back, and what must never leave."""

    address: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    return_to: str


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the identity provider vouches for; by which methods (RFC 8176) the person proved it, and when, if known."""

    issuer: str
    subject: str = field(repr=False)
    methods: frozenset[str]
    proved_at: datetime | None = None


class StaffSignIn(Protocol):
    """Sends a browser to the identity provider and says who came back, or raises TryAgainLater or WillNeverWork."""

    def begin(self, return_to: str) -> Departure: ...

    def finish(self, query: Mapping[str, str], /, *, departure: Departure) -> Identity: ...


@dataclass(frozen=True, slots=True)
class PaymentRecord:
    """One government payment: raw cells under AID_COLUMNS, not yet validated, absent ones left out."""

    source_id: str
    cells: Row = field(repr=False)


@dataclass(frozen=True, slots=True)
class PaymentPage:
    """A page of payments; the next pull begins at `cursor`; `more` says whether anything waits there now."""

    payments: tuple[PaymentRecord, ...]
    cursor: str
    more: bool


class PaymentFeed(Protocol):
    """A department's payments, page by page, the oldest first. The caller keeps the cursor once the page is stored."""

    def pull_payments(self, *, cursor: str | None = None) -> PaymentPage: ...


@dataclass(frozen=True, slots=True)
class FactPage:
    """A page of a department's facts, raw cells under FACT_COLUMNS, absent ones left out; `as_of` is until when the
    department's own records told; the next pull begins at `cursor`."""

    facts: tuple[Row, ...] = field(repr=False)
    as_of: date
    cursor: str
    more: bool


class DepartmentFeed(Protocol):
    """One department's facts by feed, page by page. The caller keeps the cursor once the page is stored. `facts_of`
    are all facts of a few people, whole: for those who came into the register after their facts had been told."""

    def pull_facts(self, feed: str, /, *, cursor: str | None = None) -> FactPage: ...

    def facts_of(self, feed: str, id_numbers: Sequence[str], /) -> FactPage: ...


@dataclass(frozen=True, slots=True)
class CoverQuestion:
    """Who pays of a documented cost before charity? `subject` is a keyed mark of the person that only both sides can
    make; no name, number or illness crosses. Asked again with the same key, it is answered again."""

    idempotency_key: str
    subject: str = field(repr=False)
    cost_fen: int


@dataclass(frozen=True, slots=True)
class CoverAnswer:
    """One payer: it has `paid`, will pay (`expected`, not claimed yet) or pays `none`."""

    payer: str
    state: Literal["paid", "expected", "none"]
    fen: int = 0


class CoverDoor(Protocol):
    """Insurers and the medical insurance office say what they pay; a payer that is missing has not answered."""

    def ask_cover(self, question: CoverQuestion, /) -> tuple[CoverAnswer, ...]: ...
