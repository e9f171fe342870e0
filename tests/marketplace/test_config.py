"""Settings: what is missing, weak or unsafe is refused with one sentence that names it and the mend."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from marketplace.config import KEY_VARIABLES, ConfigError, Settings, demo_settings, from_environment, refuse_demo
from marketplace.operations import new_keys


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """What a real installation sets at least."""
    files = new_keys(tmp_path / "keys")
    return {**{name: str(file) for name, file in zip(KEY_VARIABLES, files, strict=True)}, "SHANQIAO_WITNESSES": "none"}


def _refused(environ: dict[str, str], **over: str) -> str:
    with pytest.raises(ConfigError) as caught:
        from_environment({**environ, **over})
    sentence = str(caught.value)
    assert "\n" not in sentence
    return sentence


def test_fresh_keys_are_enough_to_start_on_this_machine(environ: dict[str, str]) -> None:
    settings = from_environment(environ)
    assert len(settings.kek) == 32
    assert settings.secret_key != settings.kek.hex()
    assert settings.demo is False
    assert settings.database().startswith("sqlite:///")


@pytest.mark.parametrize("name", ["SHANQIAO_SECRET_KEY_FILE", "SHANQIAO_KEK_FILE"])
def test_a_missing_key_is_named_with_the_command_that_makes_one(environ: dict[str, str], name: str) -> None:
    del environ[name]
    assert _refused(environ).startswith(f"{name} is not set: run `shanqiao keys new")
    assert "not a file" in _refused(environ, **{name: "nowhere/secret.key"})


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o644])
def test_a_key_that_others_may_read_is_refused(environ: dict[str, str], mode: int) -> None:
    Path(environ["SHANQIAO_KEK_FILE"]).chmod(mode)
    assert "chmod 600" in _refused(environ)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("abc", "not hexadecimal"),
        ("ab" * 16, "weak"),
        ("00" * 32, "weak"),
        ("", "weak"),
        ("零" * 64, "not hexadecimal"),
    ],
)
def test_a_short_or_weak_key_is_refused(environ: dict[str, str], content: str, reason: str) -> None:
    Path(environ["SHANQIAO_KEK_FILE"]).write_text(content, encoding="utf-8")
    sentence = _refused(environ)
    assert reason in sentence
    assert content not in sentence or not content


def test_one_key_for_both_uses_is_refused(environ: dict[str, str]) -> None:
    assert "the same key" in _refused(environ, SHANQIAO_KEK_FILE=environ["SHANQIAO_SECRET_KEY_FILE"])


@pytest.mark.parametrize("address", ["http://aid.example", "http://10.0.0.5:8000", "aid.example", "ftp://aid.example"])
def test_a_public_address_without_https_is_refused(environ: dict[str, str], address: str) -> None:
    assert "SHANQIAO_BASE_URL" in _refused(environ, SHANQIAO_BASE_URL=address)


@pytest.mark.parametrize("address", ["https://aid.example", "http://127.0.0.1:9000", "http://localhost"])
def test_https_or_this_machine_is_accepted(environ: dict[str, str], address: str) -> None:
    assert from_environment({**environ, "SHANQIAO_BASE_URL": address + "/"}).base_url == address


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SHANQIAO_SMTP_PORT", "mail"),
        ("SHANQIAO_SECOND_APPROVER_FEN", "2,000"),
        ("SHANQIAO_SMTP_TLS", "maybe"),
        ("SHANQIAO_TRUSTED_HOSTS", " , "),
    ],
)
def test_a_setting_that_does_not_fit_is_named(environ: dict[str, str], name: str, value: str) -> None:
    assert name in _refused(environ, **{name: value})


def test_a_demonstration_does_not_run_beside_real_keys(environ: dict[str, str]) -> None:
    refuse_demo({})
    with pytest.raises(ConfigError, match="a demonstration does not run where a real installation is"):
        refuse_demo(environ)


def test_secrets_do_not_show_when_settings_are_printed(environ: dict[str, str], tmp_path: Path) -> None:
    real = from_environment({**environ, "SHANQIAO_SMS_TOKEN": "token-1", "SHANQIAO_SMTP_PASSWORD": "password-1"})
    for settings in (real, demo_settings(tmp_path, seed=1)):
        shown = repr(settings)
        for secret in (settings.secret_key, repr(settings.kek), "token-1", "password-1"):
            assert secret not in shown


def test_no_secret_has_a_value_of_its_own() -> None:
    secrets = [one for one in fields(Settings) if not one.repr]
    assert len(secrets) > 8
    assert [one.name for one in secrets if one.default] == []


def test_the_same_seed_gives_a_demonstration_the_same_keys(tmp_path: Path) -> None:
    assert demo_settings(tmp_path, seed=7) == demo_settings(tmp_path, seed=7)
    assert demo_settings(tmp_path, seed=7).kek != demo_settings(tmp_path, seed=8).kek


def test_settings_cannot_be_changed_after_they_were_read() -> None:
    with pytest.raises(AttributeError):
        Settings().demo = True  # type: ignore[misc]


@pytest.mark.threat("T40")
@pytest.mark.parametrize("value", ["1", "true", "on", "yes"])
def test_flask_s_own_debugging_is_refused(environ: dict[str, str], value: str) -> None:
    assert "FLASK_DEBUG" in _refused(environ, FLASK_DEBUG=value)


UNSAFE = {
    "no key for forms": {"SHANQIAO_SECRET_KEY_FILE": ""},
    "no key for sealing": {"SHANQIAO_KEK_FILE": ""},
    "a key file that is not there": {"SHANQIAO_KEK_FILE": "nowhere/kek.key"},
    "a page address without tls": {"SHANQIAO_BASE_URL": "http://aid.example"},
    "a page address that is none": {"SHANQIAO_BASE_URL": "aid.example"},
    "no host to trust": {"SHANQIAO_TRUSTED_HOSTS": ","},
    "every host trusted": {"SHANQIAO_TRUSTED_HOSTS": "*"},
    "hosts by wildcard": {"SHANQIAO_TRUSTED_HOSTS": "*.example"},
    "debugging": {"FLASK_DEBUG": "1"},
    "an identity provider without tls": {"SHANQIAO_OIDC_ISSUER": "http://id.example", "SHANQIAO_OIDC_CLIENT_ID": "x"},
    "an identity provider that does not know us": {"SHANQIAO_OIDC_ISSUER": "https://id.example"},
    "a limit that is no number": {"SHANQIAO_SECOND_APPROVER_FEN": "none"},
    "letters by an unknown way": {"SHANQIAO_SMTP_TLS": "off"},
    "letters in the clear to another machine": {"SHANQIAO_SMTP_TLS": "none", "SHANQIAO_SMTP_HOST": "mail.example"},
    "a database elsewhere without tls": {"DATABASE_URL": "postgresql://u@db.example/house"},
    "a database elsewhere whose certificate nobody checks": {"DATABASE_URL": "postgresql://u@db/x?sslmode=require"},
}


@pytest.mark.threat("T40")
@pytest.mark.parametrize("name", UNSAFE)
def test_nothing_starts_with_an_unsafe_setting(environ: dict[str, str], name: str) -> None:
    assert re.search("SHANQIAO_|FLASK_|DATABASE_URL|nowhere", _refused(environ, **UNSAFE[name]))


def test_a_safe_identity_provider_is_taken(environ: dict[str, str]) -> None:
    given = {"SHANQIAO_OIDC_ISSUER": "https://id.example", "SHANQIAO_OIDC_CLIENT_ID": "x"}
    assert from_environment({**environ, **given}).oidc_issuer == "https://id.example"
