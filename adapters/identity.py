"""Staff sign-in at the government's identity provider, by OpenID Connect.

Enters: an issuer, our client id and secret; for each sign-in what the browser brings back and what we kept. Leaves: the
address to send the browser to with a `Departure` to keep, and at the end an `Identity`: issuer, subject and how the
person proved it. Every lie of the provider or of the browser is one `WillNeverWork("identity_refused")`; its reason is
for the log. Authlib speaks the protocol; its web-framework half is left out, since doors know no web framework.
"""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import BaseApp, OAuth2Mixin, OpenIDMixin
from authlib.integrations.requests_client import OAuth2Session
from joserfc.errors import JoseError
from requests import RequestException, Response

from adapters.ports import Departure, Identity, TryAgainLater, WillNeverWork
from adapters.whole import WholeCall

PATIENCE: Final = (3, 10)
WHOLE_SECONDS: Final = 20.0
ALGORITHMS: Final = ("ES256", "RS256", "PS256", "EdDSA")
"""Signatures of an identity token: public keys only, never a shared secret, never none."""
FRESH: Final = 300
"""Seconds after which the provider is to ask the person again: coming back must not count as a proof of now."""
LEEWAY: Final = 60
"""Seconds by which the provider's clock may differ."""


@dataclass(frozen=True, slots=True)
class OidcSettings:
    """Where the provider is and who we are there."""

    issuer: str
    client_id: str
    client_secret: str = field(default="", repr=False)


class _Session(OAuth2Session):  # type: ignore[misc]  # Authlib has no types
    """Requests that end in time and follow nobody elsewhere."""

    def request(self, method: str, url: str, **options: Any) -> Response:
        options.setdefault("timeout", PATIENCE)
        options["allow_redirects"] = False
        answer: Response = super().request(method, url, **options)
        return answer


class _Client(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # Authlib has no types
    """Authlib's client, without a framework to keep its state in: `Departure` is kept by the caller."""

    client_cls = _Session


class OidcDoor:
    """One identity provider. Its metadata and keys are fetched at the first sign-in and kept."""

    def __init__(self, settings: OidcSettings, *, seconds: float = WHOLE_SECONDS) -> None:
        self._settings, self._whole = settings, WholeCall(seconds)
        self._known: dict[str, Any] | None = None

    def begin(self, return_to: str) -> Departure:
        """Where the browser goes, with a state, a nonce and an S256 challenge of its own.

        Raises
        ------
        TryAgainLater
            The provider does not answer.
        WillNeverWork
            It answers as somebody else.
        """
        try:
            made = self._whole.ask(partial(self._depart, return_to))
        except (RequestException, RuntimeError, ValueError, TypeError) as error:
            raise TryAgainLater("the identity provider does not answer", code="identity_silent") from error
        return Departure(made["url"], made["state"], made["nonce"], made["code_verifier"], return_to)

    def finish(self, query: Mapping[str, str], /, *, departure: Departure) -> Identity:
        """Whom the browser came back as.

        Raises
        ------
        TryAgainLater
            The provider does not answer.
        WillNeverWork
            Anything is not as agreed: state, code, issuer, audience, nonce, time, signature.
        """
        if not hmac.compare_digest(query.get("state", "").encode(), departure.state.encode()):
            raise _refused("state")
        if query.get("iss", self._settings.issuer) != self._settings.issuer:
            raise _refused("issuer of the answer")
        if "error" in query or not query.get("code"):
            raise _refused("no code")
        try:
            return self._whole.ask(partial(self._exchange, query["code"], departure))
        except (WillNeverWork, TryAgainLater):
            raise
        except RequestException as error:
            raise TryAgainLater("the identity provider does not answer", code="identity_silent") from error
        except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
            raise _refused(type(error).__name__) from error

    def _depart(self, return_to: str) -> dict[str, Any]:
        made: dict[str, Any] = self._client().create_authorization_url(return_to, max_age=str(FRESH))
        return made

    def _exchange(self, code: str, departure: Departure) -> Identity:
        client = self._client()
        token = client.fetch_access_token(departure.return_to, code=code, code_verifier=departure.code_verifier)
        if not isinstance(token.get("id_token"), str):
            raise _refused("no identity token")
        claims = client.parse_id_token(token, departure.nonce, claims_options=self._expected(), leeway=LEEWAY)
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 200:
            raise _refused("subject")
        if claims["aud"] not in (self._settings.client_id, [self._settings.client_id]):
            raise _refused("audience beside us")
        methods = frozenset(one for one in claims.get("amr") or () if isinstance(one, str))
        return Identity(self._settings.issuer, claims["sub"], methods, _moment(claims.get("auth_time")))

    def _expected(self) -> dict[str, Any]:
        """Said out loud, since by default a token made for another client would be taken (`azp` = ours)."""
        return {
            "iss": {"essential": True, "values": [self._settings.issuer]},
            "aud": {"essential": True, "values": [self._settings.client_id]},
            "exp": {"essential": True},
            "iat": {"essential": True},
        }

    def _client(self) -> _Client:
        client = self._blank()
        if self._known is None:
            self._known = self._checked(client.load_server_metadata())
        client.server_metadata = dict(self._known)
        return client

    def _blank(self) -> _Client:
        given = self._settings
        return _Client(
            None,
            "staff",
            client_id=given.client_id,
            client_secret=given.client_secret or None,
            client_kwargs={"scope": "openid", "code_challenge_method": "S256"},
            server_metadata_url=f"{given.issuer.rstrip('/')}/.well-known/openid-configuration",
        )

    def _checked(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """What the provider says of itself, if it is the provider we know and every address is safe."""
        if metadata.get("issuer") != self._settings.issuer:
            raise _refused("issuer of the metadata")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            address = urlsplit(str(metadata.get(name, "")))
            if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost"):
                raise _refused(f"unsafe {name}")
        said = metadata.get("id_token_signing_alg_values_supported") or ["RS256"]
        algorithms = [name for name in said if name in ALGORITHMS]
        if not algorithms:
            raise _refused("no signature we know")
        kept = {name: metadata[name] for name in ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")}
        return {**kept, "id_token_signing_alg_values_supported": algorithms, "_loaded_at": metadata["_loaded_at"]}


def _moment(said: Any) -> datetime | None:
    """When the person was asked; none where the provider does not say, or speaks of no moment or of one to come."""
    if not isinstance(said, int | float) or isinstance(said, bool) or not 0 < said <= time.time() + LEEWAY:
        return None
    return datetime.fromtimestamp(said, tz=UTC)


def _refused(reason: str) -> WillNeverWork:
    return WillNeverWork(f"the identity provider's answer was refused: {reason}", code="identity_refused")
