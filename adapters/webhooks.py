"""The door to partners' webhooks: one POST of a signed text to a host that the operator has allowed, and nowhere else.

Enters: an address and a body. Leaves: nothing, or TryAgainLater or WillNeverWork. The host must be on the list, every
address it resolves to must be public, and the connection goes to the very address that was looked at: a name that
resolves otherwise a moment later gains nothing. No redirect is followed and no body is read. Wired in `wiring`.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Collection, Sequence
from functools import partial
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from adapters.ports import TryAgainLater, WillNeverWork
from adapters.whole import WholeCall

TIMEOUT = urllib3.Timeout(connect=3, read=5)
WHOLE_SECONDS = 8.0
_HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)+\Z")
Resolve = Callable[[str], Sequence[str]]
Send = Callable[[str, str, str, bytes], int]
"""(IP address, host, path, body) ► status."""


def resolve(host: str) -> Sequence[str]:
    """All addresses of a name."""
    return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, 443, proto=socket.IPPROTO_TCP)})


def send(address: str, host: str, path: str, body: bytes) -> int:
    """One POST over TLS to this very address, for the certificate of `host`; the answer's status."""
    headers = {"Host": host, "Content-Type": "application/jose", "User-Agent": "shanqiao-webhook/1"}
    with urllib3.HTTPSConnectionPool(
        address, 443, server_hostname=host, assert_hostname=host, timeout=TIMEOUT, retries=False, maxsize=1
    ) as pool:
        answer = pool.request("POST", path, body=body, headers=headers, redirect=False, preload_content=False)
        answer.close()
        return int(answer.status)


class Webhooks:
    """Posts to allowed public hosts only."""

    def __init__(
        self, hosts: Collection[str], *, resolve: Resolve = resolve, send: Send = send, seconds: float = WHOLE_SECONDS
    ) -> None:
        self._hosts, self._resolve, self._send = frozenset(hosts), resolve, send
        self._whole = {host: WholeCall(seconds) for host in self._hosts}  # one that hangs holds up no other

    def post(self, url: str, body: str) -> None:
        """Deliver, or say whether trying again can help."""
        host, path = self._target(url)
        self._whole[host].ask(partial(self._post, host, path, body))

    def _post(self, host: str, path: str, body: str) -> None:
        address = self._public_address(host)
        try:
            status = self._send(address, host, path, body.encode())
        except (HTTPError, OSError) as error:
            raise TryAgainLater("The webhook did not answer.", code="webhook_no_answer") from error
        if 300 <= status < 400:
            raise WillNeverWork("The webhook answered with a redirect.", code="webhook_redirect")
        if not 200 <= status < 300:
            raise TryAgainLater(f"The webhook answered {status}.", code="webhook_status")

    def _target(self, url: str) -> tuple[str, str]:
        """Host and path of a plain https address on the list; no user, no other port, no number instead of a name."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise WillNeverWork("The webhook's address cannot be read.", code="webhook_address") from error
        plain = parts.scheme == "https" and port in (None, 443) and parts.netloc in (host, f"{host}:443")
        clean = not re.search(r"[\x00-\x20\x7f-\uffff\\]", url)
        if not plain or not clean or not _HOST.match(host) or host not in self._hosts:
            raise WillNeverWork("The webhook's address is not allowed.", code="webhook_host")
        return host, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def _public_address(self, host: str) -> str:
        """The first address of the name, if every one of them is public."""
        try:
            found = self._resolve(host)
        except OSError as error:
            raise TryAgainLater("The webhook's name cannot be resolved.", code="webhook_name") from error
        if not found or not all(_is_public(address) for address in found):
            raise WillNeverWork("The webhook's name leads into a private network.", code="webhook_private")
        return found[0]


def _is_public(address: str) -> bool:
    """Reachable in the open internet; an IPv4 address wrapped in IPv6 is judged by what it wraps."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        wrapped = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if wrapped is not None:
            return False
    return ip.is_global and not ip.is_multicast
