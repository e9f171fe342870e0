"""Settings: read once from the environment, frozen, handed to everything that needs them.

Enters: environment variables named ``SHANQIAO_*`` and ``DATABASE_URL``. Leaves: one `Settings` value, or a
`ConfigError` with a sentence that names the variable and the mend. Nothing else in the house reads the environment.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from marketplace import outward
from marketplace.keyring import KeyFileError, Ring, read_ring
from marketplace.outward import LOOPBACK
from marketplace.outward import ConfigError as ConfigError
from shanqiao_verify import Refused, VerifierKey

KEY_VARIABLES = (
    "SHANQIAO_SECRET_KEY_FILE",
    "SHANQIAO_KEK_FILE",
    "SHANQIAO_ISSUER_KEY_FILE",
    "SHANQIAO_CHECKPOINT_KEY_FILE",
)
PLAIN: tuple[str, ...] = ("SHANQIAO_PAYMENTS_URL", "SHANQIAO_PAYMENTS_TOKEN", "SHANQIAO_SMS_INBOX_URL")
PLAIN += ("SHANQIAO_DEPARTMENTS_URL", "SHANQIAO_DEPARTMENTS_TOKEN", "SHANQIAO_COVER_URL", "SHANQIAO_COVER_TOKEN")
PLAIN += ("SHANQIAO_COVER_ORG",)
PLAIN += ("SHANQIAO_WECHAT_URL", "SHANQIAO_WECHAT_APP_ID", "SHANQIAO_WECHAT_SECRET")
NO_WITNESS = "none"
FEWEST_WITNESSES = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the product; see docs/operations.md for the meaning of each variable."""

    instance: Path = Path("instance")
    database_url: str = ""
    secret_key: str = field(default="", repr=False)
    kek: bytes = field(default=b"", repr=False)
    kek_ring: Ring | None = None
    issuer_ring: Ring | None = None
    checkpoint_key: bytes = field(default=b"", repr=False)
    suite: Literal["aes", "sm"] = "aes"
    witnesses: tuple[tuple[str, str], ...] = ()
    former_witnesses: tuple[str, ...] = ()
    demo: bool = False
    base_url: str = "http://127.0.0.1:8000"
    trusted_hosts: tuple[str, ...] = LOOPBACK
    trusted_proxy: str = ""
    second_approver_fen: int = 2_000_000
    urgent_cap_fen: int = 200_000
    retention_days: int = 1_095
    smtp_host: str = ""
    smtp_port: int = 25
    smtp_tls: Literal["start", "starttls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: str = field(default="", repr=False)
    mail_from: str = "shanqiao@localhost"
    webhook_hosts: tuple[str, ...] = ()
    partner_daily_reads: int = 2_000
    sms_url: str = ""
    sms_token: str = field(default="", repr=False)
    registry_url: str = ""
    registry_client_id: str = ""
    registry_secret: str = field(default="", repr=False)
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = field(default="", repr=False)
    payments_url: str = ""
    payments_token: str = field(default="", repr=False)
    cover_url: str = ""
    cover_org: str = ""
    cover_token: str = field(default="", repr=False)
    cover_key: str = field(default="", repr=False)
    face_url: str = ""
    face_token: str = field(default="", repr=False)
    face_issuer: str = ""
    face_key: str = ""
    sms_inbox_url: str = ""
    departments_url: str = ""
    departments_token: str = field(default="", repr=False)
    wechat_url: str = "https://api.weixin.qq.com"
    wechat_app_id: str = ""
    wechat_secret: str = field(default="", repr=False)

    def database(self) -> str:
        """The database's address; the embedded one lies in the instance folder."""
        return self.database_url or f"sqlite:///{self.instance.resolve() / 'shanqiao.db'}"


def demo_settings(instance: Path, *, seed: int, database_url: str = "") -> Settings:
    """Settings of a demonstration: keys follow from the seed, so that the same seed gives the same plan."""
    from hashlib import sha256

    key, issuer, checkpoint = (
        sha256(f"demonstration only, {use}seed {seed}".encode()).digest() for use in ("", "issuer ", "checkpoint ")
    )
    return Settings(
        instance=instance,
        database_url=database_url,
        secret_key=key.hex(),
        kek=key,
        issuer_ring=Ring({1: issuer}, index=issuer),
        checkpoint_key=checkpoint,
        demo=True,
        smtp_host="",
    )


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings of a real installation.

    Raises
    ------
    ConfigError
        A key is missing, short, used twice, or lies in a file that others may read; nothing is said about witnesses;
        the public address is not https; a number is not one.
    """
    env = os.environ if environ is None else environ
    get = env.get
    _refuse_debugging(env)
    secret, kek, issuer, checkpoint = _rings(env)
    return Settings(
        instance=Path(get("SHANQIAO_INSTANCE", "instance")),
        database_url=outward.database(get("DATABASE_URL", "")),
        secret_key=secret.newest.hex(),
        kek=kek.newest,
        kek_ring=kek,
        issuer_ring=issuer,
        checkpoint_key=checkpoint.newest,
        suite=_suite(get("SHANQIAO_SUITE", "aes")),
        witnesses=_witnesses(get("SHANQIAO_WITNESSES", "")),
        former_witnesses=_former(get("SHANQIAO_FORMER_WITNESSES", "")),
        base_url=outward.public_address(get("SHANQIAO_BASE_URL", "http://127.0.0.1:8000")),
        trusted_hosts=outward.trusted_hosts(get("SHANQIAO_TRUSTED_HOSTS", "127.0.0.1,localhost")),
        trusted_proxy=get("SHANQIAO_TRUSTED_PROXY", ""),
        second_approver_fen=_number(get("SHANQIAO_SECOND_APPROVER_FEN", "2000000"), "SHANQIAO_SECOND_APPROVER_FEN"),
        urgent_cap_fen=_number(get("SHANQIAO_URGENT_CAP_FEN", "200000"), "SHANQIAO_URGENT_CAP_FEN"),
        retention_days=_number(get("SHANQIAO_RETENTION_DAYS", "1095"), "SHANQIAO_RETENTION_DAYS"),
        webhook_hosts=outward.webhook_hosts(get("SHANQIAO_WEBHOOK_HOSTS", "")),
        partner_daily_reads=_number(get("SHANQIAO_PARTNER_DAILY_READS", "2000"), "SHANQIAO_PARTNER_DAILY_READS"),
        smtp_host=get("SHANQIAO_SMTP_HOST", ""),
        smtp_port=_number(get("SHANQIAO_SMTP_PORT", "25"), "SHANQIAO_SMTP_PORT"),
        smtp_tls=outward.mail_tls(get("SHANQIAO_SMTP_TLS", "starttls"), get("SHANQIAO_SMTP_HOST", "")),
        smtp_user=get("SHANQIAO_SMTP_USER", ""),
        smtp_password=get("SHANQIAO_SMTP_PASSWORD", ""),
        mail_from=get("SHANQIAO_MAIL_FROM", "shanqiao@localhost"),
        sms_url=get("SHANQIAO_SMS_URL", ""),
        sms_token=get("SHANQIAO_SMS_TOKEN", ""),
        registry_url=get("SHANQIAO_REGISTRY_URL", ""),
        registry_client_id=get("SHANQIAO_REGISTRY_CLIENT_ID", ""),
        registry_secret=get("SHANQIAO_REGISTRY_SECRET", ""),
        oidc_issuer=outward.issuer(get("SHANQIAO_OIDC_ISSUER", ""), get("SHANQIAO_OIDC_CLIENT_ID", "")),
        oidc_client_id=get("SHANQIAO_OIDC_CLIENT_ID", ""),
        oidc_client_secret=get("SHANQIAO_OIDC_CLIENT_SECRET", ""),
        **_money_doors(env),
        **_face_door(env),
    )


def _money_doors(env: Mapping[str, str]) -> dict[str, Any]:
    """The feed of government payments, the insurers' common door, the departments' exchange, WeChat."""
    found: dict[str, Any] = {name.removeprefix("SHANQIAO_").lower(): env[name] for name in PLAIN if env.get(name)}
    key = _shared_key(env.get("SHANQIAO_COVER_URL", ""), env.get("SHANQIAO_COVER_KEY", ""))
    return found | {"cover_key": key}


def _face_door(env: Mapping[str, str]) -> dict[str, Any]:
    """The provider of face checks; without its public key no answer of its could be believed."""
    found = {
        "face_url": env.get("SHANQIAO_FACE_URL", ""),
        "face_token": env.get("SHANQIAO_FACE_TOKEN", ""),
        "face_issuer": env.get("SHANQIAO_FACE_ISSUER", ""),
        "face_key": env.get("SHANQIAO_FACE_KEY", ""),
    }
    if found["face_url"] and not (found["face_issuer"] and found["face_key"]):
        raise ConfigError("SHANQIAO_FACE_ISSUER and SHANQIAO_FACE_KEY are needed beside SHANQIAO_FACE_URL")
    return found


def ring_file(environ: Mapping[str, str] | None = None) -> str:
    """Where the key-encryption keys lie, for the one command that adds a key to them."""
    return (os.environ if environ is None else environ).get("SHANQIAO_KEK_FILE", "")


def refuse_demo(environ: Mapping[str, str] | None = None) -> None:
    """A demonstration never runs beside real keys: its own can be computed by anybody, and would seal real people."""
    env = os.environ if environ is None else environ
    for name in KEY_VARIABLES:
        if env.get(name):
            raise ConfigError(f"{name} is set: a demonstration does not run where a real installation is; unset it")


def _refuse_debugging(env: Mapping[str, str]) -> None:
    """Flask's own switches show the inside of the program to whoever makes it stumble."""
    if env.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no", "off"):
        raise ConfigError("FLASK_DEBUG is set: unset it, a page with an error would show the inside of the program")


def _number(text: str, name: str) -> int:
    if not text.isdigit():
        raise ConfigError(f"{name} is {text!r}: write a whole number")
    return int(text)


def _suite(text: str) -> Literal["aes", "sm"]:
    known: dict[str, Literal["aes", "sm"]] = {"aes": "aes", "sm": "sm"}
    if text in known:
        return known[text]
    raise ConfigError(f"SHANQIAO_SUITE is {text!r}: write aes (AES-GCM, SHA-256) or sm (SM4-GCM, SM3)")


def _witnesses(text: str) -> tuple[tuple[str, str], ...]:
    """(verifier key, address) of each witness; working without one has to be said, by the word none."""
    if text.strip() == NO_WITNESS:
        return ()
    pairs = [entry.split() for entry in text.split(",") if entry.strip()]
    if any(len(pair) != 2 or not pair[1].startswith(("http://", "https://")) for pair in pairs):
        raise ConfigError("SHANQIAO_WITNESSES: write `KEY ADDRESS, KEY ADDRESS` as `shanqiao witness` prints them")
    if len({key for key, _ in pairs}) < FEWEST_WITNESSES:
        raise ConfigError("SHANQIAO_WITNESSES names fewer than two witnesses: name two, or write none and lose wall 3")
    for key, _address in pairs:
        try:
            VerifierKey.read(key)
        except (Refused, ValueError) as error:
            raise ConfigError(f"SHANQIAO_WITNESSES: the key {key[:16]}… does not hold: {error}") from error
    return tuple((key, address) for key, address in pairs)


def _former(text: str) -> tuple[str, ...]:
    """Verifier keys of witnesses that sign no more: what they signed still holds."""
    keys = tuple(entry.strip() for entry in text.split(",") if entry.strip())
    if any(" " in key or key.count("+") < 2 for key in keys):
        raise ConfigError("SHANQIAO_FORMER_WITNESSES: write `KEY, KEY`, the keys alone, as they stood before")
    return keys


def _rings(env: Mapping[str, str]) -> tuple[Ring, Ring, Ring, Ring]:
    """The key files, each with a key of its own."""
    rings = [_ring(env.get(name, ""), name) for name in KEY_VARIABLES]
    owners: dict[bytes, str] = {}
    for name, ring in zip(KEY_VARIABLES, rings, strict=True):
        for key in {*ring.keys.values(), ring.index}:
            if owners.setdefault(key, name) != name:
                raise ConfigError(f"{owners[key]} and {name} hold the same key: run `shanqiao keys new`")
    secret, kek, issuer, checkpoint = rings
    return secret, kek, issuer, checkpoint


def _ring(path: str, name: str) -> Ring:
    """The keys that a file holds; the file must be closed to others."""
    if not path:
        raise ConfigError(f"{name} is not set: run `shanqiao keys new DIR` and name the file it writes")
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"{name} names {path}, which is not a file: run `shanqiao keys new`")
    try:
        return read_ring(file)
    except KeyFileError as error:
        raise ConfigError(str(error)) from error


def _shared_key(url: str, key: str) -> str:
    """Without a key of length a mark of a person could be guessed from the number."""
    if url and len(key) < 32:
        raise ConfigError("SHANQIAO_COVER_KEY is short: agree on 32 characters or more with the insurers")
    return key
