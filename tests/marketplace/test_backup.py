"""A backup holds everything but the keys, and becomes a working house again on either engine."""

from __future__ import annotations

import gzip
import json
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Table, func, select, text
from sqlmodel import Session, col

from marketplace import audit, backup, notices
from marketplace.accounts import service as accounts
from marketplace.accounts import standins
from marketplace.accounts.models import Account
from marketplace.actors import PUBLIC, SYSTEM, Actor, Role
from marketplace.backup import BackupError, restore_backup, write_backup
from marketplace.calendar import local_day
from marketplace.config import Settings
from marketplace.consent import changes
from marketplace.consent.ask import is_alive
from marketplace.consent.models import ConsentHead, ConsentState
from marketplace.db import Database
from marketplace.households.models import Person
from marketplace.ledger.models import AidState
from marketplace.migrations.tables import metadata
from marketplace.needs.models import Need, NeedState, ReferralReason
from marketplace.needs.service import verify_need
from marketplace.operations import after_restore, gone_since
from marketplace.reports import standing
from marketplace.rights.erasing import erased_ids
from marketplace.sealed import PersonKey, Unreadable, Vault, vault_of
from tests import factories as make

pytestmark = pytest.mark.both_engines

Empty = Callable[[str], Database]


@pytest.fixture
def filled(database: Database) -> Database:
    """A small house: people, a need partly covered, a consent, a match's aid, a letter, the chain."""
    with database.transaction() as session:
        household = make.a_household(session, name="欧阳备份", phone="10000000099")
        need = make.a_need(session, household, state=NeedState.UNVERIFIED, verifier_id=None, verified_on=None)
        verify_need(
            session,
            need.id,
            level=3,
            evidence="入户核实",
            referral_reason=ReferralReason.STILL_IN_NEED,
            actor=_verifier(),
            now=make.NOW,
        )
        offer = make.an_offer(session, make.an_organisation(session))
        make.a_ledger_entry(session, need, offer, units=4)
        make.a_ledger_entry(session, need, offer, units=2, state=AidState.RETURNED)
        make.auto_match(session, household)
        notices.post(session, "offer_waiting", key="k", household_id=household.id, now=make.NOW)
        audit.record(session, audit.Entry("test:act", body={"units": 4}), actor=SYSTEM, now=make.NOW)
    return database


def _verifier() -> Actor:
    return Actor(id="verifier-1", role=Role.VERIFIER)


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path, settings: Settings) -> Iterator[Empty]:
    """Makes a new database: on SQLite without a table, on PostgreSQL migrated and empty."""
    opened: list[Database] = []

    def make_one(engine: str) -> Database:
        url = (
            request.getfixturevalue("lent").new()
            if engine == "postgres"
            else f"sqlite:///{tmp_path / f'new{len(opened)}.db'}"
        )
        opened.append(Database(url, info={"vault": Vault(settings.kek), "settings": settings}))
        return opened[-1]

    yield make_one
    for one in opened:
        one.close()


def _everything(session: Session) -> dict[str, list[tuple[object, ...]]]:
    return {
        table.name: [tuple(row) for row in session.execute(select(table).order_by(*table.primary_key.columns))]
        for table in metadata.sorted_tables
    }


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_restored_house_is_the_same_row_for_row_on_either_engine(
    filled: Database, empty: Empty, engine: str, tmp_path: Path
) -> None:
    written = write_backup(filled, tmp_path / "house.backup")
    target = empty(engine)
    restored = restore_backup(target, tmp_path / "house.backup")
    assert restored == written
    with filled.reading() as before, target.reading() as after:
        assert _everything(after) == _everything(before)
        assert audit.verify(after).bad_seq == 0
        person = after.execute(select(Person)).scalar_one()
        assert person.name is not None
        vault = vault_of(after)
        assert vault.open(after, person.id, column="person.name", sealed=person.name) == "欧阳备份"
        assert after.execute(select(col(Need.committed_units))).scalar_one() == 4


