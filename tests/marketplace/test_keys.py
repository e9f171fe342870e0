"""Keys: rings of epochs, rotation, erasure that leaves the chain whole, and settings that are refused."""

from __future__ import annotations

import hmac
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from marketplace import audit, keeping
from marketplace.actors import SYSTEM
from marketplace.config import KEY_VARIABLES, ConfigError, Settings, from_environment
from marketplace.db import Database
from marketplace.households.models import Person
from marketplace.keyring import KeyFileError, Ring, new_key, read_ring, write_key, write_ring
from marketplace.operations import new_keys
from marketplace.sealed import PersonKey, Sealed, Unreadable, Vault, vault_of
from marketplace.signing import issuer_key, public_keys
from marketplace.suites import AES, NAMES, SM, keyed_hash
from marketplace.wiring import vault_from
from tests import factories as make

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=sorted(NAMES.values()), ids=sorted(NAMES))
def suite(request: pytest.FixtureRequest) -> int:
    """Each set of ciphers in turn."""
    number: int = request.param
    return number


@pytest.fixture
def ring(tmp_path: Path) -> Path:
    """A ring of one epoch."""
    file = tmp_path / "kek.key"
    write_ring(file, Ring({1: new_key()}, index=new_key()))
    return file


def _vault(file: Path, suite: int) -> Vault:
    ring = read_ring(file)
    return Vault(ring.newest, epoch=ring.epoch, older=ring.keys, root=ring.index, suite=suite)


def _people(database: Database, count: int) -> None:
    with database.transaction() as session:
        household = make.a_household(session)
        for number in range(count - 1):
            make.a_person(session, household, name=f"人{number}")


def _names(session: Session) -> Iterator[str]:
    session.info.pop("person_keys", None)
    for person in session.exec(select(Person).order_by(col(Person.id))):
        assert isinstance(person.name, Sealed)
        yield vault_of(session).open(session, person.id, column="person.name", sealed=person.name)


def test_a_new_epoch_rewraps_every_key_and_touches_no_sealed_value(
    sqlite_database: Database, ring: Path, suite: int, now: datetime
) -> None:
    sqlite_database.info["vault"] = _vault(ring, suite)
    _people(sqlite_database, 25)
    sealed = "SELECT id, name, phone, phone_index FROM person ORDER BY id"
    with sqlite_database.reading() as session:
        before, names = session.execute(text(sealed)).all(), list(_names(session))
    moved = keeping.add_epoch(ring)
    assert keeping.rewrap(sqlite_database, moved, suite=suite, now=now) == 25
    sqlite_database.info["vault"] = _vault(ring, suite)
    with sqlite_database.reading() as session:
        assert session.execute(text(sealed)).all() == before
        assert list(_names(session)) == names
        assert set(session.scalars(select(PersonKey.epoch))) == {2}
        assert audit.verify(session).bad_seq == 0


def test_after_the_old_key_is_gone_everything_still_opens(
    sqlite_database: Database, ring: Path, suite: int, now: datetime
) -> None:
    sqlite_database.info["vault"] = _vault(ring, suite)
    _people(sqlite_database, 3)
    first = read_ring(ring).newest
    moved = keeping.add_epoch(ring)
    with pytest.raises(ConfigError, match="--resume"):
        keeping.drop_old(sqlite_database, ring)
    keeping.rewrap(sqlite_database, moved, suite=suite, now=now)
    kept = keeping.drop_old(sqlite_database, ring)
    assert first not in kept.keys.values()
    assert first.hex() not in ring.read_text()
    sqlite_database.info["vault"] = _vault(ring, suite)
    with sqlite_database.reading() as session:
        assert len(list(_names(session))) == 3
    with sqlite_database.reading() as session:
        session.info["vault"] = Vault(first, suite=suite)
        with pytest.raises(Unreadable, match="epoch 2"):
            list(_names(session))


def test_a_rotation_that_was_cut_off_goes_on(sqlite_database: Database, ring: Path, suite: int, now: datetime) -> None:
    sqlite_database.info["vault"] = _vault(ring, suite)
    _people(sqlite_database, 7)
    keeping.add_epoch(ring)
    with sqlite_database.transaction() as session:
        assert _vault(ring, suite).rewrap(session, limit=4) == 4
    sqlite_database.info["vault"] = _vault(ring, suite)
    with sqlite_database.reading() as session:
        assert len(list(_names(session))) == 7, "both epochs open"
    assert keeping.rewrap(sqlite_database, read_ring(ring), suite=suite, now=now) == 3


