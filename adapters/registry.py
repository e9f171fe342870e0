"""The civil-affairs register: verified needs come in page by page, states and aid given go back.

Enters: a cursor, or a `StateChange` or `AidGiven`. Leaves: a `NeedPage` of raw cells under the names of the need
template, so that a pulled need is checked by the same rules as one from a file. Wiring builds it. The register
speaks JSON (GET /needs, POST /needs/{id}/state, POST /aid) and lets us in by OAuth2 client credentials, with
tokens that live for minutes.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from urllib.parse import quote

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from adapters.http import HttpClient, Patience, safe_base
from adapters.ports import (
    NEED_COLUMNS,
    AidGiven,
    Cell,
    NeedPage,
    NeedRecord,
    StateChange,
    TryAgainLater,
    WillNeverWork,
)

_LEEWAY_SECONDS = 60


@dataclass(frozen=True, slots=True)
class RegistrySettings:
    """Where the register is, and who we are to it."""

    base_url: str
    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = "needs:read needs:state aid:write"


class ClientCredentials:
    """A bearer token for each request: fetched when there is none, renewed before it ends or when refused."""

    def __init__(self, settings: RegistrySettings, *, patience: Patience) -> None:
        self._session = OAuth2Session(
            settings.client_id,
            settings.client_secret,
            token_endpoint=safe_base(settings.token_url),
            grant_type="client_credentials",
            scope=settings.scope,
        )
        self._session.trust_env = False
        self._timeout = (patience.connect, patience.read)
        self._lock = threading.Lock()

    def __call__(self, request: requests.PreparedRequest, /) -> requests.PreparedRequest:
        """Put the token on a request."""
        with self._lock:
            token = self._session.token
            if not token or token.is_expired(leeway=_LEEWAY_SECONDS):
                token = self._fetch()
            request.headers["Authorization"] = f"Bearer {token['access_token']}"
        return request

    def forget(self) -> None:
        """Drop a token the register refused."""
        with self._lock:
            self._session.token = None

    def _fetch(self) -> dict[str, str]:
        try:
            token: dict[str, str] = self._session.fetch_token(timeout=self._timeout, allow_redirects=False)
        except OAuthError:
            raise TryAgainLater("Our credentials were refused.", code="credentials_refused") from None
        except (requests.RequestException, ValueError):
            raise TryAgainLater("No token could be had.", code="no_token") from None
        if not token.get("access_token"):
            self._session.token = None
            raise TryAgainLater("No token could be had.", code="no_token")
        return token


class CivilAffairsRegistry:
    """The register over HTTP; see `adapters.ports.Registry`."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def pull_needs(self, *, cursor: str | None = None) -> NeedPage:
        """Fetch the page at the cursor; cells under names we do not know are left behind."""
        reply = self._client.get("/needs", call="pull-needs", params={"cursor": cursor} if cursor else None).json()
        needs, following, more = reply.get("needs"), reply.get("cursor"), reply.get("more", False)
        if not (isinstance(needs, list) and isinstance(following, str) and isinstance(more, bool)):
            raise _not_as_agreed("The register's page is not as agreed.")
        if more and following == cursor:
            raise _not_as_agreed("The register's cursor does not move on.")
        return NeedPage(needs=tuple(_record(need) for need in needs), cursor=following, more=more)

    def push_state(self, change: StateChange, /) -> None:
        """Tell what became of a need."""
        payload = {"state": change.state, "changed_at": change.changed_at.isoformat()}
        path = f"/needs/{quote(change.need_source_id, safe='')}/state"
        self._client.post(path, call="push-state", payload=payload, key=change.idempotency_key)

    def push_aid(self, aid: AidGiven, /) -> None:
        """Tell what aid reached a household."""
        payload = {
            "source_id": aid.source_id,
            "need_source_id": aid.need_source_id,
            "category": aid.category,
            "units": aid.units,
            "given_on": aid.given_on.isoformat(),
            "giver": aid.giver,
        }
        self._client.post("/aid", call="push-aid", payload=payload, key=aid.idempotency_key)


def connect(settings: RegistrySettings, *, patience: Patience | None = None) -> CivilAffairsRegistry:
    """Build the register's door from its settings."""
    patience = patience or Patience()
    credential = ClientCredentials(settings, patience=patience)
    client = HttpClient("civil-affairs", settings.base_url, patience=patience, credential=credential)
    return CivilAffairsRegistry(client)


def _not_as_agreed(sentence: str) -> WillNeverWork:
    return WillNeverWork(sentence, code="page_not_as_agreed")


def _record(need: object) -> NeedRecord:
    if not isinstance(need, dict) or not isinstance(need.get("source_id"), str):
        raise _not_as_agreed("A need of the register has no number.")
    cells: dict[str, Cell] = {}
    for name in NEED_COLUMNS:
        value = need.get(name)
        if isinstance(value, (dict, list)):
            raise _not_as_agreed("A field of the register is not plain.")
        if value is not None and value != "":
            cells[name] = value
    return NeedRecord(source_id=need["source_id"], cells=cells)
