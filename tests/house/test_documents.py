"""What an operator can set, call or find in the log is written down, and nothing is written down that is not there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from typer.main import get_command

from marketplace.cli import app
from marketplace.decisions.models import MatchState
from marketplace.ledger.models import AidState
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
HANDED_ON |= {"case:urge", "case:withdraw", "register:object", "appeal:raise"}
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


def _commands(group: object, *words: str) -> Iterator[str]:
    for name, command in getattr(group, "commands", {}).items():
        if getattr(command, "commands", None):
            yield from _commands(command, *words, name)
        elif not hasattr(command, "commands"):
            yield " ".join((*words, name))


def test_every_command_is_documented() -> None:
    known = set(_commands(get_command(app)))
    assert {"serve", "work", "backup", "restore", "account add", "audit verify"} <= known
    for command in known:
        assert re.search(rf"`(shanqiao )?{command}\b", OPERATIONS), command


def test_every_decision_record_has_its_parts() -> None:
    for path in sorted((ROOT / "docs" / "adr").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        assert re.match(rf"# {path.name[:4]} \S", text), path.name
        for part in ("Status:", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{path.name}: {part}"
