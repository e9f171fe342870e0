"""Check what Shanqiao gave out, without Shanqiao: receipts, credentials, checkpoints, and a whole audit log.

Enters: files that somebody was given, and the file of public keys (`/trust/keys.json`) that somebody fetched once.
Leaves: what holds, or the first thing that does not, and exit code 0 or 1 (2 where a file cannot be read). This one
file stands alone: the standard library and `cryptography`, nothing of the application, so that an auditor can read all
of it. Hashing rows, leaves and notes is therefore written here a second time, on purpose: `marketplace/audit.py` and
`marketplace/trail/` hold the same arithmetic, and tests compare the two.

    shanqiao-verify receipt receipt.jws --keys keys.json
    shanqiao-verify credential credential.txt --keys keys.json [--audience ORG --nonce NONCE] [--status list.jwt]
    shanqiao-verify checkpoint checkpoint.txt --keys keys.json
    shanqiao-verify row proof.json --keys keys.json
    shanqiao-verify log audit.jsonl --keys keys.json [--checkpoint held-elsewhere.txt ...]
    shanqiao-verify log shanqiao.db --keys keys.json
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hmac
import json
import re
import sqlite3
import sys
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicNumbers
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

MOST_BYTES, MOST_DISCLOSURES, DEEPEST = 64 * 1024, 200, 8
LONGEST_S, SKEW_S, BINDING_S = 90 * 86_400 + 60, 60, 300
DIGESTS, ELEMENTS = 24, 8
LIST_SIZE = 131_072
CREDENTIAL, BINDING, RECEIPT, STATUS_LIST = "dc+sd-jwt", "kb+jwt", "consent-receipt+jwt", "statuslist+jwt"
VCT = "urn:cq-aid:verified-need:1"
ALWAYS = {"iss", "vct", "aud", "sub", "iat", "nbf", "exp", "cnf", "status", "consent", "verification", "_sd", "_sd_alg"}
SELECTIVE: Mapping[str, type] = {
    "category": str,
    "county": str,
    "household": dict,
    "needs": list,
    "income_band": str,
    "name": str,
    "phone": str,
    "address": str,
    "birth_date": str,
    "id_number": str,
    "diagnosis_group": str,
    "documents": list,
    "payee_token": str,
}
NEED_MEMBERS = {"code", "amount_band", "amount_fen", "deadline"}
CONSENT_MEMBERS = {"id", "ver", "purpose", "mode", "erase_at", "receipt_sha256"}
VERIFICATION_MEMBERS = {"level", "method", "month", "valid_until", "office"}
STATUSES = ("valid", "revoked", "suspended")
ROW = (
    "seq",
    "at",
    "actor_ref",
    "actor_role",
    "org_ref",
    "action",
    "object_ref",
    "subject_ref",
    "purpose",
    "decision",
    "rule_id",
    "fields",
    "consent_ref",
    "request_id",
    "body_commit",
    "prev",
)
GENESIS = "0" * 64
_B64 = re.compile(r"[A-Za-z0-9_-]+\Z")
_DIGEST = re.compile(r"[A-Za-z0-9_-]{43}\Z")
_PSEUDONYM = re.compile(r"[a-z2-7]{26}\Z")


class Refused(Exception):
    """It does not hold; the sentence says what was found first."""


def need(condition: object, fault: str) -> None:
    """Refuse unless the condition holds."""
    if not condition:
        raise Refused(fault)


# --- strict reading ---------------------------------------------------------------------------------------------


def unbase64url(text: object) -> bytes:
    """Canonical base64url without padding: exactly one spelling for each value."""
    need(isinstance(text, str) and _B64.match(text), "not base64url")
    assert isinstance(text, str)
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (ValueError, binascii.Error) as error:
        raise Refused("not base64url") from error
    need(base64.urlsafe_b64encode(raw).rstrip(b"=").decode() == text, "base64url is not canonical")
    return raw


def base64url(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def strict_json(raw: bytes) -> Any:
    """JSON with each member once, whole numbers only, at most eight levels deep."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        need(len(found) == len(pairs), "a JSON member stands twice")
        return found

    def refuse(text: str) -> Any:
        raise Refused(f"the number {text[:20]} is not whole")

    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=once, parse_constant=refuse, parse_float=refuse)
    except (ValueError, RecursionError) as error:
        raise Refused("not JSON") from error
    _shallow(value, DEEPEST)
    return value


def _shallow(value: Any, left: int) -> None:
    need(left > 0, "nested too deep")
    if isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            _shallow(inner, left - 1)


