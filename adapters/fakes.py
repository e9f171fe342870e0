"""An in-memory stand-in for every port, with the manners of the real ones. Used by the tests and by the demo.

Enters: the same messages as at the real doors, and faults to play. Leaves: the same receipts, pages and errors;
what arrived can be read back. A lost reply means: the other side did it, we never heard.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, TypeAlias, TypeVar

from joserfc import jws
from joserfc.jwk import ECKey

from adapters.face import FaceResult, FaceTask
from adapters.liveness import verified
from adapters.ports import (
    AidGiven,
    CoverAnswer,
    CoverQuestion,
    FactPage,
    Message,
    NeedPage,
    NeedRecord,
    OutsideError,
    PaymentPage,
    PaymentRecord,
    Receipt,
    Row,
    StateChange,
    TryAgainLater,
    WillNeverWork,
)
from adapters.sms_in import IncomingSms

Told = TypeVar("Told", StateChange, AidGiven)
Fault: TypeAlias = OutsideError | Literal["lost reply"]


@dataclass(slots=True)
class Faults:
    """Faults to play, one for each coming call."""

    coming: deque[Fault] = field(default_factory=deque)

    def play(self, *faults: Fault) -> None:
        """Let the next calls meet these faults, in this order."""
        self.coming.extend(faults)

    def before(self) -> bool:
        """Raise the next fault if there is one; true when the call is to be done but its reply lost."""
        fault = self.coming.popleft() if self.coming else None
        if isinstance(fault, OutsideError):
            raise fault
        return fault == "lost reply"


def no_reply() -> TryAgainLater:
    return TryAgainLater("No reply came.", code="no_reply")


class FakeWebhooks:
    """Keeps what is posted: (address, body)."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.posted: list[tuple[str, str]] = []

    def post(self, url: str, body: str, /) -> None:
        """Take it, or meet the next fault."""
        lost = self.faults.before()
        self.posted.append((url, body))
        if lost:
            raise no_reply()


class FakeMessenger:
    """Keeps what is sent, once for each idempotency key, whatever the channel."""

    def __init__(self) -> None:
        self.faults = Faults()
        self._by_key: dict[str, Message] = {}

    @property
    def sent(self) -> list[Message]:
        """What has arrived, oldest first."""
        return list(self._by_key.values())

    def send(self, message: Message, /) -> Receipt:
        """Take the message; the same key with another content is refused."""
        lost = self.faults.before()
        known = self._by_key.setdefault(message.idempotency_key, message)
        if known != message:
            raise WillNeverWork("This key was used for another message.", code="key_reused")
        if lost:
            raise no_reply()
        return Receipt(channel=message.channel, reference=f"fake-{list(self._by_key).index(known.idempotency_key) + 1}")


class FakeRegistry:
    """A civil-affairs register in memory: hands out its needs in pages and keeps what is told back."""

    def __init__(self, needs: Iterable[NeedRecord] = (), *, page_size: int = 100) -> None:
        self.faults = Faults()
        self.needs = list(needs)
        self._page_size = page_size
        self._states: dict[str, StateChange] = {}
        self._aid: dict[str, AidGiven] = {}

    @property
    def states(self) -> list[StateChange]:
        """The states told back, oldest first."""
        return list(self._states.values())

    @property
    def aid(self) -> list[AidGiven]:
        """The aid told back, oldest first."""
        return list(self._aid.values())

    def pull_needs(self, *, cursor: str | None = None) -> NeedPage:
        """Give the page at the cursor; an unknown cursor is refused."""
        lost = self.faults.before()
        start = 0 if cursor is None else int(cursor) if cursor.isdecimal() else -1
        if not 0 <= start <= len(self.needs):
            raise WillNeverWork("The registry does not know this cursor.", code="request_refused")
        if lost:
            raise no_reply()
        end = min(start + self._page_size, len(self.needs))
        return NeedPage(needs=tuple(self.needs[start:end]), cursor=str(end), more=end < len(self.needs))

    def push_state(self, change: StateChange, /) -> None:
        """Keep a state, once for each key, for a need the register knows."""
        self._keep(self._states, change)

    def push_aid(self, aid: AidGiven, /) -> None:
        """Keep aid given, once for each key, for a need the register knows."""
        self._keep(self._aid, aid)

    def _keep(self, kept: dict[str, Told], told: Told) -> None:
        lost = self.faults.before()
        if all(need.source_id != told.need_source_id for need in self.needs):
            raise WillNeverWork("The registry does not know this need.", code="request_refused")
        if kept.setdefault(told.idempotency_key, told) != told:
            raise WillNeverWork("This key was used for something else.", code="key_reused")
        if lost:
            raise no_reply()


