"""A door to one outside witness of the audit log, in the C2SP tlog-witness form over HTTP.

Enters: the size the witness last saw, a consistency proof and a checkpoint. Leaves: its cosignature line, or the size
that it has really seen (an int); `TryAgainLater` when it does not answer, `WillNeverWork` when it refuses to sign.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import partial

import requests

from adapters.http import safe_base
from adapters.ports import TryAgainLater, WillNeverWork
from adapters.whole import WholeCall

_MOST_BYTES = 4096
_SECONDS = (3.0, 5.0)
_WHOLE_SECONDS = 8.0


class HttpWitness:
    """One witness behind an address: https, or http on this machine."""

    def __init__(self, address: str, *, seconds: float = _WHOLE_SECONDS) -> None:
        self._base = safe_base(address)
        self._whole = WholeCall(seconds)
        self._session = requests.Session()
        self._session.trust_env = False

    def add_checkpoint(self, old: int, *, proof: Sequence[bytes], note: str) -> str | int:
        """Show one checkpoint."""
        steps = "".join(base64.b64encode(step).decode() + "\n" for step in proof)
        return self._whole.ask(partial(self._show, f"old {old}\n{steps}\n{note}".encode()))

    def _show(self, body: bytes) -> str | int:
        try:
            with self._session.post(
                f"{self._base}/add-checkpoint", data=body, timeout=_SECONDS, allow_redirects=False, stream=True
            ) as response:
                text = response.raw.read(_MOST_BYTES, decode_content=True).decode("utf-8", errors="replace")
                status = response.status_code
        except requests.RequestException:
            raise TryAgainLater("No reply came.", code="no_reply") from None
        if status == 200:
            return str(text)
        if status == 409 and text.strip().isdecimal():
            return int(text)
        if status >= 500:
            raise TryAgainLater("The witness has a fault.", code="server_fault")
        raise WillNeverWork("The witness refuses to sign.", code="fork" if status == 422 else "request_refused")