def whole(value: object) -> bool:
    """A whole number that is no truth value, and not absurdly large."""
    return type(value) is int and 0 <= value < 2**53


def exactly(value: object, members: set[str], what: str) -> dict[str, Any]:
    """An object with just these members."""
    need(isinstance(value, dict) and set(value) == members, f"{what} does not have exactly its members")
    assert isinstance(value, dict)
    return value


# --- signatures -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Keys:
    """Public keys that were fetched once: issuers by kid, the log's and the witnesses' verifier keys."""

    issuers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    log: str = ""
    witnesses: Sequence[str] = ()
    quorum: int = 0

    @classmethod
    def read(cls, text: str) -> Keys:
        """From the JSON of `/trust/keys.json`."""
        found = strict_json(text.encode())
        need(isinstance(found, dict) and isinstance(found.get("keys"), list), "this is not a file of keys")
        issuers = {str(key["kid"]): key for key in found["keys"]}
        return cls(issuers, str(found.get("log", "")), list(found.get("witnesses", ())), int(found.get("quorum", 0)))


def check_es256(jwk: Mapping[str, Any], signed: bytes, signature: bytes) -> None:
    """An ECDSA signature over P-256 in the 64-byte form of JWS."""
    need(len(signature) == 64, "the signature has not 64 bytes")
    x, y = (int.from_bytes(_coordinate(jwk.get(name)), "big") for name in ("x", "y"))
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    try:
        key = EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
        key.verify(encode_dss_signature(r, s), signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError) as error:
        raise Refused("the signature does not hold") from error


def _coordinate(text: object) -> bytes:
    raw = unbase64url(text)
    need(len(raw) == 32, "the key is not of P-256")
    return raw