def test_a_restored_house_works_on_and_its_guards_still_stand(filled: Database, empty: Empty, tmp_path: Path) -> None:
    write_backup(filled, tmp_path / "house.backup")
    target = empty(filled.engine.dialect.name.removesuffix("ql"))
    restore_backup(target, tmp_path / "house.backup")
    with target.transaction() as session:
        audit.record(session, audit.Entry("test:after"), actor=SYSTEM, now=make.NOW)
        assert audit.verify(session).bad_seq == 0
    with target.session(writes=True) as session, pytest.raises(Exception, match="written once"):
        session.execute(text("DELETE FROM audit_body"))


@pytest.mark.threat("T22")
def test_what_may_have_ended_since_the_backup_rests_and_the_erased_are_erased_again(
    filled: Database, empty: Empty, tmp_path: Path
) -> None:
    with filled.transaction() as session:
        person = session.execute(select(Person)).scalar_one()
        gone, head = (
            accounts.create_account(session, name, display_name=name, role=Role.WORKER, now=make.NOW)
            for name in ("gone", "head")
        )
        period: Any = {"first_on": local_day(make.NOW), "last_on": local_day(make.NOW)}
        acts = Actor(id=head.id, role=Role.WORKER)
        standins.name(session, gone.id, **period, actor=acts, now=make.NOW)
        token = accounts.open_for_account(session, gone, now=make.NOW)
    write_backup(filled, tmp_path / "house.backup")
    with filled.transaction() as session:
        session.get_one(Account, gone.id).active = False
    with filled.reading() as session:
        assert gone_since(session) == [f"account:{gone.id}"]
    target = empty(filled.engine.dialect.name.removesuffix("ql"))
    told = {"erased": [person.id, "nobody-here", f"account:{gone.id}"], "now": make.NOW}
    rests: dict[str, int] = {}
    restore_backup(target, tmp_path / "house.backup", then=lambda session: rests.update(after_restore(session, **told)))
    with target.transaction() as session:
        assert accounts.actor_of(session, token, now=make.NOW) == PUBLIC
        assert (session.get_one(Account, gone.id).active, session.get_one(Account, head.id).active) == (False, True)
        assert standins.rows_of(session, head.id, now=make.NOW) == []
        open_ones = session.execute(select(func.count()).select_from(Account).where(Account.active)).scalar_one()
        assert rests["accounts"] == open_ones
        head = session.execute(select(ConsentHead)).scalar_one()
        assert head.state is ConsentState.PAUSED
        assert not is_alive(head, make.NOW)
        back = session.execute(select(Person)).scalar_one()
        assert (back.name, back.phone_index, session.get(PersonKey, back.id)) == (None, None, None)
        with pytest.raises(Unreadable):
            vault_of(session).open(session, person.id, column="person.name", sealed=person.name)
        assert erased_ids(session) == [person.id]
        assert standing.verify(session).bad_seq == 0
        home = Actor(id=person.id, role=Role.HOUSEHOLD, household_id=head.household_id)
        assert changes.resume(session, head.chain_id, actor=home, now=make.NOW).state is ConsentState.ACTIVE


def test_a_database_with_rows_is_not_restored_over(filled: Database, tmp_path: Path) -> None:
    write_backup(filled, tmp_path / "house.backup")
    with filled.reading() as session:
        before = session.execute(select(func.count()).select_from(audit.AuditRow)).scalar_one()
    with pytest.raises(BackupError, match="not empty"):
        restore_backup(filled, tmp_path / "house.backup")
    with filled.reading() as session:
        assert session.execute(select(func.count()).select_from(audit.AuditRow)).scalar_one() == before


