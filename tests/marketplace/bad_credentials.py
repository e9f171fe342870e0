"""Two hundred and more bad credentials, each with its name: every one differs from a good one in one thing.

Most are signed with the issuer's true key, so that the signature cannot be what refuses them.
"""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc.jwk import ECKey

import shanqiao_verify as verifier
from marketplace.config import Settings
from marketplace.credentials import tokens
from marketplace.signing import issuer_key, issuer_of, public_keys

AT = 1_795_392_000
ORG, NONCE, VERIFIER = "org-of-the-recipient", "nonce-1234", "auditor"
HOLDER = ECKey.generate_key("P-256")
PLAIN: Mapping[str, Any] = {
    "county": "500103",
    "category": "LOW_INCOME",
    "household": {"size_band": "2-3"},
    "needs": [{"code": "LIVING.FOOD_PACK", "amount_band": "10-20 PACK"}, {"code": "MED.DRUG"}],
    "name": "王小明",
}
WRONG: tuple[Any, ...] = (None, True, 7, 1.5, "x", [], {}, ["x"], {"x": 1})


class Maker:
    """Signs whatever it is told to, with the true key or another."""

    def __init__(self, settings: Settings) -> None:
        self.key = issuer_key(settings, "500103")
        self.iss = issuer_of(settings, "500103")
        offices = public_keys(settings, ["500103", "500112"])
        self.keys = verifier.Keys({key["kid"]: key for key in offices})
        self.other = issuer_key(settings, "500112")

    def claims(self) -> dict[str, Any]:
        """What every good credential says."""
        public = HOLDER.as_dict(private=False)
        return {
            "iss": self.iss,
            "vct": tokens.VCT,
            "aud": ORG,
            "sub": "abcdefghijklmnopqrstuvwxyz",
            "iat": AT,
            "nbf": AT,
            "exp": AT + 86_400,
            "cnf": {"jwk": {name: public[name] for name in ("kty", "crv", "x", "y")}},
            "status": {"status_list": {"uri": "https://aid.example/trust/status/1", "idx": 5}},
            "consent": {
                "id": "c1",
                "ver": 1,
                "purpose": "GOODS",
                "mode": "view",
                "erase_at": AT + 900_000,
                "receipt_sha256": "0" * 64,
            },
            "verification": {
                "level": 3,
                "method": "data_match",
                "month": "2026-11",
                "valid_until": "2027-11-30",
                "office": "500103",
            },
        }

    def good(self) -> str:
        """A good credential."""
        return tokens.issue(self.claims(), PLAIN, key=self.key)

    def shown(self) -> str:
        """A good presentation of one."""
        return self.bind(self.good())

    def bind(self, compact: str) -> str:
        """A presentation of everything in it."""
        return tokens.present(compact, keep=list(PLAIN), key=HOLDER, audience=VERIFIER, nonce=NONCE, at=AT)

    def accepts(self, compact: str, *, bound: bool = False) -> bool:
        """Whether the verifier takes it."""
        asked = {"audience": VERIFIER, "nonce": NONCE} if bound else {}
        try:
            verifier.check_credential(compact, self.keys, now=AT + 60, **asked)
        except verifier.Refused:
            return False
        return True

    def payload(self, compact: str) -> dict[str, Any]:
        """The signed part of a credential, to be changed and signed again."""
        value: dict[str, Any] = json.loads(verifier.unbase64url(compact.split(".")[1]))
        return value

    def signed(self, payload: Any, tail: str, *, header: Mapping[str, Any] | None = None, raw: bytes = b"") -> str:
        """Sign any header and payload with the true key."""
        head = {"alg": "ES256", "typ": tokens.CREDENTIAL, "kid": self.key.kid} if header is None else header
        parts = [json.dumps(head).encode(), raw or json.dumps(payload, ensure_ascii=False).encode()]
        return sign_parts(parts, self.key) + "~" + tail