def open_jws(compact: str, keys: Keys, *, typ: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    """The payload of a JWS whose header is exactly alg, typ and kid, and the key that signed it."""
    parts = compact.split(".")
    need(len(parts) == 3, "not a JWS of three parts")
    header = exactly(strict_json(unbase64url(parts[0])), {"alg", "typ", "kid"}, "the header")
    need(header["alg"] == "ES256", "the algorithm is not ES256")
    need(header["typ"] == typ, f"the type is not {typ}")
    need(isinstance(header["kid"], str) and header["kid"] in keys.issuers, "signed with a key that is not known")
    jwk = keys.issuers[header["kid"]]
    check_es256(jwk, f"{parts[0]}.{parts[1]}".encode(), unbase64url(parts[2]))
    payload = strict_json(unbase64url(parts[1]))
    need(isinstance(payload, dict), "the payload is not an object")
    need(payload.get("iss") == jwk.get("iss"), "the key is not this issuer's")
    return payload, jwk


# --- credentials ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Credential:
    """What a credential says: the always visible claims, and those disclosed."""

    payload: Mapping[str, Any]
    disclosed: Mapping[str, Any]
    bound: bool


def check_credential(
    compact: str, keys: Keys, *, now: int, audience: str | None = None, nonce: str | None = None
) -> Credential:
    """A credential or a presentation of one.

    With `nonce` and `audience`, which are asked together, the presentation must be bound to both by the recipient's
    key: one alone would take what somebody else was shown. Without them a binding is checked as far as it can be.
    """
    need((nonce is None) == (audience is None), "an audience and a nonce are asked together")
    need(compact.isascii() and len(compact) <= MOST_BYTES, "larger than 64 KiB, or not ASCII")
    parts = compact.split("~")
    need(len(parts) >= 2, "not an SD-JWT: it has no ~")
    signed, disclosures, binding = parts[0], parts[1:-1], parts[-1]
    need(len(disclosures) <= MOST_DISCLOSURES, "more than 200 disclosures")
    payload, _ = open_jws(signed, keys, typ=CREDENTIAL)
    _check_claims(payload, now)
    disclosed = _disclose(payload, disclosures)
    if not binding:
        need(nonce is None, "it is not bound to the recipient's key")
        return Credential(payload, disclosed, bound=False)
    _check_binding(binding, compact[: -len(binding)], payload, now=now, audience=audience, nonce=nonce)
    return Credential(payload, disclosed, bound=True)


def _check_claims(payload: dict[str, Any], now: int) -> None:
    exactly(payload, ALWAYS, "the credential")
    need(payload["vct"] == VCT and payload["_sd_alg"] == "sha-256", "another kind of credential")
    need(all(isinstance(payload[name], str) and payload[name] for name in ("iss", "aud", "sub")), "iss, aud or sub")
    need(_PSEUDONYM.match(payload["sub"]), "the pseudonym is malformed")
    issued, start, end = payload["iat"], payload["nbf"], payload["exp"]
    need(all(map(whole, (issued, start, end))), "a time is not a whole number")
    need(issued <= now + SKEW_S and start <= now + SKEW_S, "not valid yet")
    need(now < end, "expired")
    need(issued <= start < end <= issued + LONGEST_S, "the period is impossible or longer than 90 days")
    jwk = exactly(exactly(payload["cnf"], {"jwk"}, "cnf")["jwk"], {"kty", "crv", "x", "y"}, "the recipient's key")
    need(jwk["kty"] == "EC" and jwk["crv"] == "P-256", "the recipient's key is not of P-256")
    entry = exactly(exactly(payload["status"], {"status_list"}, "status")["status_list"], {"uri", "idx"}, "status")
    need(isinstance(entry["uri"], str) and whole(entry["idx"]) and entry["idx"] < LIST_SIZE, "the status entry")
    consent = exactly(payload["consent"], CONSENT_MEMBERS, "consent")
    need(whole(consent["ver"]) and whole(consent["erase_at"]), "consent: ver or erase_at")
    need(all(isinstance(consent[name], str) for name in ("id", "purpose", "mode", "receipt_sha256")), "consent")
    level = exactly(payload["verification"], VERIFICATION_MEMBERS, "verification")["level"]
    need(whole(level) and 1 <= level <= 4, "verification: level")
    digests = payload["_sd"]
    need(isinstance(digests, list) and len(digests) == DIGESTS, "the count of digests says something")
    need(all(isinstance(d, str) and _DIGEST.match(d) for d in digests), "a digest is malformed")
    need(len(set(digests)) == len(digests), "a digest stands twice")


def _disclose(payload: Mapping[str, Any], disclosures: Sequence[str]) -> dict[str, Any]:
    """The disclosed claims; each disclosure is referred to exactly once, and nothing else is taken."""
    by_digest = {base64url(sha256(text.encode()).digest()): strict_json(unbase64url(text)) for text in disclosures}
    need(len(by_digest) == len(disclosures), "a disclosure stands twice")
    used: set[str] = set()
    claims: dict[str, Any] = {}
    for digest in payload["_sd"]:
        if digest in by_digest:
            name, value = _member(by_digest[digest], claims)
            used.add(digest)
            claims[name] = _elements(value, by_digest, used) if name == "needs" else value
    need(used == set(by_digest), "a disclosure belongs to no digest")
    return claims


def _member(parts: Any, claims: Mapping[str, Any]) -> tuple[str, Any]:
    need(isinstance(parts, list) and len(parts) == 3, "a disclosure has not three parts")
    salt, name, value = parts
    need(isinstance(salt, str) and len(unbase64url(salt)) >= 16, "a salt is too short")
    need(isinstance(name, str) and name in SELECTIVE, "a claim that cannot be disclosed")
    need(name not in claims, "a claim stands twice")
    need(type(value) is SELECTIVE[name], f"{name} is of the wrong type")
    need(name == "needs" or not _marked(value), "a marker stands in a plain value")
    return name, value


def _marked(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_marked, value))
    if isinstance(value, dict):
        return bool({"_sd", "...", "_sd_alg"} & set(value)) or any(map(_marked, value.values()))
    return False


def _elements(value: list[Any], by_digest: Mapping[str, Any], used: set[str]) -> list[Any]:
    need(len(value) == ELEMENTS, "the count of needs says something")
    seen = [exactly(element, {"..."}, "an element of needs")["..."] for element in value]
    need(all(isinstance(d, str) and _DIGEST.match(d) for d in seen) and len(set(seen)) == len(seen), "needs: digests")
    found = []
    for digest in seen:
        if digest in by_digest:
            parts = by_digest[digest]
            need(digest not in used, "a disclosure is referred to twice")
            need(isinstance(parts, list) and len(parts) == 2, "an element's disclosure has not two parts")
            need(isinstance(parts[0], str) and len(unbase64url(parts[0])) >= 16, "a salt is too short")
            need(isinstance(parts[1], dict) and "code" in parts[1] and set(parts[1]) <= NEED_MEMBERS, "a need")
            need(not any(isinstance(inner, dict | list) for inner in parts[1].values()), "a need is nested")
            used.add(digest)
            found.append(parts[1])
    return found


