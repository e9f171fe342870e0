"""A provider of face checks over HTTP: open a check, fetch its signed answer. No picture is asked for or taken.

Enters: a client, the provider's public key (JWK) and its name. Leaves: `FaceTask` and `FaceResult`. An
answer is a compact JWS (ES256) with iss, ref, alive, at; unsigned, foreign or mismatched answers are refused for good.
"""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from adapters.face import FaceResult, FaceTask
from adapters.http import HttpClient
from adapters.ports import TryAgainLater, WillNeverWork


class FaceGateway:
    """The provider's door; see `adapters.face.FaceDoor`."""

    def __init__(self, client: HttpClient, *, issuer: str, key: ECKey) -> None:
        self._client, self._issuer, self._key = client, issuer, key

    def begin(self, *, key: str, subject: str, back: str) -> FaceTask:
        """Open a check; the same key opens the same one."""
        payload = {"subject": subject, "back": back}
        reply = self._client.post("/checks", call="face-begin", payload=payload, key=key).json()
        reference, address = reply.get("reference"), reply.get("address")
        if not isinstance(reference, str) or not isinstance(address, str) or urlsplit(address).scheme != "https":
            raise WillNeverWork("The provider's answer is not as agreed.", code="page_not_as_agreed")
        return FaceTask(reference, address)

    def result(self, reference: str, /) -> FaceResult:
        """The signed answer, once the person has finished."""
        signed = self._client.get(f"/checks/{reference}", call="face-result").json().get("result")
        if signed is None:
            raise TryAgainLater("The check is not finished yet.", code="face_not_finished")
        return verified(str(signed), reference, issuer=self._issuer, key=self._key)


def verified(signed: str, reference: str, /, *, issuer: str, key: ECKey) -> FaceResult:
    """The answer behind a signature; WillNeverWork unless it is the provider's own and about this check."""
    try:
        claims = json.loads(jws.deserialize_compact(signed, key, algorithms=["ES256"]).payload)
    except (JoseError, ValueError, TypeError) as error:
        raise WillNeverWork("The answer is not signed by the provider.", code="face_not_signed") from error
    if not isinstance(claims, dict) or claims.get("iss") != issuer or claims.get("ref") != reference:
        raise WillNeverWork("The answer is about another check.", code="face_not_this_check")
    if not isinstance(claims.get("alive"), bool):
        raise WillNeverWork("The provider's answer is not as agreed.", code="page_not_as_agreed")
    return FaceResult(reference, claims["alive"], signed)