class FakePaymentFeed:
    """A department's payments in memory, handed out in pages."""

    def __init__(self, payments: Iterable[PaymentRecord] = (), *, page_size: int = 100) -> None:
        self.faults = Faults()
        self.payments = list(payments)
        self._page_size = page_size

    def pull_payments(self, *, cursor: str | None = None) -> PaymentPage:
        """Give the page at the cursor; an unknown cursor is refused."""
        lost = self.faults.before()
        start = 0 if cursor is None else int(cursor) if cursor.isdecimal() else -1
        if not 0 <= start <= len(self.payments):
            raise WillNeverWork("The feed does not know this cursor.", code="request_refused")
        if lost:
            raise no_reply()
        end = min(start + self._page_size, len(self.payments))
        return PaymentPage(tuple(self.payments[start:end]), cursor=str(end), more=end < len(self.payments))


class FakeDepartments:
    """Departments in memory: each feed's facts and until when they tell, handed out in pages."""

    def __init__(self, facts: Mapping[str, Iterable[Row]] | None = None, *, as_of: date, page_size: int = 100) -> None:
        self.faults = Faults()
        self.facts = {feed: list(rows) for feed, rows in (facts or {}).items()}
        self.as_of = as_of
        self._page_size = page_size

    def pull_facts(self, feed: str, /, *, cursor: str | None = None) -> FactPage:
        """Give the page at the cursor; an unknown feed or cursor is refused."""
        lost = self.faults.before()
        held = self.facts.get(feed)
        start = 0 if cursor is None else int(cursor) if cursor.isdecimal() else -1
        if held is None or not 0 <= start <= len(held):
            raise WillNeverWork("The department does not know this feed or cursor.", code="request_refused")
        if lost:
            raise no_reply()
        end = min(start + self._page_size, len(held))
        return FactPage(tuple(held[start:end]), self.as_of, cursor=str(end), more=end < len(held))

    def facts_of(self, feed: str, id_numbers: Sequence[str], /) -> FactPage:
        """Give all facts of these people that were handed out so far."""
        lost = self.faults.before()
        if (held := self.facts.get(feed)) is None:
            raise WillNeverWork("The department does not know this feed.", code="request_refused")
        if lost:
            raise no_reply()
        told = tuple(row for row in held if row.get("id_number") in id_numbers)
        return FactPage(told, self.as_of, cursor="", more=False)


class FakeCoverDoor:
    """Insurers in memory: what each would answer for a subject; whoever is not listed has no cover anywhere."""

    def __init__(self, answers: Mapping[str, Iterable[CoverAnswer]] | None = None) -> None:
        self.faults = Faults()
        self.answers = {subject: tuple(said) for subject, said in (answers or {}).items()}
        self.asked: list[CoverQuestion] = []

    def ask_cover(self, question: CoverQuestion, /) -> tuple[CoverAnswer, ...]:
        """Say who pays; the answer to a subject does not change."""
        lost = self.faults.before()
        self.asked.append(question)
        if lost:
            raise no_reply()
        return self.answers.get(question.subject, ())


class FakeSmsInbox:
    """A gateway's inbox in memory: what a test or the demonstration lets people send."""

    def __init__(self, held: Iterable[IncomingSms] = ()) -> None:
        self.faults = Faults()
        self.held = list(held)

    def messages(self, *, after: int) -> tuple[IncomingSms, ...]:
        """What came in after a number."""
        if self.faults.before():
            raise no_reply()
        return tuple(sorted((one for one in self.held if one.seq > after), key=lambda one: one.seq))


class FakeFace:
    """A provider of face checks that signs with a key of its own; `verdicts` says what it finds, by reference."""

    issuer = "https://face.example.cn"

    def __init__(self) -> None:
        self.faults = Faults()
        self.key = ECKey.generate_key("P-256")
        self.verdicts: dict[str, bool | None] = {}
        self.asked: dict[str, FaceTask] = {}

    def begin(self, *, key: str, subject: str, back: str) -> FaceTask:
        """Open a check; the person is sent straight back, because there is no camera here."""
        lost = self.faults.before()
        task = self.asked.setdefault(key, FaceTask(f"face-{len(self.asked) + 1}-{key[:8]}", back))
        if lost:
            raise no_reply()
        return task

    def result(self, reference: str, /) -> FaceResult:
        """Found alive unless told otherwise; None means that the person has not finished."""
        self.faults.before()
        alive = self.verdicts.get(reference, True)
        if alive is None:
            raise TryAgainLater("The check is not finished yet.", code="face_not_finished")
        return verified(self.signed(reference, alive=alive), reference, issuer=self.issuer, key=self.key)

    def signed(self, reference: str, *, alive: bool) -> str:
        """The provider's answer as it would cross the wire."""
        claims = json.dumps({"iss": self.issuer, "ref": reference, "alive": alive})
        return jws.serialize_compact({"alg": "ES256"}, claims, self.key)