def _check_binding(
    binding: str, before: str, payload: Mapping[str, Any], *, now: int, audience: str | None, nonce: str | None
) -> None:
    parts = binding.split(".")
    need(len(parts) == 3, "the binding is not a JWS")
    header = exactly(strict_json(unbase64url(parts[0])), {"alg", "typ"}, "the binding's header")
    need(header == {"alg": "ES256", "typ": BINDING}, "the binding's header")
    check_es256(payload["cnf"]["jwk"], f"{parts[0]}.{parts[1]}".encode(), unbase64url(parts[2]))
    said = exactly(strict_json(unbase64url(parts[1])), {"iat", "aud", "nonce", "sd_hash"}, "the binding")
    need(whole(said["iat"]) and abs(now - said["iat"]) <= BINDING_S, "the binding is older than five minutes")
    need(isinstance(said["aud"], str) and (audience is None or said["aud"] == audience), "bound for somebody else")
    need(isinstance(said["nonce"], str) and said["nonce"], "the binding has no nonce")
    need(nonce is None or hmac.compare_digest(said["nonce"].encode(), nonce.encode()), "bound to another nonce")
    need(said["sd_hash"] == base64url(sha256(before.encode()).digest()), "the binding is for other disclosures")


def status_of(compact: str, keys: Keys, *, uri: str, index: int, now: int) -> str:
    """What a status list says about one entry: valid, revoked or suspended."""
    payload, _ = open_jws(compact, keys, typ=STATUS_LIST)
    exactly(payload, {"iss", "sub", "iat", "exp", "ttl", "status_list"}, "the status list")
    need(payload["sub"] == uri, "another status list")
    need(whole(payload["iat"]) and whole(payload["exp"]), "the status list's times")
    need(payload["iat"] <= now + SKEW_S and now < payload["exp"], "the status list is out of date")
    inner = exactly(payload["status_list"], {"bits", "lst"}, "the status list")
    need(inner["bits"] == 2, "the status list has not two bits an entry")
    unpacked = unpack(unbase64url(inner["lst"]))
    value = (unpacked[index // 4] >> (index % 4) * 2) & 3
    need(value < len(STATUSES), "an unknown status")
    return STATUSES[value]


def unpack(packed: bytes) -> bytes:
    """The bytes of a status list; never more than its full size, whatever was packed."""
    opening = zlib.decompressobj()
    try:
        raw = opening.decompress(packed, LIST_SIZE // 4 + 1)
    except zlib.error as error:
        raise Refused("the status list cannot be unpacked") from error
    need(len(raw) == LIST_SIZE // 4 and opening.eof and not opening.unused_data, "the status list has a wrong size")
    return raw


# --- the tree and its checkpoints -------------------------------------------------------------------------------


def leaf_hash(data: bytes) -> bytes:
    """RFC 9162: a leaf."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """RFC 9162: an inner node."""
    return sha256(b"\x01" + left + right).digest()


def check_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """RFC 9162 2.1.3.2: the leaf stands at this place of the tree with this root."""
    need(0 <= index < size, "the place lies outside the tree")
    need(all(len(step) == 32 for step in (leaf, *proof)), "a hash has not 32 bytes")
    place, last, found = index, size - 1, leaf
    for step in proof:
        need(last > 0, "the proof is too long")
        if place & 1 or place == last:
            found = node_hash(step, found)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, step)
        place, last = place >> 1, last >> 1
    need(last == 0, "the proof is too short")
    need(hmac.compare_digest(found, root), "the row does not stand in the tree of this checkpoint")


def check_consistency(old: int, new: int, *, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """RFC 9162 2.1.4.2: the tree of `new` leaves only adds to the tree of `old` leaves."""
    need(0 <= old <= new, "the tree has become smaller")
    need(all(len(step) == 32 for step in proof), "a step of the proof has not 32 bytes")
    need(old, "nothing can be said of growing out of nothing")
    if old == new:
        need(not proof, "the proof should be empty")
        need(old_root == new_root, "the same size has two roots")
        return
    steps = list(proof) if old & (old - 1) else [old_root, *proof]
    need(steps, "the proof is empty")
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    first = second = steps[0]
    for step in steps[1:]:
        need(last > 0, "the proof is too long")
        if place & 1 or place == last:
            first, second = node_hash(step, first), node_hash(step, second)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            second = node_hash(second, step)
        place, last = place >> 1, last >> 1
    need(last == 0, "the proof is too short")
    need(hmac.compare_digest(first, old_root) and hmac.compare_digest(second, new_root), "history was rewritten")


class Growing:
    """A tree that grows leaf by leaf and knows its root; it keeps one hash for each level."""

    def __init__(self) -> None:
        self.size, self._peaks = 0, list[bytes]()

    def append(self, leaf: bytes) -> None:
        """One leaf more."""
        self.size, rest = self.size + 1, self.size
        while rest & 1:
            leaf, rest = node_hash(self._peaks.pop(), leaf), rest >> 1
        self._peaks.append(leaf)

    def root(self) -> bytes:
        """The root of what is there."""
        if not self._peaks:
            return sha256(b"").digest()
        found = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            found = node_hash(peak, found)
        return found


@dataclass(frozen=True)
class Checkpoint:
    """A signed statement of the log: so many rows, this root; and who outside has seen it, when."""

    origin: str
    size: int
    root: bytes
    witnesses: Mapping[str, int]


def parse_note(text: str) -> tuple[str, list[tuple[str, bytes]]]:
    """A C2SP signed note: its text with the last newline, and (name, key id and signature) of each line below."""
    body, gap, rest = text.rpartition("\n\n")
    need(gap and rest.endswith("\n") and "\r" not in text and body.isascii(), "not a signed note")
    signatures = []
    for line in rest[:-1].split("\n"):
        dash, _, remainder = line.partition(" ")
        name, _, encoded = remainder.partition(" ")
        need(dash == "\u2014" and name, "a line of the note is not a signature")
        signatures.append((name, _base64(encoded)))
    return body + "\n", signatures


def _base64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise Refused("not base64") from error
    need(base64.b64encode(raw).decode() == text, "base64 is not canonical")
    return raw


LOG_KEY, WITNESS_KEY = 1, 4
"""C2SP: plain Ed25519 for the log, time-stamped cosignatures for witnesses."""


@dataclass(frozen=True)
class VerifierKey:
    """A key as C2SP writes it: ``name+id+base64(kind and 32 bytes)``."""

    name: str
    key_id: bytes
    kind: int
    public: Ed25519PublicKey

    @classmethod
    def read(cls, text: str) -> VerifierKey:
        """From its text; the id must be the one that name and key give."""
        parts = text.strip().split("+", 2)
        need(len(parts) == 3 and parts[0] and " " not in parts[0], "not a verifier key")
        raw = _base64(parts[2])
        need(len(raw) == 33 and raw[0] in (LOG_KEY, WITNESS_KEY), "a verifier key of an unknown kind")
        key_id = sha256(parts[0].encode() + b"\n" + raw).digest()[:4]
        need(parts[1] == key_id.hex(), "the verifier key's id is wrong")
        return cls(parts[0], key_id, raw[0], Ed25519PublicKey.from_public_bytes(raw[1:]))

    def signed_at(self, body: str, signature: bytes) -> int | None:
        """When this key signed the text (0 where the kind has no time); None if this signature is another key's.

        Raises Refused where it claims to be this key's and does not hold.
        """
        if signature[:4] != self.key_id:
            return None
        stamp, message, rest = 0, body.encode(), signature[4:]
        if self.kind == WITNESS_KEY:
            need(len(rest) == 72, "a cosignature has not 72 bytes")
            stamp, rest = int.from_bytes(rest[:8], "big"), rest[8:]
            message = f"cosignature/v1\ntime {stamp}\n".encode() + message
        try:
            self.public.verify(rest, message)
        except InvalidSignature as error:
            raise Refused(f"the signature of {self.name} does not hold") from error
        return stamp


def check_checkpoint(text: str, *, log: str, witnesses: Iterable[str] = (), quorum: int = 0) -> Checkpoint:
    """A checkpoint signed by the log, and cosigned by at least `quorum` of these witnesses."""
    need(len(text) <= MOST_BYTES, "larger than 64 KiB")
    body, signatures = parse_note(text)
    lines = body.split("\n")
    need(len(lines) == 4 and not lines[3], "a checkpoint has three lines")
    need(re.fullmatch(r"0|[1-9][0-9]{0,15}", lines[1]), "the size is not a number")
    root = _base64(lines[2])
    need(len(root) == 32, "the root has not 32 bytes")
    key = VerifierKey.read(log)
    need(key.name == lines[0], "another log")
    stamps = [key.signed_at(body, raw) for name, raw in signatures if name == key.name]
    need(any(stamp is not None for stamp in stamps), "not signed by the log")
    seen: dict[str, int] = {}
    for witness in map(VerifierKey.read, witnesses):
        for name, raw in signatures:
            stamp = witness.signed_at(body, raw) if name == witness.name else None
            if stamp is not None:
                seen[witness.name] = stamp
    need(len(seen) >= quorum, f"cosigned by {len(seen)} witnesses, {quorum} are needed")
    return Checkpoint(lines[0], int(lines[1]), root, seen)


# --- receipts and single rows -----------------------------------------------------------------------------------


def row_hash(row: Sequence[Any]) -> str:
    """SHA-256 of ``0x00 ‖ prev ‖ canonical JSON array``, as the log hashes its rows."""
    canonical = json.dumps(list(row), ensure_ascii=False, separators=(",", ":"))
    return sha256(b"\x00" + str(row[-1]).encode() + canonical.encode()).hexdigest()


def check_row(proof: Mapping[str, Any], keys: Keys) -> tuple[dict[str, Any], Checkpoint]:
    """A row with its proof: the row's own hash, its place in the tree, the checkpoint's signatures."""
    exactly(proof, {"row", "inclusion", "checkpoint"}, "the proof")
    row, steps = proof["row"], proof["inclusion"]
    need(isinstance(row, list) and len(row) == len(ROW) and whole(row[0]) and row[0] >= 1, "the row is malformed")
    need(all(isinstance(value, str) for value in row[1:]), "the row is malformed")
    need(isinstance(steps, list) and len(steps) <= 64 and isinstance(proof["checkpoint"], str), "the proof")
    head = check_checkpoint(proof["checkpoint"], log=keys.log, witnesses=keys.witnesses, quorum=keys.quorum)
    path = [_base64(step) if isinstance(step, str) else b"" for step in steps]
    leaf = leaf_hash(bytes.fromhex(row_hash(row)))
    check_inclusion(leaf, index=row[0] - 1, size=head.size, proof=path, root=head.root)
    return dict(zip(ROW, row, strict=True)), head


def record_hash(record: Mapping[str, Any]) -> str:
    """SHA-256 of a receipt's record in canonical JSON."""
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return sha256(text.encode()).hexdigest()


def check_receipt(compact: str, keys: Keys) -> tuple[dict[str, Any], Checkpoint]:
    """A consent receipt: its signature, the record it is about, and that this very act stands in the log."""
    need(compact.isascii() and len(compact) <= MOST_BYTES, "larger than 64 KiB, or not ASCII")
    payload, _ = open_jws(compact, keys, typ=RECEIPT)
    exactly(payload, {"iss", "iat", "event", "record", "record_sha256", "proof"}, "the receipt")
    record = payload["record"]
    need(isinstance(record, dict) and isinstance(payload["proof"], dict), "the receipt is malformed")
    need(payload["record_sha256"] == record_hash(record), "the record was changed")
    row, head = check_row(payload["proof"], keys)
    need(row["consent_ref"] == f"{record.get('id')}@{record.get('version')}", "the row is about another consent")
    need(row["purpose"] == record.get("purpose"), "the row names another purpose")
    need(row["fields"] == ",".join(record.get("fields", ())), "the row names other fields")
    need(row["decision"] == record.get("state"), "the row tells of another state")
    need(row["rule_id"] == payload["record_sha256"], "the row is about another record")
    return payload, head


# --- a whole log ------------------------------------------------------------------------------------------------


@dataclass
class LogVerdict:
    """What a walk over a log found; `bad_row` is the first bad row (0: none)."""

    rows: int = 0
    bad_row: int = 0
    fault: str = ""
    checkpoints: int = 0
    root: str = ""


Stored = tuple[Sequence[Any], str, bytes | None, str | None]
"""A row's fields, its stored hash, and the salt and body behind its commitment."""


def check_log(
    rows: Iterable[Stored], *, head: tuple[int, str] | None, checkpoints: Sequence[Checkpoint] = ()
) -> LogVerdict:
    """Walk the chain once: numbers, links, hashes, bodies, the head, and the root at the size of each checkpoint."""
    wanted: dict[int, list[bytes]] = {}
    for point in checkpoints:
        wanted.setdefault(point.size, []).append(point.root)
    tree, prev, verdict, held = Growing(), GENESIS, LogVerdict(), 0
    for fields, stored, salt, body in rows:
        verdict.rows += 1
        fault = _row_fault(fields, stored, expected=verdict.rows, prev=prev) or _body_fault(fields, salt, body)
        if fault:
            verdict.bad_row, verdict.fault = verdict.rows, fault
            return verdict
        prev = stored
        tree.append(leaf_hash(bytes.fromhex(stored)))
        for root in wanted.pop(tree.size, ()):
            verdict.checkpoints += 1
            if root != tree.root():
                verdict.bad_row = held + 1
                verdict.fault = (
                    f"the rows {held + 1} to {tree.size} are not those of the checkpoint: they were rewritten"
                )
                return verdict
            held = tree.size
    verdict.root = base64.b64encode(tree.root()).decode()
    if head != (verdict.rows, prev):
        verdict.bad_row, verdict.fault = verdict.rows + 1, "the head does not name the last row"
    elif any(size > verdict.rows for size in wanted):
        verdict.bad_row, verdict.fault = verdict.rows + 1, "a checkpoint names more rows than there are"
    return verdict


def _row_fault(fields: Sequence[Any], stored: str, *, expected: int, prev: str) -> str:
    if fields[0] != expected:
        return f"row {expected} is missing"
    if fields[-1] != prev:
        return "the row does not continue the chain"
    if stored != row_hash(fields):
        return "a field of the row was changed"
    return ""


def _body_fault(fields: Sequence[Any], salt: bytes | None, body: str | None) -> str:
    commit = fields[ROW.index("body_commit")]
    if bool(commit) != (body is not None):
        return "the body behind the row is missing or was added"
    if body is not None and sha256((salt or b"") + body.encode()).hexdigest() != commit:
        return "the body behind the row was changed"
    return ""


def read_export(path: Path) -> tuple[Iterator[Stored], tuple[int, str]]:
    """The rows of `shanqiao audit export`, and the head that its last line names."""
    with path.open("rb") as stream:
        stream.seek(0, 2)
        stream.seek(max(0, stream.tell() - 400))
        last = strict_json(stream.read().rstrip(b"\n").rsplit(b"\n", 1)[-1])
    need(isinstance(last, dict) and set(last) == {"seq", "hash"}, "the export has no last line with the head")

    def rows() -> Iterator[Stored]:
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                found = json.loads(line)
                if isinstance(found, list):
                    need(len(found) == len(ROW) + 3, "a line of the export is malformed")
                    salt = None if found[-2] is None else bytes.fromhex(found[-2])
                    yield found[: len(ROW)], str(found[-3]), salt, found[-1]

    return rows(), (last["seq"], last["hash"])


def read_database(path: Path) -> tuple[sqlite3.Connection, Iterator[Stored], tuple[int, str] | None, list[str]]:
    """The rows of an embedded database as it lies on the disk, its head, and the checkpoints it keeps."""
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    names = ", ".join(f"r.{name}" for name in ROW)
    asked = f"SELECT {names}, r.hash, b.salt, b.body FROM audit_row r LEFT JOIN audit_body b USING (seq) ORDER BY r.seq"
    head = connection.execute("SELECT seq, hash FROM audit_head").fetchone()
    notes = [note for (note,) in connection.execute("SELECT note FROM audit_checkpoint ORDER BY size")]

    def rows() -> Iterator[Stored]:
        for row in connection.execute(asked):
            yield row[: len(ROW)], row[-3], row[-2], row[-1]

    return connection, rows(), head, notes


def dangling(connection: sqlite3.Connection) -> str:
    """The first row of business that names an act which is not in the log; empty where there is none."""
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        for key in connection.execute(f'PRAGMA foreign_key_list("{table}")').fetchall():
            if key[2] == "audit_row":
                asked = (
                    f'SELECT "{key[3]}" FROM "{table}" WHERE "{key[3]}" IS NOT NULL '
                    f'AND "{key[3]}" NOT IN (SELECT seq FROM audit_row) LIMIT 1'
                )
                missing = connection.execute(asked).fetchone()
                if missing:
                    return f"{table} names row {missing[0]}, which is not in the log"
    return ""


# --- the command ------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one check and print what it found."""
    options = _options().parse_args(arguments)
    try:
        lines = options.check(options)
    except Refused as refused:
        print(f"DOES NOT HOLD: {refused}")
        return 1
    except (OSError, ValueError, TypeError, KeyError, sqlite3.Error) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    print("\n".join(["HOLDS", *lines]))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="shanqiao-verify", description="Check what Shanqiao gave out.")
    kinds = parser.add_subparsers(required=True, metavar="KIND")
    for name, check, words in (
        ("receipt", _receipt, "a consent receipt"),
        ("credential", _credential, "a credential, or a presentation of one"),
        ("checkpoint", _checkpoint, "a signed checkpoint and its cosignatures"),
        ("row", _row, "one row of the log with its proof"),
        ("log", _log, "a whole log: an export, or an embedded database"),
    ):
        kind = kinds.add_parser(name, help=words)
        kind.add_argument("file", type=Path)
        kind.add_argument("--keys", type=Path, required=True, help="the JSON of /trust/keys.json, fetched once")
        kind.set_defaults(check=check)
        if name == "credential":
            kind.add_argument("--audience", help="who you are, as the presentation names you")
            kind.add_argument("--nonce", help="the nonce you gave out")
            kind.add_argument("--status", type=Path, help="the status list, fetched from the address in the credential")
            kind.add_argument("--now", type=int, help="seconds since 1970, instead of this machine's clock")
        if name == "log":
            kind.add_argument("--checkpoint", type=Path, action="append", default=[], help="one that you kept yourself")
    return parser


def _text(path: Path) -> str:
    need(path.stat().st_size <= 2 * MOST_BYTES, "larger than 128 KiB")
    return path.read_text(encoding="utf-8").strip()


def _keys(options: argparse.Namespace) -> Keys:
    return Keys.read(options.keys.read_text(encoding="utf-8"))


def _seen(head: Checkpoint) -> list[str]:
    times = [f"witness {name} at {_when(stamp)}" for name, stamp in sorted(head.witnesses.items())]
    return [f"checkpoint of {head.size} rows of {head.origin}", *(times or ["no witness has seen it"])]


def _when(stamp: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(stamp))


def _receipt(options: argparse.Namespace) -> list[str]:
    payload, head = check_receipt(_text(options.file), _keys(options))
    record = payload["record"]
    told = f"{payload['event']}: consent {record['id']} version {record['version']}, {record['purpose']}"
    return [told, f"row {payload['proof']['row'][0]} of the log", *_seen(head)]


def _credential(options: argparse.Namespace) -> list[str]:
    keys, now = _keys(options), int(time.time()) if options.now is None else options.now
    found = check_credential(_text(options.file), keys, now=now, audience=options.audience, nonce=options.nonce)
    lines = [f"{found.payload['iss']} for {found.payload['aud']}, valid until {_when(found.payload['exp'])}"]
    lines.append(f"disclosed: {', '.join(found.disclosed) or 'nothing'}")
    lines.append("bound to the recipient's key" if found.bound else "not bound: possession was not shown")
    entry = found.payload["status"]["status_list"]
    if options.status is None:
        return [*lines, f"status not asked: fetch {entry['uri']} and give it by --status"]
    status = status_of(_text(options.status), keys, uri=entry["uri"], index=entry["idx"], now=now)
    need(status == "valid", f"it is {status}")
    return [*lines, "status: valid"]


def _checkpoint(options: argparse.Namespace) -> list[str]:
    keys = _keys(options)
    text = options.file.read_text(encoding="utf-8")
    return _seen(check_checkpoint(text, log=keys.log, witnesses=keys.witnesses, quorum=keys.quorum))


def _row(options: argparse.Namespace) -> list[str]:
    proof = strict_json(_text(options.file).encode())
    need(isinstance(proof, dict), "the proof is not an object")
    row, head = check_row(proof, _keys(options))
    return [f"row {row['seq']}: {row['action']} at {row['at']}", *_seen(head)]


def _log(options: argparse.Namespace) -> list[str]:
    keys = _keys(options)
    with options.file.open("rb") as stream:
        embedded = stream.read(16) == b"SQLite format 3\0"
    held = [path.read_text(encoding="utf-8") for path in options.checkpoint]
    missing = ""
    if embedded:
        connection, rows, head, notes = read_database(options.file)
        held += notes
        missing = dangling(connection)
    else:
        rows, head = read_export(options.file)
    points = [check_checkpoint(text, log=keys.log, witnesses=keys.witnesses) for text in held]
    verdict = check_log(rows, head=head, checkpoints=points)
    need(not verdict.bad_row, f"row {verdict.bad_row}: {verdict.fault}")
    need(not missing, missing)
    seen = [point.size for point in points if point.witnesses and len(point.witnesses) >= keys.quorum]
    told = f"witnessed up to row {max(seen)}" if seen else "NOT WITNESSED: a history hashed anew would look the same"
    return [f"{verdict.rows} rows, unbroken", f"root {verdict.root}", f"{verdict.checkpoints} checkpoints agree", told]


if __name__ == "__main__":
    raise SystemExit(main())