def test_each_suite_opens_what_the_other_closed(sqlite_database: Database, settings: Settings) -> None:
    with sqlite_database.transaction() as session:
        for closing, opening in ((AES, SM), (SM, AES)):
            session.info["vault"] = Vault(settings.kek, suite=closing)
            person = make.a_person(session, make.a_household(session), name="两套")
            assert isinstance(person.name, Sealed)
            assert person.name.envelope[0] == closing
            session.info.pop("person_keys", None)
            other = Vault(settings.kek, suite=opening)
            assert other.open(session, person.id, column="person.name", sealed=person.name) == "两套"


def test_the_sm_suite_is_sm3_and_sm4_not_a_name(settings: Settings) -> None:
    """The standard's own vector of SM3, through HMAC's definition; and hashes that differ from the other suite's."""
    from cryptography.hazmat.primitives.hashes import SM3, Hash

    def sm3(data: bytes) -> bytes:
        digest = Hash(SM3())
        digest.update(data)
        return digest.finalize()

    assert sm3(b"abc").hex() == "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    key = bytes(range(32))
    inner = sm3(bytes(b ^ 0x36 for b in key.ljust(64, b"\0")) + b"abc")
    assert keyed_hash(SM, key, b"abc") == sm3(bytes(b ^ 0x5C for b in key.ljust(64, b"\0")) + inner)
    assert keyed_hash(AES, key, b"abc") == hmac.new(key, b"abc", sha256).digest()
    assert Vault(settings.kek, suite=SM).index("phone", "1") != Vault(settings.kek).index("phone", "1")


@pytest.mark.threat("T42")
def test_an_erased_person_leaves_the_chain_whole(
    sqlite_database: Database, suite: int, settings: Settings, now: datetime
) -> None:
    """T42: the key is gone, the values are noise, and not one row of the log changed."""
    sqlite_database.info["vault"] = Vault(settings.kek, suite=suite)
    _people(sqlite_database, 2)
    with sqlite_database.transaction() as session:
        person = session.exec(select(Person)).first()
        assert person is not None
        entry = audit.Entry("household:reveal", subject=person.id, body={"fields": 1})
        audit.record(session, entry, actor=SYSTEM, now=now)
        before = session.execute(text("SELECT * FROM audit_row")).all()
        vault_of(session).erase(session, person.id)
    with sqlite_database.reading() as session:
        assert session.execute(text("SELECT * FROM audit_row")).all() == before
        assert audit.verify(session).bad_seq == 0
        with pytest.raises(Unreadable):
            list(_names(session))


# --- files ------------------------------------------------------------------------------------------------------


def test_a_plain_key_file_is_a_ring_of_one_epoch(tmp_path: Path) -> None:
    write_key(tmp_path / "one.key", key := new_key())
    found = read_ring(tmp_path / "one.key")
    assert (found.epoch, found.newest, found.index) == (1, key, key)
    assert key.hex() not in repr(found)


def test_a_ring_does_not_show_its_keys() -> None:
    ring = Ring({1: b"k" * 32, 2: b"n" * 32}, index=b"i" * 32)
    assert repr(ring) == "<ring of epochs [1, 2]>"


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        ([f"1 {new_key().hex()}", f"2 {new_key().hex()}"], "no line `index KEY`"),
        ([f"index {new_key().hex()}", "1 00"], "weak"),
        ([f"index {new_key().hex()}", f"0 {new_key().hex()}"], "twice"),
        ([f"index {new_key().hex()}", f"1 {(k := new_key()).hex()}", f"2 {k.hex()}"], "twice"),
        ([f"index {new_key().hex()}", f"1 {new_key().hex()}", f"1 {new_key().hex()}"], "twice"),
        ([f"index {new_key().hex()}", f"one {new_key().hex()}"], "not hexadecimal"),
        ([f"index {new_key().hex()}", "1 2 3"], "not hexadecimal"),
    ],
)
def test_a_ring_that_makes_no_sense_is_refused(tmp_path: Path, lines: list[str], fault: str) -> None:
    file = tmp_path / "ring.key"
    file.touch(mode=0o600)
    file.write_text("\n".join(lines))
    with pytest.raises(KeyFileError, match=fault) as caught:
        read_ring(file)
    assert all(word not in str(caught.value) for line in lines for word in line.split() if len(word) > 8)


@pytest.mark.parametrize("weak", ["00" * 32, bytes(range(31)).hex(), ""], ids=["one byte", "too short", "nothing"])
def test_a_key_that_is_short_or_of_few_bytes_is_refused(tmp_path: Path, weak: str) -> None:
    file = tmp_path / "kek"
    file.write_text(weak)
    file.chmod(0o600)
    with pytest.raises(KeyFileError, match="weak"):
        read_ring(file)
    file.write_text(bytes(range(32)).hex())
    assert read_ring(file).newest == bytes(range(32))


