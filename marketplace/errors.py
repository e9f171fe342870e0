"""What can go wrong in the house, as named errors that a page or an API can show.

Raised by services; turned into a page or JSON by the one table in `marketplace.app`. The text of an error is for the
log and for developers: it names rules and ids, never a person. `code` is what templates translate.
"""

from __future__ import annotations

from collections.abc import Mapping


class DomainError(Exception):
    """The root: `code` is stable and translated, `facts` fill its sentence (never personal data)."""

    code = "error"
    denied: object = None
    """The audit row of a refusal; the edge writes it after the transaction was rolled back."""

    def __init__(self, code: str = "", /, **facts: str | int) -> None:
        self.code = code or self.code
        self.facts: Mapping[str, str | int] = facts
        super().__init__(f"{self.code} {dict(facts)}" if facts else self.code)


class NotFound(DomainError):
    """There is no such row, or it is not the actor's: both look the same from outside."""

    code = "not_found"


class NotAllowed(DomainError):
    """The policy refused; `code` is the rule that did."""

    code = "not_allowed"


class WrongState(DomainError):
    """The row has moved on: what was asked no longer fits its state."""

    code = "wrong_state"


class ConsentMissing(DomainError):
    """No living consent covers this recipient, purpose and field."""

    code = "consent_missing"


class Conflict(DomainError):
    """Another act came first: the stock, the need or the row is taken."""

    code = "conflict"


class BadInput(DomainError):
    """A form, a file or a call is wrong; `field` in facts names the place."""

    code = "bad_input"
