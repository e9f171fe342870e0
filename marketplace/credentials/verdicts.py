"""Does it hold? The public page's judge of a receipt, a credential, a checkpoint or a row.

Enters: a text that a stranger pasted. Leaves: a verdict with what it is, what was found, and facts for the page; never
a value of a person. It asks `shanqiao_verify`, the same file that anybody runs offline, so that the page and the
auditor's tool cannot say different things.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

import shanqiao_verify as verifier
from marketplace.credentials import status
from marketplace.errors import NotFound
from marketplace.trail.service import settings_of, trust_file


@dataclass(frozen=True, slots=True)
class Verdict:
    """`kind` is receipt, credential, checkpoint, row or unknown; `fault` is empty where it holds."""

    kind: str
    fault: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


def judge(session: Session, text: str, /, *, now: datetime) -> Verdict:
    """Find out what it is, and whether it holds."""
    text = text.strip()
    kind = kind_of(text)
    keys = keys_of(session)
    try:
        if kind == "receipt":
            payload, head = verifier.check_receipt(text, keys)
            return Verdict(kind, facts={"record": payload["record"], "event": payload["event"], **_seen(head)})
        if kind == "credential":
            return _credential(session, text, keys, now=now)
        if kind == "checkpoint":
            found = verifier.check_checkpoint(text + "\n", log=keys.log, witnesses=keys.witnesses, quorum=keys.quorum)
            return Verdict(kind, facts=_seen(found))
        if kind == "row":
            row, head = verifier.check_row(verifier.strict_json(text.encode()), keys)
            return Verdict(kind, facts={"row": row, **_seen(head)})
    except verifier.Refused as refused:
        return Verdict(kind, fault=str(refused))
    return Verdict("unknown", fault="not a receipt, a credential, a checkpoint or a row")


def kind_of(text: str) -> str:
    """What a text claims to be, from its shape alone."""
    if text.startswith("{"):
        return "row"
    if "~" in text:
        return "credential"
    if "\n\n" in text:
        return "checkpoint"
    return "receipt" if text.count(".") == 2 else "unknown"


def _credential(session: Session, text: str, keys: verifier.Keys, *, now: datetime) -> Verdict:
    at = int(now.timestamp())
    found = verifier.check_credential(text, keys, now=at)
    entry = found.payload["status"]["status_list"]
    settings = settings_of(session)
    number = entry["uri"].rpartition("/")[2]
    verifier.need(number.isdecimal() and entry["uri"] == status.address(settings, int(number)), "another status list")
    try:
        answer = status.list_token(session, settings, int(number), now=now)
    except NotFound as error:
        raise verifier.Refused("there is no such status list") from error
    state = verifier.status_of(answer, keys, uri=entry["uri"], index=entry["idx"], now=at)
    verifier.need(state == "valid", f"it is {state}")
    facts = {
        "issuer": found.payload["iss"],
        "audience": found.payload["aud"],
        "purpose": found.payload["consent"]["purpose"],
        "level": found.payload["verification"]["level"],
        "until": datetime.fromtimestamp(found.payload["exp"], now.tzinfo),
        "fields": sorted(found.disclosed),
        "bound": found.bound,
    }
    return Verdict("credential", facts=facts)


def _seen(head: verifier.Checkpoint) -> dict[str, Any]:
    return {"size": head.size, "origin": head.origin, "witnesses": sorted(head.witnesses)}


def keys_of(session: Session) -> verifier.Keys:
    """The house's own public keys, as `/trust/keys.json` tells them."""
    told = trust_file(settings_of(session))
    issuers = {key["kid"]: key for key in told["keys"]}
    return verifier.Keys(issuers, log=told["log"], witnesses=told["witnesses"], quorum=told["quorum"])


def record_in(jws: str) -> dict[str, Any]:
    """The record inside a receipt that the house itself keeps."""
    middle = jws.split(".")[1]
    payload = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    record: dict[str, Any] = payload["record"]
    return record
