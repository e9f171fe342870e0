"""Sealed fields: readable only in their own place, by their own person's key, and nowhere in the database's files."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import StatementError
from sqlmodel import Session, select

from marketplace.actors import Actor
from marketplace.config import Settings
from marketplace.db import Database
from marketplace.households.models import Person
from marketplace.households.register import SEALED, HouseholdFacts, PersonFacts, register_many
from marketplace.reference.identity_number import make_id_number
from marketplace.sealed import PersonKey, Sealed, Unreadable, Vault, vault_of
from marketplace.suites import NAMES
from tests import factories as make
from tests.searching import found_in


def _open(session: Session, person: Person, column: str, sealed: Sealed | None) -> str:
    assert sealed is not None
    return vault_of(session).open(session, person.id, column=f"person.{column}", sealed=sealed)


@pytest.fixture(params=sorted(NAMES.values()), ids=sorted(NAMES))
def suite(request: pytest.FixtureRequest) -> int:
    """Each set of ciphers in turn."""
    number: int = request.param
    return number


@pytest.fixture
def session(shared_database: Database, settings: Settings, suite: int) -> Iterator[Session]:
    """A writing session on each engine under each suite; rolled back at the end."""
    with shared_database.session(writes=True) as opened:
        opened.info["vault"] = Vault(settings.kek, suite=suite)
        yield opened
        opened.rollback()


@pytest.fixture
def two(session: Session) -> tuple[Person, Person]:
    """Two people of one household."""
    household = make.a_household(session)
    first, second = (make.a_person(session, household, name=name) for name in ("张一", "李二"))
    return first, second


def test_a_sealed_value_opens_in_its_own_place(session: Session, two: tuple[Person, Person]) -> None:
    assert _open(session, two[0], "name", two[0].name) == "张一"


@pytest.mark.threat("T19")
def test_a_value_moved_to_another_person_cannot_be_opened(session: Session, two: tuple[Person, Person]) -> None:
    with pytest.raises(Unreadable):
        _open(session, two[1], "name", two[0].name)


def test_a_value_moved_to_another_column_cannot_be_opened(session: Session, two: tuple[Person, Person]) -> None:
    with pytest.raises(Unreadable):
        _open(session, two[0], "address", two[0].name)


@pytest.mark.threat("T19")
def test_every_flipped_bit_is_noticed(session: Session, two: tuple[Person, Person]) -> None:
    assert two[0].name is not None
    envelope = two[0].name.envelope
    for bit in range(8, 8 * len(envelope)):  # the first byte names the suite
        changed = bytearray(envelope)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(Unreadable):
            _open(session, two[0], "name", Sealed(bytes(changed)))


def test_a_cut_envelope_is_unreadable_not_a_crash(session: Session, two: tuple[Person, Person]) -> None:
    assert two[0].name is not None
    for length in range(len(two[0].name.envelope)):
        with pytest.raises(Unreadable):
            _open(session, two[0], "name", Sealed(two[0].name.envelope[:length]))


@pytest.mark.parametrize("number", [0, 3, 255])
def test_an_unknown_suite_is_refused(session: Session, two: tuple[Person, Person], number: int) -> None:
    assert two[0].name is not None
    with pytest.raises(Unreadable):
        _open(session, two[0], "name", Sealed(bytes([number]) + two[0].name.envelope[1:]))


def test_an_erased_person_is_noise_and_the_others_stay(session: Session, two: tuple[Person, Person]) -> None:
    vault_of(session).erase(session, two[0].id)
    session.flush()
    with pytest.raises(Unreadable):
        _open(session, two[0], "name", two[0].name)
    assert _open(session, two[1], "name", two[1].name) == "李二"


def test_the_keys_of_many_are_fetched_by_one_question(
    session: Session, two: tuple[Person, Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = vault_of(session)
    vault.erase(session, two[1].id)
    session.flush()
    vault.forget(session)
    vault.fetch(session, [person.id for person in two])
    monkeypatch.setattr(session, "get", None)
    assert _open(session, two[0], "name", two[0].name) == "张一"
    monkeypatch.undo()
    with pytest.raises(Unreadable):
        _open(session, two[1], "name", two[1].name)


@pytest.mark.threat("T19")
def test_what_nobody_can_read_any_more_is_told_as_nothing_and_a_reference_is_short(
    session: Session, two: tuple[Person, Person]
) -> None:
    one, other = two
    vault = vault_of(session)
    known = {"column": "person.name", "sealed": one.name}
    assert vault.open_if_kept(session, one.id, **known) == vault.open(session, one.id, **known)
    assert vault.open_if_kept(session, other.id, **known) == ""
    assert vault.open_if_kept(session, one.id, column="person.name", sealed=None) == ""
    assert len(vault.ref("person", "a", "b")) == 26


def test_a_key_moved_to_another_person_does_not_open_that_person(session: Session, two: tuple[Person, Person]) -> None:
    first, second = two
    session.execute(
        text(
            "UPDATE person_key SET wrapped = (SELECT wrapped FROM person_key WHERE person_id = :a) WHERE person_id = :b"
        ),
        {"a": first.id, "b": second.id},
    )
    session.expire_all()
    vault_of(session).forget(session)
    with pytest.raises(Unreadable):
        _open(session, second, "name", second.name)


def test_another_installation_s_key_opens_nothing(session: Session, two: tuple[Person, Person]) -> None:
    assert two[0].name is not None
    other = Vault(bytes(range(32)))
    vault_of(session).forget(session)
    with pytest.raises(Unreadable):
        other.open(session, two[0].id, column="person.name", sealed=two[0].name)


def test_equal_values_look_different_sealed_and_the_same_in_the_index(
    session: Session, settings: Settings, suite: int
) -> None:
    household = make.a_household(session)
    first, second = (make.a_person(session, household, name="同名", phone="10000000042") for _ in range(2))
    assert first.name != second.name
    assert first.phone_index == second.phone_index
    vault = Vault(settings.kek, suite=suite)
    assert vault.index("phone", "10000000042") == first.phone_index
    assert vault.index("id_number", "10000000042") != first.phone_index, "each use has a key of its own"
    assert Vault(bytes(range(32))).index("phone", "10000000042") != first.phone_index


def test_the_same_source_row_gets_the_same_id_and_joined_parts_are_not_mixed_up(settings: Settings, suite: int) -> None:
    vault = Vault(settings.kek, suite=suite)
    assert vault.ref("need", "registry", "12") == Vault(settings.kek, suite=suite).ref("need", "registry", "12")
    assert vault.ref("need", "registry", "12") != vault.ref("need", "registry1", "2")
    assert vault.ref("need", "registry", "12") != vault.ref("household", "registry", "12")


def test_plain_text_cannot_be_written_to_a_sealed_column(session: Session, two: tuple[Person, Person]) -> None:
    two[0].name = "张一"  # type: ignore[assignment]
    with pytest.raises((TypeError, StatementError), match="seal it first"):
        session.flush()


def test_an_envelope_never_shows_itself(two: tuple[Person, Person]) -> None:
    assert "张" not in f"{two[0].name!r}{two[0].name}{two[0]!r}"


def test_an_envelope_is_equal_to_its_like_and_stands_in_sets() -> None:
    one, same, other = Sealed(b"a"), Sealed(b"a"), Sealed(b"b")
    assert {one, same, other} == {one, other}
    assert one != b"a"


def test_nobody_is_no_work_and_who_was_erased_is_erased(session: Session) -> None:
    vault = vault_of(session)
    vault.new_people(session, [])
    vault.erase(session, "nobody")
    assert session.exec(select(PersonKey)).all() == []


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Vault(b"short")


def test_blobs_open_for_their_purpose_only(settings: Settings, suite: int) -> None:
    vault = Vault(settings.kek, suite=suite)
    blob = vault.seal_blob("import", b"rows")
    assert vault.open_blob("import", blob) == b"rows"
    for purpose, envelope in (("export", blob), ("import", blob[:-1] + bytes([blob[-1] ^ 1])), ("import", b"")):
        with pytest.raises(Unreadable):
            vault.open_blob(purpose, envelope)


def _canaries() -> list[PersonFacts]:
    rng, found = random.Random(200), []
    for number in range(200):
        born = date(1930 + number % 70, rng.randint(1, 12), rng.randint(1, 28))
        found.append(
            PersonFacts(
                name="".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(3)),
                phone=f"1{rng.randint(3 * 10**9, 10**10 - 1)}",
                id_number=make_id_number("509900", born, seq=number),
                address=f"解放碑街道金丝雀路{rng.randint(1000, 9999)}号{number}室",
                birth_date=born.isoformat(),
                payee_account=str(rng.randint(10**18, 10**19 - 1)),
                health=f"金丝雀病史{rng.randint(10**6, 10**7)}",
            )
        )
    return found


def test_two_hundred_canaries_are_nowhere_in_the_database_s_files(
    sqlite_database: Database, settings: Settings, suite: int, tmp_path: Path, verifier: Actor
) -> None:
    """Through the ordinary registration, which is then told other phones; the file and its log are searched."""
    sqlite_database.info["vault"] = Vault(settings.kek, suite=suite)
    people = _canaries()
    homes = [
        HouseholdFacts(source="test", source_ref=str(number), district_code="500103", size=1, people=(person,))
        for number, person in enumerate(people)
    ]
    moved = [replace(home, people=(replace(home.people[0], phone="10000000077"),)) for home in homes[:50]]
    with sqlite_database.transaction() as session:
        register_many(session, homes, actor=verifier, now=make.NOW)
    with sqlite_database.transaction() as session:
        register_many(session, moved, actor=verifier, now=make.NOW)
    assert (tmp_path / "house.db-wal").stat().st_size > 0, "the log is searched too"
    raw = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith("house.db"))
    assert raw.count(b"person_key") > 0
    values = [str(getattr(person, column)) for person in people for column in SEALED]
    assert len(values) == 1400
    assert found_in(raw + values[-1].encode(), values) == [values[-1]], "what is there is found"
    assert found_in(raw, values) == []
    with sqlite_database.reading() as session:
        stored = session.exec(select(Person)).all()
        assert sorted(_open(session, person, "name", person.name) for person in stored) == sorted(
            p.name for p in people
        )
        assert {person.birth_year for person in stored} == {int(p.birth_date[:4]) for p in people}
