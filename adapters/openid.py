"""What the house asks of WeChat when somebody opens it there: the port that turns a code into a number of that reader.

Enters and leaves: nothing; this is the shape that `adapters.wechat_login` and its fake share. The number is one
reader's within one programme of ours; it is not a telephone and not a name, and stays out of every log.
"""

from __future__ import annotations

from typing import Protocol


class OpenIdDoor(Protocol):
    """A code that WeChat gave to the shell in the reader's telephone, good once and for five minutes.

    Raises WillNeverWork("code_refused") for a code that is wrong, too old or used, TryAgainLater while the platform is
    busy or refuses our own credentials.
    """

    def openid_of(self, code: str, /) -> str: ...
