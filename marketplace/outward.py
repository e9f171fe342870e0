"""Addresses in the settings: of this house, of its database, its mail server, its identity provider and its partners.

Enters: the text of one variable. Leaves: the checked value, or a `ConfigError` with a sentence that names the variable
and the mend. What is not on this machine is reached over TLS. Called by `marketplace.config` only.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qs, urlsplit

LOOPBACK = ("127.0.0.1", "localhost")
CHECKED_TLS = ("verify-full", "verify-ca")


class ConfigError(ValueError):
    """A setting is missing or unsafe; the sentence names it and says how to mend it."""


def public_address(text: str) -> str:
    """The address in letters and links: https, or plain http on this machine only."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"SHANQIAO_BASE_URL is {text!r}: write an address such as https://aid.example")
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ConfigError(f"SHANQIAO_BASE_URL is {text!r}: people sign in there, so it must begin with https")
    return text.rstrip("/")


def issuer(text: str, client_id: str) -> str:
    """The staff's identity provider: https, or this machine; and then a client id too."""
    if not text:
        return ""
    parts = urlsplit(text)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    if not safe or not parts.hostname:
        raise ConfigError(f"SHANQIAO_OIDC_ISSUER is {text!r}: people sign in there, so it must begin with https")
    if not client_id:
        raise ConfigError("SHANQIAO_OIDC_CLIENT_ID is not set: write the id that the identity provider gave us")
    return text


def trusted_hosts(text: str) -> tuple[str, ...]:
    """Whole names of hosts."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise ConfigError("SHANQIAO_TRUSTED_HOSTS is empty: name the hosts under which the pages are reached")
    if any(set(name) & set("*/ :") or name in (".", "") for name in names):
        raise ConfigError(f"SHANQIAO_TRUSTED_HOSTS is {text!r}: write whole names of hosts, no wildcard, no port")
    return names


def webhook_hosts(text: str) -> tuple[str, ...]:
    """Host names apart by commas; none is a fair answer."""
    return tuple(name.strip().lower() for name in text.split(",") if name.strip())


def database(url: str) -> str:
    """A database on another machine is reached over TLS with its certificate checked."""
    parts = urlsplit(url)
    mode = parse_qs(parts.query).get("sslmode", [""])[-1]
    if parts.scheme.startswith("postgres") and parts.hostname not in (None, *LOOPBACK) and mode not in CHECKED_TLS:
        raise ConfigError("DATABASE_URL names another machine: add ?sslmode=verify-full (or verify-ca)")
    return url


def mail_tls(text: str, host: str) -> Literal["start", "starttls", "none"]:
    """How mail goes out; in the clear to this machine only."""
    known: dict[str, Literal["start", "starttls", "none"]] = {"start": "start", "starttls": "starttls", "none": "none"}
    if text not in known:
        raise ConfigError(f"SHANQIAO_SMTP_TLS is {text!r}: write start, starttls or none")
    if text == "none" and host not in ("", *LOOPBACK):
        raise ConfigError("SHANQIAO_SMTP_TLS is none for a mail server elsewhere: write starttls or start")
    return known[text]
