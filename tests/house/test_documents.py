"""What an operator can set, call or find in the log is written down, and nothing is written down that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from sqlmodel import SQLModel
from typer.main import get_command

from marketplace.cli import app
from marketplace.decisions.models import MatchState
from marketplace.ledger.models import AidState
from marketplace.sealed import SealedType
from marketplace.sharing.clients import SCOPES
from tests.source import code_of, nodes_of

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
ACTIONS = (ROOT / "docs" / "audit-actions.md").read_text(encoding="utf-8")
ASKED_OF_THE_POLICY = {"guard", "require", "require_household", "may", "decide"}
HANDED_ON = {"register:bring", "consent:list", "need:list"} | {
    f"match:{act}"
    for act in ("accept", "answer", "decline", "deliver", "give_back", "receive", "reclaim", "reclaim_drop")
}
HANDED_ON |= {"appointment:answer", "appointment:plan", "appointment:void", "suspicion:list", "suspicion:decide"}
HANDED_ON |= {"right:answer", "right:erase", "right:task", "right:view"}
HANDED_ON |= {f"survival:{act}" for act in ("answer", "face", "list", "record", "view")}
HANDED_ON |= {"power:check", "power:list", "power:object", "appeal:list", "account:sessions", "account:sign_out"}
HANDED_ON |= {"portrait:answer", "portrait:list", "board:paper"}
HANDED_ON |= {"case:apply", "case:confirm", "case:fast", "case:handle", "case:answer", "case:view"}
HANDED_ON |= {"reading:list", "reading:match"}
HANDED_ON |= {"case:urge", "case:withdraw", "register:object", "appeal:raise", "power:enter"}
HANDED_ON |= {"visit:hand_over", "visit:list", "payment:result", "payment:talk"}
HANDED_ON |= set(SCOPES)
"""Acts that a function of the room hands on to the policy; what is written then is the state that follows."""
ACT = re.compile(r"[a-z_]+:[a-z_]+")


def _files() -> Iterator[tuple[Path, tuple[ast.AST, ...]]]:
    for path in sorted((ROOT / "marketplace").rglob("*.py")):
        if path.name not in ("views.py", "upload.py", "uploads.py", "api.py") and "versions" not in path.parts:
            yield path, nodes_of(path)


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


@cache
def _audit_actions() -> set[str]:
    """Every act that a service can write: constants of the form ``subject:act`` that are not asked of the policy."""
    found: set[str] = set()
    for _path, nodes in _files():
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        asked = {id(word) for node in calls if _called(node) in ASKED_OF_THE_POLICY for word in node.args}
        written = (n for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str))
        found |= {n.value for n in written if id(n) not in asked and ACT.fullmatch(n.value)}
    return found - HANDED_ON


def test_every_audit_action_is_documented() -> None:
    documented = set(re.findall(r"`([a-z_]+:[a-z_]+)`", ACTIONS))
    assert _audit_actions() <= documented
    assert {f"aid:{state.value}" for state in AidState if state is not AidState.REPEAT} <= documented, (
        "a repeat is loaded, and nothing moves to it"
    )
    assert {f"match:{state.value}" for state in MatchState} <= documented


def test_acts_that_are_put_together_begin_with_a_documented_subject() -> None:
    subjects = set(re.findall(r"`([a-z_]+):", ACTIONS))
    for path, nodes in _files():
        for node in nodes:
            if isinstance(node, ast.Call) and _called(node) == "Entry" and isinstance(node.args[0], ast.JoinedStr):
                first = node.args[0].values[0]
                assert isinstance(first, ast.Constant), path.name
                assert first.value.rstrip(":") in subjects, path.name


def test_every_setting_is_documented_and_every_documented_one_is_read() -> None:
    config = (ROOT / "marketplace" / "config.py").read_text(encoding="utf-8")
    read = set(re.findall(r"\"(SHANQIAO_[A-Z_]+|DATABASE_URL)\"", config))
    documented = set(re.findall(r"`(SHANQIAO_[A-Z_]+|DATABASE_URL)`", OPERATIONS))
    assert read == documented


def test_nothing_but_the_settings_reads_the_environment() -> None:
    reads = re.compile(r"\bos\.(environ|getenv)")
    members = ((path, node) for path, nodes in _files() for node in nodes if isinstance(node, ast.Attribute))
    assert [path.name for path in {path for path, node in members if reads.search(code_of(node))}] == ["config.py"]


def _commands(group: object, *words: str) -> Iterator[tuple[str, list[list[str]]]]:
    """Each command with its options; an option that is switched off has two names."""
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from _commands(command, *words, name)
        elif not hasattr(command, "commands"):
            named = ([*one.opts, *one.secondary_opts] for one in command.params)
            yield " ".join((*words, name)), [names for names in named if names[0].startswith("--")]


def test_every_command_is_documented_with_its_options() -> None:
    known = dict(_commands(get_command(app)))
    assert {"serve", "work", "backup", "restore", "account add", "audit verify"} <= known.keys()
    lines = [line for page in (ROOT / "docs").glob("*.md") for line in page.read_text(encoding="utf-8").splitlines()]
    for command, options in known.items():
        assert re.search(rf"`(shanqiao )?{command}\b", OPERATIONS), command
        told = "\n".join(line for line in lines if re.search(rf"\b{command}\b", line))
        for names in options:
            assert any(re.search(rf"{name}\b", told) for name in names), f"{command} {names}"


def test_every_target_of_the_makefile_is_documented() -> None:
    """`help` tells of itself, `setup` and `demo` of theirs in the README."""
    targets = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    pages = [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]
    told = set(re.findall(r"`?make ([a-z0-9-]+)\b", "\n".join(page.read_text(encoding="utf-8") for page in pages)))
    assert set(targets) - told == {"help"}


def test_every_table_with_a_sealed_column_stands_among_what_is_sealed() -> None:
    page = (ROOT / "docs" / "data-protection.md").read_text(encoding="utf-8")
    told = {name for line in page.splitlines() if line.startswith("| `") for name in re.findall(r"`(\w+)`", line)}
    sealed = {
        table.name
        for table in SQLModel.metadata.tables.values()
        if any(isinstance(column.type, SealedType) for column in table.columns)
    }
    assert len(sealed) > 10
    assert sorted(sealed - told) == []


def test_no_row_of_a_table_in_a_document_stands_without_its_head() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
        blocks = re.findall(r"(?:^\|.*\n)+", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert [block.splitlines()[0] for block in blocks if not re.match(r".*\n\|[-:| ]+\|\n", block)] == [], page.name


def test_every_decision_record_has_its_parts() -> None:
    for path in sorted((ROOT / "docs" / "adr").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert re.match(rf"# {path.name[:4]} \S", text), path.name
        for part in ("Status:", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{path.name}: {part}"
