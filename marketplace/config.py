"""Settings: read once from the environment, frozen, handed to everything that needs them.

Enters: environment variables named ``SHANQIAO_*`` and ``DATABASE_URL``. Leaves: one `Settings` value, or a
`ConfigError` with a sentence that names the variable and the mend. Nothing else in the house reads the environment.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

LOOPBACK = ("127.0.0.1", "localhost")
KEY_VARIABLES = ("SHANQIAO_SECRET_KEY_FILE", "SHANQIAO_KEK_FILE")


class ConfigError(ValueError):
    """A setting is missing or unsafe; the sentence names it and says how to mend it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting of the product; see docs/operations.md for the meaning of each variable."""

    instance: Path = Path("instance")
    database_url: str = ""
    secret_key: str = field(default="", repr=False)
    kek: bytes = field(default=b"", repr=False)
    demo: bool = False
    base_url: str = "http://127.0.0.1:8000"
    trusted_hosts: tuple[str, ...] = LOOPBACK
    trusted_proxy: str = ""
    second_approver_fen: int = 2_000_000
    urgent_cap_fen: int = 200_000
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

    def database(self) -> str:
        """The database's address; the embedded one lies in the instance folder."""
        return self.database_url or f"sqlite:///{self.instance.resolve() / 'shanqiao.db'}"


def demo_settings(instance: Path, *, seed: int, database_url: str = "") -> Settings:
    """Settings of a demonstration: keys follow from the seed, so that the same seed gives the same plan."""
    from hashlib import sha256

    key = sha256(f"demonstration only, seed {seed}".encode()).digest()
    return Settings(
        instance=instance, database_url=database_url, secret_key=key.hex(), kek=key, demo=True, smtp_host=""
    )


def from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Read and check the settings of a real installation.

    Raises
    ------
    ConfigError
        A key is missing, short, or lies in a file that others may read; the public address is not https; a number
        is not one.
    """
    env = os.environ if environ is None else environ
    get = env.get
    secret_key, kek = (_secret(get(name, ""), name) for name in KEY_VARIABLES)
    if secret_key == kek:
        raise ConfigError("SHANQIAO_SECRET_KEY_FILE and SHANQIAO_KEK_FILE hold the same key: run `shanqiao keys new`")
    return Settings(
        instance=Path(get("SHANQIAO_INSTANCE", "instance")),
        database_url=get("DATABASE_URL", ""),
        secret_key=secret_key.hex(),
        kek=kek,
        base_url=_base_url(get("SHANQIAO_BASE_URL", "http://127.0.0.1:8000")),
        trusted_hosts=_names(get("SHANQIAO_TRUSTED_HOSTS", "127.0.0.1,localhost")),
        trusted_proxy=get("SHANQIAO_TRUSTED_PROXY", ""),
        second_approver_fen=_number(get("SHANQIAO_SECOND_APPROVER_FEN", "2000000"), "SHANQIAO_SECOND_APPROVER_FEN"),
        urgent_cap_fen=_number(get("SHANQIAO_URGENT_CAP_FEN", "200000"), "SHANQIAO_URGENT_CAP_FEN"),
        webhook_hosts=_hosts(get("SHANQIAO_WEBHOOK_HOSTS", "")),
        partner_daily_reads=_number(get("SHANQIAO_PARTNER_DAILY_READS", "2000"), "SHANQIAO_PARTNER_DAILY_READS"),
        smtp_host=get("SHANQIAO_SMTP_HOST", ""),
        smtp_port=_number(get("SHANQIAO_SMTP_PORT", "25"), "SHANQIAO_SMTP_PORT"),
        smtp_tls=_tls(get("SHANQIAO_SMTP_TLS", "starttls")),
        smtp_user=get("SHANQIAO_SMTP_USER", ""),
        smtp_password=get("SHANQIAO_SMTP_PASSWORD", ""),
        mail_from=get("SHANQIAO_MAIL_FROM", "shanqiao@localhost"),
        sms_url=get("SHANQIAO_SMS_URL", ""),
        sms_token=get("SHANQIAO_SMS_TOKEN", ""),
        registry_url=get("SHANQIAO_REGISTRY_URL", ""),
        registry_client_id=get("SHANQIAO_REGISTRY_CLIENT_ID", ""),
        registry_secret=get("SHANQIAO_REGISTRY_SECRET", ""),
    )


def refuse_demo(environ: Mapping[str, str] | None = None) -> None:
    """A demonstration never runs beside real keys: its own can be computed by anybody, and would seal real people."""
    env = os.environ if environ is None else environ
    for name in KEY_VARIABLES:
        if env.get(name):
            raise ConfigError(f"{name} is set: a demonstration does not run where a real installation is; unset it")


def _base_url(text: str) -> str:
    """The address in letters and links: https, or plain http on this machine only."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"SHANQIAO_BASE_URL is {text!r}: write an address such as https://aid.example")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ConfigError(f"SHANQIAO_BASE_URL is {text!r}: people sign in there, so it must begin with https")
    return text.rstrip("/")


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ConfigError("SHANQIAO_TRUSTED_HOSTS is empty: name the hosts under which the pages are reached")
    return names


def _hosts(text: str) -> tuple[str, ...]:
    """Host names apart by commas; none is a fair answer."""
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def _tls(text: str) -> Literal["start", "starttls", "none"]:
    known: dict[str, Literal["start", "starttls", "none"]] = {"start": "start", "starttls": "starttls", "none": "none"}
    if text in known:
        return known[text]
    raise ConfigError(f"SHANQIAO_SMTP_TLS is {text!r}: write start, starttls or none")


def _number(text: str, name: str) -> int:
    if not text.isdigit():
        raise ConfigError(f"{name} is {text!r}: write a whole number")
    return int(text)


def _secret(path: str, name: str) -> bytes:
    """The 32 bytes that a key file holds as 64 hexadecimal digits; the file must be closed to others."""
    if not path:
        raise ConfigError(f"{name} is not set: run `shanqiao keys new DIR` and name the file it writes")
    file = Path(path)
    if not file.is_file():
        raise ConfigError(f"{name} names {path}, which is not a file: run `shanqiao keys new`")
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ConfigError(f"{path} can be read by others: run `chmod 600 {path}`")
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise ConfigError(f"{path} is not hexadecimal: run `shanqiao keys new`") from error
    if len(key) < 32 or len(set(key)) < 8:
        raise ConfigError(f"{path} holds a weak key: run `shanqiao keys new`")
    return key