def test_what_a_crash_left_beside_a_ring_is_in_nobodys_way(ring: Path) -> None:
    held = read_ring(ring)
    ring.with_name(ring.name + ".new").write_text("half")
    write_ring(ring, held)
    assert read_ring(ring) == held


def test_a_ring_is_replaced_whole_and_stays_closed(ring: Path) -> None:
    before = read_ring(ring)
    after = keeping.add_epoch(ring)
    assert (after.epoch, after.index, after.keys[1]) == (2, before.index, before.newest)
    assert ring.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in ring.parent.iterdir() if path.name.endswith(".new")] == []


def test_older_issuer_keys_stay_public_and_each_office_has_its_own(settings: Settings) -> None:
    from dataclasses import replace

    assert settings.issuer_ring is not None
    ring = Ring({**settings.issuer_ring.keys, 2: new_key()}, index=new_key())
    later = replace(settings, issuer_ring=ring)
    kids = [key["kid"] for key in public_keys(later, ["500103", "500112"])]
    assert kids == ["mz-500103-1", "mz-500103-2", "mz-500112-1", "mz-500112-2"]
    assert len({key["x"] for key in public_keys(later, ["500103", "500112"])}) == 4
    assert issuer_key(later, "500103").kid == "mz-500103-2"
    assert not any("d" in key for key in public_keys(later, ["500103"]))


def _environ(tmp_path: Path) -> dict[str, str]:
    files = new_keys(tmp_path / "keys")
    named = {name: str(file) for name, file in zip(KEY_VARIABLES, files, strict=True)}
    return {**named, "SHANQIAO_WITNESSES": "none"}


BAD_SETTINGS = {
    "witnesses not said": {"SHANQIAO_WITNESSES": ""},
    "one witness": {"SHANQIAO_WITNESSES": "w+00000000+BAAA http://127.0.0.1:1"},
    "one witness twice": {"SHANQIAO_WITNESSES": "w+0+B http://127.0.0.1:1, w+0+B http://127.0.0.1:2"},
    "a witness without an address": {"SHANQIAO_WITNESSES": "w+0+B, v+0+B http://127.0.0.1:1"},
    "witnesses whose keys do not hold": {"SHANQIAO_WITNESSES": "w+0+B http://127.0.0.1:1, v+0+B http://127.0.0.1:2"},
    "a former witness with its address": {"SHANQIAO_FORMER_WITNESSES": "w+0+B http://127.0.0.1:1"},
    "a witness behind another scheme": {"SHANQIAO_WITNESSES": "w+0+B ftp://x, v+0+B http://127.0.0.1:1"},
    "an unknown suite": {"SHANQIAO_SUITE": "rot13"},
    **{f"no {name}": {name: ""} for name in KEY_VARIABLES},
    **{f"no file for {name}": {name: "nowhere/x.key"} for name in KEY_VARIABLES},
}


@pytest.mark.threat("T40")
@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_an_unsafe_setting_keeps_the_house_from_starting(tmp_path: Path, name: str) -> None:
    """T40: one clear sentence."""
    with pytest.raises(ConfigError) as caught:
        from_environment({**_environ(tmp_path), **BAD_SETTINGS[name]})
    assert "\n" not in str(caught.value)


@pytest.mark.threat("T40")
@pytest.mark.parametrize("first", KEY_VARIABLES)
@pytest.mark.parametrize("second", KEY_VARIABLES)
def test_no_two_uses_share_a_key(tmp_path: Path, first: str, second: str) -> None:
    environ = _environ(tmp_path)
    if first == second:
        assert from_environment(environ).checkpoint_key
        return
    with pytest.raises(ConfigError, match="the same key"):
        from_environment({**environ, first: environ[second]})


@pytest.mark.threat("T40")
def test_the_process_itself_ends_with_one_line(tmp_path: Path) -> None:
    environ = {**os.environ, **_environ(tmp_path), "SHANQIAO_WITNESSES": "", "SHANQIAO_INSTANCE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", "from marketplace.cli import main; main(['migrate'])"],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "SHANQIAO_WITNESSES" in done.stderr


def test_the_settings_choose_suite_and_ring(tmp_path: Path) -> None:
    environ = _environ(tmp_path)
    write_ring(Path(environ["SHANQIAO_KEK_FILE"]), Ring({3: new_key(), 4: new_key()}, index=new_key()))
    vault = vault_from(from_environment({**environ, "SHANQIAO_SUITE": "sm"}))
    assert (vault.epoch, vault.suite) == (4, SM)