@pytest.mark.threat("T22")
def test_no_key_and_no_plain_name_is_in_the_backup(filled: Database, settings: Settings, tmp_path: Path) -> None:
    write_backup(filled, tmp_path / "house.backup")
    assert stat.S_IMODE((tmp_path / "house.backup").stat().st_mode) == 0o600
    content = gzip.decompress((tmp_path / "house.backup").read_bytes())
    assert b"person_key" in content
    for secret in (settings.kek.hex(), settings.secret_key, "欧阳备份", "10000000099"):
        assert secret.encode() not in content


def test_an_existing_file_is_not_overwritten(filled: Database, tmp_path: Path) -> None:
    (tmp_path / "house.backup").write_text("precious")
    with pytest.raises(BackupError, match="exists"):
        write_backup(filled, tmp_path / "house.backup")
    assert (tmp_path / "house.backup").read_text() == "precious"


def _changed(file: Path, change: Callable[[list[object]], list[object]]) -> None:
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    file.write_bytes(gzip.compress("\n".join(json.dumps(line) for line in change(lines)).encode()))


def _without_end(lines: list[object]) -> list[object]:
    return lines[:-1]


def _with_other_units(lines: list[object]) -> list[object]:
    """The ledger says 4 units; the backup is changed so that it says 3."""
    for line in lines:
        if isinstance(line, list) and line[0] == "ledger_entry":
            at = _columns(lines, "ledger_entry").index("units")
            for row in line[1]:
                row[at] = 3
    return lines


def _with_other_actor(lines: list[object]) -> list[object]:
    for line in lines:
        if isinstance(line, list) and line[0] == "audit_row":
            line[1][0][_columns(lines, "audit_row").index("actor_ref")] = "somebody-else"
    return lines


def _columns(lines: list[object], table: str) -> list[str]:
    header = lines[0]
    assert isinstance(header, dict)
    columns: list[str] = header["columns"][table]
    return columns


def _of_another_version(lines: list[object]) -> list[object]:
    assert isinstance(lines[0], dict)
    lines[0]["revision"] = "0000"
    return lines


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_without_end, "torn"),
        (_with_other_units, "does not add up"),
        (_with_other_actor, "history of the backup breaks at row 1"),
        (_of_another_version, "made at schema 0000"),
    ],
)
def test_a_changed_backup_is_refused_and_leaves_nothing_behind(
    filled: Database, empty: Empty, tmp_path: Path, change: Callable[[list[object]], list[object]], sentence: str
) -> None:
    file = tmp_path / "house.backup"
    write_backup(filled, file)
    _changed(file, change)
    target = empty("sqlite")
    with pytest.raises(BackupError, match=sentence):
        restore_backup(target, file)
    with target.reading() as session:
        assert session.execute(select(func.count()).select_from(audit.AuditRow)).scalar_one() == 0


def test_a_cut_or_foreign_file_is_named_as_such(filled: Database, empty: Empty, tmp_path: Path) -> None:
    file = tmp_path / "house.backup"
    write_backup(filled, file)
    file.write_bytes(file.read_bytes()[:-40])
    (tmp_path / "letter.txt").write_text("not a backup")
    for name in ("house.backup", "letter.txt"):
        with pytest.raises(BackupError, match="torn"):
            restore_backup(empty("sqlite"), tmp_path / name)
    with pytest.raises(BackupError, match="does not exist"):
        restore_backup(empty("sqlite"), tmp_path / "nothing")


def test_what_is_written_while_the_backup_runs_is_not_in_it(
    filled: Database, empty: Empty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_chunks = backup._chunks
    others = iter([True])

    def meanwhile(view: Connection, table: Table) -> Iterator[list[list[object]]]:
        if next(others, False):
            with filled.transaction() as session:
                make.a_household(session)
                audit.record(session, audit.Entry("test:meanwhile"), actor=SYSTEM, now=make.NOW)
        return read_chunks(view, table)

    monkeypatch.setattr(backup, "_chunks", meanwhile)
    written = write_backup(filled, tmp_path / "house.backup")
    assert written["household"] == 1
    assert restore_backup(empty("sqlite"), tmp_path / "house.backup") == written