def sign_parts(parts: list[bytes], key: ECKey) -> str:
    """ES256 over two parts, whatever they say of themselves."""
    text = ".".join(tokens.base64url(part) for part in parts)
    r, s = decode_dss_signature(key.private_key.sign(text.encode(), ECDSA(SHA256())))
    return text + "." + tokens.base64url(r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def disclosure(value: Any) -> str:
    return tokens.base64url(json.dumps(value, ensure_ascii=False).encode())


SALT = tokens.base64url(b"sixteen bytes ok")


def named(maker: Maker) -> Iterator[tuple[str, str, bool]]:
    """(name, compact, whether it is a presentation) of every bad one."""
    for group in (_headers, _missing, _types, _times, _members, _digests, _disclosures, _needs, _shapes):
        for name, compact in group(maker):
            yield name, compact, False
    for name, compact in _bindings(maker):
        yield name, compact, True


def again(maker: Maker, change: Callable[[dict[str, Any]], Any]) -> str:
    good = maker.good()
    payload = maker.payload(good)
    change(payload)
    return maker.signed(payload, good.partition("~")[2])


def _headers(maker: Maker) -> Iterator[tuple[str, str]]:
    good = maker.good()
    payload, tail = maker.payload(good), good.partition("~")[2]
    base = {"alg": "ES256", "typ": tokens.CREDENTIAL, "kid": maker.key.kid}
    for alg in (
        "none",
        "None",
        "HS256",
        "RS256",
        "ES384",
        "ES512",
        "EdDSA",
        "es256",
        "ES256K",
        "PS256",
        "",
        None,
        5,
        ["ES256"],
    ):
        yield f"header: alg {alg!r}", maker.signed(payload, tail, header={**base, "alg": alg})
    for typ in ("JWT", "vc+sd-jwt", "DC+SD-JWT", "kb+jwt", "at+jwt", "", None, 5, ["dc+sd-jwt"], "dc+sd-jwt "):
        yield f"header: typ {typ!r}", maker.signed(payload, tail, header={**base, "typ": typ})
    for kid in ("mz-500103-2", "mz-500112-1", "", None, 7, ["mz-500103-1"], "../keys", "mz-500103-1 "):
        yield f"header: kid {kid!r}", maker.signed(payload, tail, header={**base, "kid": kid})
    public = dict(HOLDER.as_dict(private=False))
    extra: dict[str, Any] = {
        "jwk": public, "jku": "https://evil.example/k", "x5c": ["MIIB"], "x5u": "https://evil.example", "crit": ["exp"],
        "b64": False, "cty": "x", "zip": "DEF", "x5t": "a", "iss": maker.iss, "crv": "P-256",
    }  # fmt: skip
    for name, value in extra.items():
        yield f"header: with {name}", maker.signed(payload, tail, header={**base, name: value})
    for name in base:
        yield (
            f"header: without {name}",
            maker.signed(payload, tail, header={n: v for n, v in base.items() if n != name}),
        )
    unsigned = ".".join([tokens.base64url(json.dumps({**base, "alg": "none"}).encode()), good.split(".")[1], ""])
    yield "header: alg none without a signature", f"{unsigned}~{tail}"
    text = tokens.base64url(json.dumps({**base, "alg": "HS256"}).encode()) + "." + good.split(".")[1]
    secret = json.dumps(maker.keys.issuers[str(maker.key.kid)]).encode()
    mac = tokens.base64url(hmac.new(secret, text.encode(), sha256).digest())
    yield "header: HS256 keyed with the public key", f"{text}.{mac}~{tail}"
    parts = [json.dumps(base).encode(), json.dumps(payload).encode()]
    yield "signed by another office under this kid", sign_parts(parts, maker.other) + "~" + tail
    yield "signed by the holder", sign_parts(parts, HOLDER) + "~" + tail
    twice = json.dumps(base)[:-1] + ', "alg": "ES256"}'
    yield "header: alg twice", sign_parts([twice.encode(), parts[1]], maker.key) + "~" + tail
    yield "header: a list", sign_parts([b"[]", parts[1]], maker.key) + "~" + tail
    yield "header: not JSON", sign_parts([b"alg=ES256", parts[1]], maker.key) + "~" + tail


def _missing(maker: Maker) -> Iterator[tuple[str, str]]:
    for name in (*maker.claims(), "_sd", "_sd_alg"):
        yield f"without {name}", again(maker, lambda payload, name=name: payload.pop(name))
    for name in ("jti", "nonce", "name", "county", "...", "act", "azp", "scope"):
        yield f"with {name} in the open", again(maker, lambda payload, name=name: payload.update({name: "x"}))


def _types(maker: Maker) -> Iterator[tuple[str, str]]:
    fine: dict[str, tuple[Any, ...]] = {"aud": ("x",)}
    for name in (*maker.claims(), "_sd", "_sd_alg"):
        for wrong in WRONG:
            if wrong not in fine.get(name, ()):
                change = lambda payload, name=name, wrong=wrong: payload.update({name: wrong})  # noqa: E731
                yield f"{name} is {json.dumps(wrong)}", again(maker, change)


def _times(maker: Maker) -> Iterator[tuple[str, str]]:
    times: dict[str, dict[str, Any]] = {
        "expired": {"iat": AT - 900, "nbf": AT - 900, "exp": AT - 1},
        "expires this second": {"exp": AT + 60},
        "not valid yet": {"nbf": AT + 500, "exp": AT + 900},
        "issued tomorrow": {"iat": AT + 86_400, "nbf": AT + 86_400, "exp": AT + 90_000},
        "ends before it begins": {"nbf": AT, "exp": AT - 5},
        "begins before it was issued": {"nbf": AT - 5},
        "ten years long": {"exp": AT + 315_360_000},
        "91 days long": {"exp": AT + 91 * 86_400 + 61},
        "exp far beyond any clock": {"exp": 2**60},
        "exp negative": {"exp": -1},
        "exp as text": {"exp": str(AT + 900)},
        "iat as a fraction": {"iat": AT + 0.5},
        "nbf as truth": {"nbf": True},
    }
    for name, change in times.items():
        yield f"time: {name}", again(maker, lambda payload, change=change: payload.update(change))


def _members(maker: Maker) -> Iterator[tuple[str, str]]:
    for outer in ("consent", "verification"):
        for inner in maker.claims()[outer]:
            yield f"{outer} without {inner}", again(maker, lambda p, o=outer, i=inner: p[o].pop(i))
        yield f"{outer} with more", again(maker, lambda p, o=outer: p[o].update(more=1))
    keys: dict[str, Any] = {"d": "secret", "kid": "x", "alg": "ES256", "use": "sig", "key_ops": ["verify"]}
    for name, value in keys.items():
        yield (
            f"the recipient's key with {name}",
            again(maker, lambda p, n=name, v=value: p["cnf"]["jwk"].update({n: v})),
        )
    for name in ("kty", "crv", "x", "y"):
        yield f"the recipient's key without {name}", again(maker, lambda p, n=name: p["cnf"]["jwk"].pop(n))
    for name, value in (("kty", "OKP"), ("crv", "P-384"), ("crv", "Ed25519"), ("kty", "RSA")):
        yield (
            f"the recipient's {name} is {value}",
            again(maker, lambda p, n=name, v=value: p["cnf"]["jwk"].update({n: v})),
        )
    for inner in ("id", "purpose", "mode", "receipt_sha256"):
        yield f"consent: {inner} is a number", again(maker, lambda p, i=inner: p["consent"].update({i: 5}))
    yield "cnf by thumbprint", again(maker, lambda p: p.update(cnf={"jkt": "x"}))
    yield "cnf with two ways", again(maker, lambda p: p["cnf"].update(jkt="x"))
    for wrong in (-1, 131_072, "5", None, True, 1.0, 2**40):
        yield f"status index {wrong!r}", again(maker, lambda p, w=wrong: p["status"]["status_list"].update(idx=w))
    yield "status without an address", again(maker, lambda p: p["status"]["status_list"].pop("uri"))
    yield "status of two kinds", again(maker, lambda p: p["status"].update(other={}))
    for level in (0, 5, -1, "3", True, None):
        yield f"level {level!r}", again(maker, lambda p, v=level: p["verification"].update(level=v))
    for version in (-1, "1", None, True):
        yield f"consent version {version!r}", again(maker, lambda p, v=version: p["consent"].update(ver=v))
    yield "another issuer than the key's", again(maker, lambda p: p.update(iss=p["iss"].replace("500103", "500112")))
    yield "an issuer elsewhere", again(maker, lambda p: p.update(iss="https://evil.example/mz/500103"))
    for sub in ("short", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxy0", "a" * 27):
        yield f"pseudonym {sub}", again(maker, lambda p, s=sub: p.update(sub=s))
    yield "aud is a list of us and another", again(maker, lambda p: p.update(aud=[ORG, "evil"]))


def _digests(maker: Maker) -> Iterator[tuple[str, str]]:
    changes: dict[str, Callable[[list[Any]], list[Any]]] = {
        "23 digests": lambda found: found[1:],
        "25 digests": lambda found: [*found, tokens.base64url(sha256(b"more").digest())],
        "no digests": lambda _found: [],
        "a digest twice": lambda found: [*found[:-1], found[0]],
        "a digest that is a number": lambda found: [*found[:-1], 5],
        "a digest that is nothing": lambda found: [*found[:-1], None],
        "a digest with padding": lambda found: [*found[:-1], found[-1] + "="],
        "a short digest": lambda found: [*found[:-1], found[-1][:-1]],
        "a digest in an object": lambda found: [*found[:-1], {"...": found[-1]}],
    }
    for name, change in changes.items():
        yield name, again(maker, lambda p, c=change: p.update(_sd=c(p["_sd"])))
    for alg in ("sha-512", "SHA-256", "md5", "sha-256 ", ""):
        yield f"_sd_alg {alg!r}", again(maker, lambda p, a=alg: p.update(_sd_alg=a))


def carrying(maker: Maker, *values: Any) -> str:
    """A credential that refers to these disclosures and carries them."""
    texts = [value if isinstance(value, str) else disclosure(value) for value in values]
    payload = {**maker.claims(), "_sd_alg": "sha-256"}
    digests = [tokens.digest_of(text) for text in texts]
    more = [tokens.base64url(sha256(bytes([n])).digest()) for n in range(24 - len(digests))]
    return maker.signed({**payload, "_sd": digests + more}, "".join(f"{text}~" for text in texts))


def _disclosures(maker: Maker) -> Iterator[tuple[str, str]]:
    good = maker.good()
    yield "a disclosure that nothing refers to", good + disclosure([SALT, "phone", "1"]) + "~"
    first = good.split("~")[1]
    yield "a disclosure twice", good + first + "~"
    yield "a disclosure with padding", good.replace(first, first + "=", 1)
    yield "an empty disclosure", good + "~"
    for parts in ([], [SALT], [SALT, "name"], [SALT, "name", "x", "y"], {"name": "x"}, "name", 5, None):
        yield f"a disclosure that is {json.dumps(parts)[:40]}", carrying(maker, disclosure(parts))
    for salt in ("", "short", 5, None, ["x"], "not base64url!!!!!!!!!", "AAAA"):
        yield f"salt {salt!r}", carrying(maker, [salt, "name", "x"])
    for name in sorted({*tokens.NEVER_SD, "unknown", "Name", "", "needs ", "__proto__", "role", "admin"}):
        yield f"discloses {name!r}", carrying(maker, [SALT, name, "x"])
    for name in (5, None, ["name"], {"a": 1}):
        yield f"discloses a name that is {name!r}", carrying(maker, [SALT, name, "x"])
    for name, kind in verifier.SELECTIVE.items():
        wrong: Any = 5 if kind is not int else "x"
        yield f"{name} of a wrong type", carrying(maker, [SALT, name, wrong])
    yield "a claim twice", carrying(maker, [SALT, "name", "a"], [SALT, "name", "b"])
    for marker in ("_sd", "...", "_sd_alg"):
        yield (
            f"a marker {marker} inside a value",
            carrying(maker, [SALT, "household", {"size_band": "1", marker: ["x"]}]),
        )
        yield f"a marker {marker} deep inside", carrying(maker, [SALT, "documents", [{"kind": {marker: "x"}}]])
    deep: Any = "x"
    for _ in range(20):
        deep = {"a": deep}
    yield "a value nested too deep", carrying(maker, [SALT, "household", deep])
    raws = {
        "a member twice": f'["{SALT}","household",{{"a":1,"a":2}}]',
        "not a number": f'["{SALT}","household",{{"a":NaN}}]',
        "endless": f'["{SALT}","household",{{"a":Infinity}}]',
        "a fraction": f'["{SALT}","household",{{"a":1.5}}]',
        "trailing words": f'["{SALT}","name","x"] x',
        "a lone surrogate in UTF-8": None,
    }
    for name, raw in raws.items():
        text = raw.encode() if raw else f'["{SALT}","name","'.encode() + b'\xed\xa0\x80"]'
        yield f"a disclosure with {name}", carrying(maker, tokens.base64url(text))
    yield (
        "a disclosure in plain base64",
        carrying(maker, base64.b64encode(f'["{SALT}","name","??>>"]'.encode()).decode()),
    )


def _needs(maker: Maker) -> Iterator[tuple[str, str]]:
    element = disclosure([SALT, {"code": "A"}])
    digest = tokens.digest_of(element)
    fill = [{"...": tokens.base64url(sha256(bytes([99, n])).digest())} for n in range(8)]

    def needs(inner: list[Any], *carried: str) -> str:
        return _with_elements(maker, [SALT, "needs", inner], *carried)

    yield "needs: seven elements", needs([{"...": digest}, *fill[:6]], element)
    yield "needs: nine elements", needs([{"...": digest}, *fill], element)
    yield "needs: an element in the open", needs([{"code": "A"}, *fill[:7]])
    yield "needs: an element with more", needs([{"...": digest, "x": 1}, *fill[:7]], element)
    yield "needs: the same digest twice", needs([{"...": digest}, {"...": digest}, *fill[:6]], element)
    yield "needs: a digest that is a number", needs([{"...": 5}, *fill[:7]])
    for value in ({}, {"amount_band": "x"}, {"code": "A", "more": 1}, "A", 5, None, ["A"], {"code": {"a": 1}}):
        bad = disclosure([SALT, value])
        yield f"needs: an element {json.dumps(value)}", needs([{"...": tokens.digest_of(bad)}, *fill[:7]], bad)
    for parts in ([SALT, "code", "A"], [SALT, {"code": "A"}, 1], [{"code": "A"}], ["", {"code": "A"}]):
        bad = disclosure(parts)
        yield f"needs: a disclosure {json.dumps(parts)[:40]}", needs([{"...": tokens.digest_of(bad)}, *fill[:7]], bad)
    yield "needs: an element that nothing refers to", needs(list(fill), element)


def _with_elements(maker: Maker, outer: Any, *carried: str) -> str:
    """As `_with`, where only the first disclosure is referred to by the signed part."""
    return carrying(maker, outer) + "".join(f"{text}~" for text in carried)


def _shapes(maker: Maker) -> Iterator[tuple[str, str]]:
    good = maker.good()
    signed, _, tail = good.partition("~")
    parts = signed.split(".")
    payload = maker.payload(good)
    yield "empty", ""
    yield "a single ~", "~"
    yield "no ~ at all", signed
    yield "two parts", f"{parts[0]}.{parts[1]}~{tail}"
    yield "four parts", f"{signed}.x~{tail}"
    yield "five parts, as if encrypted", f"{signed}.x.y~{tail}"
    yield "no signature", f"{parts[0]}.{parts[1]}.~{tail}"
    yield "a signature of zeros", f"{parts[0]}.{parts[1]}.{tokens.base64url(bytes(64))}~{tail}"
    yield (
        "a signature one byte short",
        f"{parts[0]}.{parts[1]}.{tokens.base64url(verifier.unbase64url(parts[2])[:-1])}~{tail}",
    )
    yield "a signature in DER", f"{parts[0]}.{parts[1]}.{tokens.base64url(b'0D' + bytes(68))}~{tail}"
    yield "a signature with padding", f"{signed}==~{tail}"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = signed[:-1] + letters[letters.index(signed[-1]) + 1]
    yield "another spelling of the same signature", f"{twin}~{tail}"
    yield "a signature one byte long", f"{signed[:-1]}{letters[letters.index(signed[-1])]}AA~{tail}"
    loose = disclosure([SALT, "name", "ab"])
    loose = loose if len(loose) % 4 else disclosure([SALT, "name", "abc"])
    spelled = loose[:-1] + letters[letters.index(loose[-1]) + 1]
    yield "another spelling of a disclosure", carrying(maker, spelled)
    yield "a blank in front", " " + good
    yield "a line break behind", good + "\n"
    yield "a line break inside", good.replace(".", ".\n", 1)
    yield "a NUL inside", good.replace(".", ".\x00", 1)
    yield "a letter beyond ASCII", good.replace("~", "~é", 1)
    yield "a comma for a tilde", good.replace("~", ",")
    yield "larger than 64 KiB", good + "A" * 65_536 + "~"
    yield "201 disclosures", good + "".join(f"{disclosure([SALT, 'name', str(n)])}~" for n in range(201))
    yield "the payload of another credential", f"{parts[0]}.{maker.good().split('.')[1]}.{parts[2]}~{tail}"
    for name, raw in (
        ("a list", b"[]"),
        ("text", b'"x"'),
        ("a number", b"5"),
        ("nothing", b"null"),
        ("not JSON", b"{"),
    ):
        yield f"the payload is {name}", maker.signed(None, tail, raw=raw)
    twice = json.dumps(payload, ensure_ascii=False)[:-1] + ', "aud": "evil"}'
    yield "the payload names aud twice", maker.signed(None, tail, raw=twice.encode())
    yield "the payload in UTF-16", maker.signed(None, tail, raw=json.dumps(payload).encode("utf-16"))
    yield (
        "the payload begins with a byte-order mark",
        maker.signed(None, tail, raw=b"\xef\xbb\xbf" + json.dumps(payload).encode()),
    )


def _bindings(maker: Maker) -> Iterator[tuple[str, str]]:
    compact = maker.good()
    said = {"iat": AT, "aud": VERIFIER, "nonce": NONCE, "sd_hash": tokens.digest_of(compact)}
    head = {"alg": "ES256", "typ": "kb+jwt"}

    def bound(said: Any, header: Any = head, key: ECKey = HOLDER) -> str:
        return compact + sign_parts([json.dumps(header).encode(), json.dumps(said).encode()], key)

    assert maker.accepts(bound(said), bound=True)
    yield "binding: none", compact
    yield "binding: by another key", bound(said, key=ECKey.generate_key("P-256"))
    yield "binding: by the issuer", bound(said, key=maker.key)
    for name in said:
        yield f"binding: without {name}", bound({n: v for n, v in said.items() if n != name})
        for wrong in (None, 5, "", ["x"], True):
            yield f"binding: {name} is {wrong!r}", bound({**said, name: wrong})
    yield "binding: with more", bound({**said, "sub": "x"})
    yield "binding: six minutes old", bound({**said, "iat": AT - 301})
    yield "binding: from the future", bound({**said, "iat": AT + 600})
    yield "binding: for another verifier", bound({**said, "aud": "somebody-else"})
    yield "binding: another nonce", bound({**said, "nonce": "nonce-9999"})
    yield "binding: nonce with a blank", bound({**said, "nonce": NONCE + " "})
    yield "binding: another hash", bound({**said, "sd_hash": tokens.digest_of("x")})
    yield "binding: hash without the last tilde", bound({**said, "sd_hash": tokens.digest_of(compact[:-1])})
    for header in (
        {"alg": "ES256", "typ": "JWT"},
        {"alg": "ES256"},
        {"typ": "kb+jwt"},
        {"alg": "none", "typ": "kb+jwt"},
        {"alg": "ES384", "typ": "kb+jwt"},
        {**head, "kid": "x"},
        {**head, "jwk": dict(HOLDER.as_dict(private=False))},
        {**head, "crit": ["x"]},
        [],
    ):
        yield f"binding: header {json.dumps(header)[:60]}", bound(said, header)
    shown = maker.shown()
    dropped = shown.split("~")
    yield "binding: a disclosure left away afterwards", "~".join([dropped[0], *dropped[2:]])
    yield "binding: of another credential", maker.good() + shown.rpartition("~")[2]
    yield "binding: the payload is a list", bound([])
    yield "binding: two parts", compact + "a.b"
    yield "binding: twice", shown + "~" + shown.rpartition("~")[2]
