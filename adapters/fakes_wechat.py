"""WeChat's platform in memory, for the tests and for the demonstration, where no mini program exists.

Enters: codes. Leaves: the reader's number, or the same errors as at the real door. Wiring builds it.
"""

from __future__ import annotations

from adapters.fakes import Faults
from adapters.ports import TryAgainLater, WillNeverWork


class FakeWeChat:
    """WeChat's platform in memory: a code is the reader's number, a dot and any word that makes it good only once."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.used: set[str] = set()

    def openid_of(self, code: str, /) -> str:
        """The number before the dot; every code once."""
        lost = self.faults.before()
        number, dot, _word = code.partition(".")
        if not (number and dot and code.isascii()) or code in self.used:
            raise WillNeverWork("This code is wrong, too old or used.", code="code_refused")
        self.used.add(code)
        if lost:
            raise TryAgainLater("No reply came.", code="no_reply")
        return f"o-{number}"
