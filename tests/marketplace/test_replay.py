"""A stored run keeps its exact input: solved again it gives the same plan, or the replay names what differs."""

from __future__ import annotations

import gzip
import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from marketplace import cli
from marketplace.actors import Actor
from marketplace.db import Database
from marketplace.errors import BadInput, NotFound
from marketplace.proposals import archive
from marketplace.proposals.models import ProposedLine, Run, RunInput
from marketplace.proposals.overrides import Wish
from marketplace.proposals.replay import replay
from matching.checker import check_folder
from matching.folder import input_sha256
from tests.marketplace.test_overrides import PIN, a_shortage, keep
from tests.marketplace.test_proposals import a_run


@pytest.fixture
def run(database: Database, approver: Actor, now: datetime) -> Run:
    """A second run, so that its input holds announced links, with a pin."""
    with database.transaction() as session:
        _urgent, calm, offer = a_shortage(session)
        keep(session, Wish(PIN, calm.id, offer.id, 4), approver, now)
    a_run(database, approver, now)
    return a_run(database, approver, now + timedelta(hours=1))


def test_the_stored_input_is_the_very_problem_with_its_pins_and_links(database: Database, run: Run) -> None:
    with database.reading() as session:
        problem = archive.recall_problem(session, run.id)
    assert input_sha256(problem) == run.input_sha256 != ""
    assert (len(problem.needs), len(problem.pins), len(problem.announced)) == (2, 1, 2)
    assert archive.pack(problem) == archive.pack(problem)


@pytest.mark.threat("T31")
@pytest.mark.parametrize("by", ["id", "number"])
def test_a_run_is_reproduced(database: Database, run: Run, by: str) -> None:
    found = replay(database, str(getattr(run, by)))
    assert (found.holds, found.fresh, found.differs) == (True, run.plan_sha256, ())


def test_an_unchanged_city_changes_nothing(database: Database, run: Run, approver: Actor, now: datetime) -> None:
    later = a_run(database, approver, now + timedelta(hours=2))
    assert later.plan_sha256 == run.plan_sha256
    assert later.certificate["broken_units"] == 0


def _change(database: Database, run: Run, old: str, new: str) -> None:
    """Alter one word of the stored input."""
    with database.transaction() as session:
        kept = session.get_one(RunInput, run.id)
        files = json.loads(gzip.decompress(kept.payload))
        assert any(old in text for text in files.values())
        kept.payload = gzip.compress(json.dumps({k: t.replace(old, new) for k, t in files.items()}).encode())


def test_an_altered_input_is_named_with_the_lines_that_differ(database: Database, run: Run) -> None:
    _change(database, run, ",4\n", ",5\n")  # the pin of four units becomes one of five
    found = replay(database, run.id)
    assert not found.holds
    assert [one.en.split(":")[0] for one in found.differs] == ["input", "lines"]
    assert ("2 differ" in found.differs[1].en, "2 行不同" in found.differs[1].zh) == (True, True)
    with database.reading() as session, pytest.raises(BadInput, match="input_damaged"):
        archive.recall_problem(session, run.id)


def test_a_torn_input_is_named(database: Database, run: Run) -> None:
    with database.transaction() as session:
        kept = session.get_one(RunInput, run.id)
        kept.payload = kept.payload[: len(kept.payload) // 2]
    found = replay(database, run.id)
    assert (found.holds, [one.en for one in found.differs]) == (False, ["input: what was stored is damaged"])


def test_another_plan_names_the_versions_that_changed(database: Database, run: Run) -> None:
    with database.transaction() as session:
        kept = session.get_one(RunInput, run.id)
        kept.versions = {**kept.versions, "ortools": "9.14.0", "matching": "0" * 16}
        session.get_one(Run, run.id).plan_sha256 = "f" * 64
    told = "\n".join(one.en for one in replay(database, run.id).differs)
    assert "version of ortools: 9.14.0 then" in told
    assert f"version of matching: {'0' * 16} then, {archive.code()} now" in told
    assert "numpy" not in told


def test_another_version_that_gives_the_same_plan_is_no_difference(database: Database, run: Run) -> None:
    with database.transaction() as session:
        session.get_one(RunInput, run.id).versions = {"ortools": "9.14.0"}
    assert replay(database, run.id).holds


def test_a_line_changed_behind_the_run_is_named(database: Database, run: Run) -> None:
    with database.transaction() as session:
        line = session.exec(select(ProposedLine).where(ProposedLine.run_id == run.id)).first()
        assert line is not None
        line.units += 1
    found = replay(database, run.id)
    assert not found.holds
    assert f"{line.need_id}>{line.offer_id} {line.units}►{line.units - 1}" in "\n".join(one.en for one in found.differs)


def test_an_interrupted_run_is_exempt(database: Database, run: Run) -> None:
    with database.transaction() as session:
        stored = session.get_one(Run, run.id)
        stored.certificate = {**stored.certificate, "interrupted": True}
        stored.plan_sha256 = "f" * 64
    found = replay(database, run.id)
    assert (found.exempt, found.holds) == (True, True)


def test_a_run_without_an_input_or_without_a_row_is_not_found(database: Database, run: Run) -> None:
    with database.transaction() as session:
        session.delete(session.get_one(RunInput, run.id))
    for name in (run.id, "987654", "nobody"):
        with pytest.raises(NotFound):
            replay(database, name)


def test_the_command_tells_both_hashes_and_leaves_with_1_if_they_differ(
    sqlite_database: Database, approver: Actor, now: datetime, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with sqlite_database.transaction() as session:
        a_shortage(session)
    run = a_run(sqlite_database, approver, now)
    from contextlib import nullcontext

    monkeypatch.setattr(cli, "house", lambda: nullcontext((None, sqlite_database)))
    well = CliRunner().invoke(cli.app, ["run", "replay", "1"])
    assert (well.exit_code, well.output.count(run.plan_sha256)) == (0, 2)
    assert "结果一致 · reproduced" in well.output
    taken = CliRunner().invoke(cli.app, ["run", "replay", "1", "--out", str(tmp_path / "out")])
    assert (taken.exit_code, check_folder(tmp_path / "out/problem", tmp_path / "out/plan")) == (0, ())
    again = CliRunner().invoke(cli.app, ["run", "replay", "1", "--out", str(tmp_path / "out")])
    assert (again.exit_code, "exists: name a new folder" in again.output) == (2, True)
    with sqlite_database.transaction() as session:
        session.get_one(Run, run.id).plan_sha256 = "f" * 64
    ill = CliRunner().invoke(cli.app, ["run", "replay", run.id, "--out", str(tmp_path / "ill")])
    assert (ill.exit_code, "reproduced" in ill.output, (tmp_path / "ill").exists()) == (1, False, False)
    assert "明细：所存明细与所存校验值不符 · lines: the stored lines" in ill.output
    with sqlite_database.transaction() as session:
        row = session.get_one(Run, run.id)
        row.certificate = {**row.certificate, "interrupted": True}
    exempt = CliRunner().invoke(cli.app, ["run", "replay", "1"])
    assert (exempt.exit_code, "it is exempt" in exempt.output) == (0, True)
    nothing = CliRunner().invoke(cli.app, ["run", "replay", "1", "--out", str(tmp_path / "cut")])
    assert (nothing.exit_code, "nothing written" in nothing.output, (tmp_path / "cut").exists()) == (1, True, False)
