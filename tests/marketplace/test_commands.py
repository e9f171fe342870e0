"""The operator's commands, run as a person would, against a real installation's settings."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from sqlmodel import select

from marketplace import jobs, wiring
from marketplace.accounts.models import Account, AccountSession
from marketplace.accounts.service import hash_of, sign_in
from marketplace.cli import main
from marketplace.config import KEY_VARIABLES, from_environment
from marketplace.db import Database
from marketplace.errors import NotAllowed
from marketplace.operations import OperatorError, change_account, new_keys
from tests import factories as make
from tests.marketplace.test_incidents import a_look

ROOT = Path(__file__).parents[2]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keys and settings of a new installation on an embedded database."""
    for name in [name for name in os.environ if name.startswith("SHANQIAO_") or name == "DATABASE_URL"]:
        monkeypatch.delenv(name)
    files = new_keys(tmp_path / "keys")
    for name, file in zip(KEY_VARIABLES, files, strict=True):
        monkeypatch.setenv(name, str(file))
    monkeypatch.setenv("SHANQIAO_WITNESSES", "none")
    monkeypatch.setenv("SHANQIAO_INSTANCE", str(tmp_path / "instance"))
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs one command; gives its exit code, output and complaint."""

    def once(*words: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        with pytest.raises(SystemExit) as left:
            main(list(words))
        shown = capsys.readouterr()
        return int(left.value.code or 0), shown.out, shown.err

    return once


def _database() -> Database:
    return wiring.open_database(from_environment())


def test_new_keys_are_closed_to_others_and_never_written_over(tmp_path: Path, run: Run) -> None:
    code, out, _ = run("keys", "new", str(tmp_path / "keys"))
    assert code == 0
    assert "SHANQIAO_KEK_FILE=" in out
    before = {file: file.read_bytes() for file in (tmp_path / "keys").iterdir()}
    assert [stat.S_IMODE(file.stat().st_mode) for file in before] == [0o600] * 4
    code, _, err = run("keys", "new", str(tmp_path / "keys"))
    assert (code, "must not be replaced" in err) == (2, True)
    assert {file: file.read_bytes() for file in before} == before


def test_without_settings_every_command_refuses_in_one_line(
    installation: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.delenv("SHANQIAO_KEK_FILE")
    for words in (("migrate",), ("serve",), ("work",), ("audit", "verify"), ("backup", "x")):
        code, _, err = run(*words)
        assert code == 2
        assert (
            err == "shanqiao: SHANQIAO_KEK_FILE is not set: run `shanqiao keys new DIR` and name the file it writes\n"
        )


def test_a_demonstration_is_refused_where_real_keys_are(installation: Path, run: Run) -> None:
    code, _, err = run("demo", "--once")
    assert code == 2
    assert "a demonstration does not run where a real installation is" in err


def test_an_account_is_added_and_can_sign_in(installation: Path, run: Run) -> None:
    words = ("account", "add", "li.na", "--role", "worker", "--name", "李娜", "--district", "500103")
    words += ("--street", "500103001")
    code, out, _ = run(*words, typed="a long password\n")
    assert (code, out) == (0, "account li.na added as worker\n")
    with closing(_database()) as database, database.transaction() as session:
        made = session.exec(select(Account)).one()
        assert (made.districts, made.streets) == (["500103"], ["500103001"])
        assert sign_in(session, "li.na", "a long password", network="n", now=make.NOW)
    assert "already" in run(*words, typed="a long password\n")[2]
    assert run("account", "change", "li.na", "--whole-city", "--district", "500101")[0] == 2
    assert run("account", "change", "li.na", "--whole-city", "--street", "500103003")[0] == 0
    with closing(_database()) as database, database.transaction() as session:
        moved = session.exec(select(Account)).one()
        assert (moved.districts, moved.streets) == ([], ["500103003"])
        given: dict[str, Any] = {"password": None, "role": "", "districts": None, "streets": None, "now": make.NOW}
        for code, kept in (("500103", ["500103003"]), ("500101", [])):
            change_account(session, "li.na", **{**given, "districts": [code]})
            assert (moved.districts, moved.streets) == ([code], kept), "streets outside of its districts go"
        for over in ({}, {"password": ""}, {"streets": ["500103001"]}):
            with pytest.raises(OperatorError):
                change_account(session, "li.na", **{**given, **over})


def test_the_operator_ends_the_sign_ins_of_one_or_of_everybody(installation: Path, run: Run) -> None:
    for login in ("li.na", "wu"):
        run("account", "add", login, "--role", "verifier", "--name", login, typed="a long password\n")
    with closing(_database()) as database, database.transaction() as session:
        given = {"network": "n", "now": make.NOW}
        tokens = {login: sign_in(session, login, "a long password", **given) for login in ("li.na", "wu")}
    assert run("account", "end", "li.na")[1] == "1 sign-ins ended\n"
    with closing(_database()) as database, database.reading() as session:
        held = {login: session.get(AccountSession, hash_of(token)) is not None for login, token in tokens.items()}
        assert held == {"li.na": False, "wu": True}
    assert run("account", "change", "li.na", "--renew", typed="another long one\n")[0] == 0
    with closing(_database()) as database, database.transaction() as session:
        before = session.exec(select(Account).where(Account.login == "li.na")).one()
        with pytest.raises(NotAllowed):
            sign_in(session, "li.na", "a long password", **given)
        assert sign_in(session, "li.na", "another long one", **given)
    assert run("account", "change", "li.na", "--role", "charity_worker")[0] == 2, "a giver's team gives its own roles"
    assert run("account", "change", "li.na", "--role", "approver", "--district", "500101")[0] == 0
    with closing(_database()) as database, database.reading() as session:
        after = session.exec(select(Account).where(Account.login == "li.na")).one()
        assert (after.id, after.role.value, after.districts) == (before.id, "approver", ["500101"])
        assert session.exec(select(AccountSession).where(AccountSession.account_id == after.id)).all() == []
    assert run("account", "end", "nobody")[0] == 2
    assert run("account", "end")[1] == "1 sign-ins ended\n"


def test_a_giver_s_account_belongs_to_a_registered_organisation(installation: Path, run: Run) -> None:
    with closing(_database()) as database, database.transaction() as session:
        org = make.an_organisation(session, credit_code="53500000MJP0000001")
    words = ("account", "add", "luo", "--role", "charity_manager", "--name", "罗")
    assert "no organisation has the credit code" in run(*words, typed="a long password\n")[2]
    assert run(*words, "--org", org.credit_code, typed="a long password\n")[0] == 0
    with closing(_database()) as database, database.reading() as session:
        assert session.exec(select(Account.org_id)).one() == org.id


@pytest.mark.parametrize(
    ("over", "typed", "reason"),
    [
        (("--role", "household"), "a long password", "not a role with a password"),
        (("--role", "service"), "a long password", "not a role with a password"),
        (("--role", "verifier", "--org", "53500000MJP0000001"), "a long password", "belongs to no organisation"),
        (("--role", "verifier", "--district", "999999"), "a long password", "not a district code"),
        (("--role", "verifier", "--street", "500103001"), "a long password", "goes to no street"),
        (("--role", "worker", "--street", "500103999"), "a long password", "not a street code"),
        (("--role", "worker", "--district", "500101", "--street", "500103001"), "a long password", "of 500103"),
        (("--role", "verifier"), "short", "at least 12 characters"),
    ],
)
def test_an_account_that_does_not_fit_is_refused(
    installation: Path, run: Run, over: tuple[str, ...], typed: str, reason: str
) -> None:
    code, _, err = run("account", "add", "x", "--name", "X", *over, typed=typed + "\n")
    assert code == 2
    assert reason in err
    with closing(_database()) as database, database.reading() as session:
        assert session.exec(select(Account)).all() == []


def test_a_changed_audit_row_is_named_and_the_command_exits_with_1(installation: Path, run: Run) -> None:
    for login in ("a", "b", "c"):
        run("account", "add", login, "--role", "auditor", "--name", "A", typed="a long password\n")
    assert run("audit", "verify")[:2] == (0, "3 rows, unbroken\n")
    with closing(_database()) as database, database.session(writes=True) as session:
        session.connection().exec_driver_sql("DROP TRIGGER audit_row_no_update")
        session.connection().exec_driver_sql("UPDATE audit_row SET actor_ref = 'x' WHERE seq = 2")
        session.commit()
    assert run("audit", "verify")[:2] == (1, "row 2: a field of the row was changed\n")


def test_backup_wipe_restore_by_command(installation: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("account", "add", "a", "--role", "auditor", "--name", "A", typed="a long password\n")
    file = str(installation / "house.backup")
    assert run("backup", file)[0] == 0
    assert "not empty" in run("restore", file)[2]
    erased = str(installation / "erased.txt")
    assert run("erased", erased)[0] == 0
    for options, rows in ((("--moved",), 1), (("--erased", erased), 2)):
        for part in (installation / "instance").glob("shanqiao.db*"):
            part.unlink()
        assert run("restore", file, *options)[0] == 0
        assert run("audit", "verify")[:2] == (0, f"{rows} rows, unbroken\n")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def _started(*words: str) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own, which is gone afterwards whatever happened."""
    code = "from marketplace.cli import main; main()"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, env=environment, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def _line_with(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    return next(line for line in process.stdout if words in line)


def test_serve_answers_and_leaves_cleanly_when_told_to_stop(installation: Path) -> None:
    port = _free_port()
    with _started("serve", "--port", str(port)) as process:
        assert _line_with(process, "http://") == f"http://127.0.0.1:{port}\n"
        with urlopen(f"http://127.0.0.1:{port}/health", timeout=20) as answer:
            assert b"ok" in answer.read()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0


def test_a_port_in_use_is_said_in_one_line(installation: Path, run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = run("serve", "--port", str(taken.getsockname()[1]))
    assert (code, err) == (2, "shanqiao: the port is in use: name another one by --port\n")


def test_a_lone_worker_takes_its_jobs_and_leaves_cleanly(installation: Path) -> None:
    with closing(_database()) as database, database.transaction() as session:
        job = jobs.enqueue(session, "unknown", "ref", now=make.NOW)
    with _started("work") as process:
        assert "KeyError" in _line_with(process, job.id), "the worker took the job and reported it"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=40) == 0


def test_an_incident_is_opened_listed_told_and_closed_from_the_command_line(installation: Path, run: Run) -> None:
    run("account", "add", "dpo", "--role", "protection_officer", "--name", "D", typed="a long password\n")
    with closing(_database()) as database, database.transaction() as session:
        org = make.an_organisation(session, credit_code="53500000MJP0000001")
        a_look(session, org, make.a_household(session), datetime.now(UTC) - timedelta(hours=1))
    words = ("incident", "open", "--what", "key lost", "--from", "2026-01-01", "--org", "53500000MJP0000001")
    code, out, _ = run(*words)
    assert (code, out.splitlines()[0].split(": ")[1]) == (0, "1 households")
    number = out.split()[1].rstrip(":")
    assert run("incident", "close", number)[0] == 2
    assert len(run("incident", "list", number)[1].splitlines()) == 1
    assert run("incident", "letters", number)[1] == "1 letters are in the outbox\n"
    assert "told" in run("incident", "told", number)[1]
    assert run("incident", "close", number)[:2] == (0, "closed\n")
    assert "(closed)" in run("incident", "list")[1]
    assert "no organisation has the credit code" in run(*words[:-1], "none")[2]
    assert "is not a day or a moment" in run("incident", "open", "--what", "x", "--from", "yesterday")[2]


def test_the_compliance_report_and_the_eraser_run_from_the_command_line(installation: Path, run: Run) -> None:
    with closing(_database()) as database, database.transaction() as session:
        make.a_household(session)
    assert run("erase")[:2] == (0, "1 people got a day, 0 were erased\n")
    code, out, _ = run("audit", "report", "--json")
    assert (code, json.loads(out)["chain"]["unbroken"]) == (0, True)
    file = installation / "report.txt"
    assert run("audit", "report", "--out", str(file))[0] == 0
    assert "## incidents" in file.read_text(encoding="utf-8")
