"""What the house asks of a provider of face checks: the port, and the two values that pass it.

Enters: nothing. Leaves: `FaceDoor`, `FaceTask` and `FaceResult`. The marketplace calls these names only; the concrete
door is chosen in its wiring. No value here can hold a picture, and what is personal is kept out of every `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class FaceTask:
    """A face check that a provider has opened: its number there, and the address to which the person goes."""

    reference: str
    address: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class FaceResult:
    """What the provider found, with its own signature checked at the door: `signed` is that answer as it came."""

    reference: str
    alive: bool
    signed: str = field(repr=False)


class FaceDoor(Protocol):
    """A provider of face checks. It learns a number of ours and a keyed mark of the person; no picture passes here.

    `result` raises TryAgainLater while the person has not finished, WillNeverWork for an answer that is not signed by
    the provider, or is about another check.
    """

    def begin(self, *, key: str, subject: str, back: str) -> FaceTask: ...

    def result(self, reference: str, /) -> FaceResult: ...
