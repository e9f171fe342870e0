"""What the product's code never does, read off its syntax trees: text that runs, broken ciphers, guessable secrets.

Each exception stands here by file and line of code, so that a new one is a decision and not an oversight.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.source import code_of, nodes_of

ROOT = Path(__file__).parents[2]
FILES = (
    *(path for room in ("marketplace", "adapters", "matching") for path in sorted((ROOT / room).rglob("*.py"))),
    ROOT / "shanqiao_verify.py",
)
Found = set[tuple[str, str]]
"""(file, the code)."""


@cache
def _nodes() -> list[tuple[str, ast.AST]]:
    """Every call and import of the product, parsed once."""
    kept = (ast.Call, ast.Import, ast.ImportFrom)
    files = ((path.relative_to(ROOT).as_posix(), nodes_of(path)) for path in FILES)
    return [(name, node) for name, nodes in files for node in nodes if isinstance(node, kept)]


def _imports() -> Iterator[tuple[str, str]]:
    """(file, every module and every name taken from one)."""
    for name, node in _nodes():
        if isinstance(node, ast.Import):
            yield from ((name, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield name, node.module
            yield from ((name, f"{node.module}.{alias.name}") for alias in node.names)


@cache
def _calls() -> list[tuple[str, str, ast.Call]]:
    """(file, what is called, the call)."""
    return [(name, code_of(node.func), node) for name, node in _nodes() if isinstance(node, ast.Call)]


def _is_fixed(node: ast.expr) -> bool:
    """A text that stands in the source, or a constant of a module."""
    if isinstance(node, ast.JoinedStr):
        return all(isinstance(part, ast.Constant) for part in node.values)
    if isinstance(node, ast.Name):
        return node.id.isupper()
    if isinstance(node, ast.IfExp):
        return _is_fixed(node.body) and _is_fixed(node.orelse)
    return isinstance(node, ast.Constant)


RUNS_TEXT = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.execv", "os.spawnv"}
RUNS_OTHERS = {"subprocess", "pickle", "marshal", "shelve", "dill", "yaml", "ctypes", "pty", "code"}


@pytest.mark.threat("T13")
def test_no_text_is_run_as_code_no_shell_is_started_and_no_object_is_unpickled() -> None:
    assert {(file, called) for file, called, _ in _calls() if called in RUNS_TEXT} == set()
    assert {(file, name) for file, name in _imports() if name.split(".")[0] in RUNS_OTHERS} == set()


SQL_IN_PIECES: Found = {
    ("marketplace/db.py", "f'PRAGMA {pragma}'"),
    ("marketplace/migrations/env.py", "f'SELECT pg_advisory_xact_lock({LOCK})'"),
    ("shanqiao_verify.py", "f'PRAGMA foreign_key_list(\"{table}\")'"),
}
"""Names that stand in our own code, or that the database itself told."""


@pytest.mark.threat("T13")
def test_no_statement_to_the_database_is_put_together_from_what_somebody_sent() -> None:
    """The library binds every value; what is text is fixed."""
    asked = {"exec_driver_sql", "execute", "scalars", "scalar", "executescript"}
    pieces: Found = set()
    for file, called, node in _calls():
        raw = called.rsplit(".", 1)[-1] in asked and "migrations/versions" not in file and node.args
        if raw and isinstance(node.args[0], ast.JoinedStr | ast.BinOp) and not _is_fixed(node.args[0]):
            pieces.add((file, ast.unparse(node.args[0])))
    assert pieces == SQL_IN_PIECES
    texts = {name for name, taken in _imports() if taken == "sqlalchemy.text"}
    loose = {
        (file, ast.unparse(node))
        for file, called, node in _calls()
        if called == "text" and file in texts and "migrations" not in file and not _is_fixed(node.args[0])
    }
    assert loose == {
        ("marketplace/db.py", "text(where)"),
        ("marketplace/decisions/models.py", "text(in_states(states))"),
    }


def test_no_pattern_and_no_format_is_built_from_what_somebody_typed() -> None:
    """Patterns come from our own tables, and only sentences of our own are filled in."""
    verbs = {f"re.{verb}" for verb in ("compile", "match", "search", "fullmatch", "sub", "split", "findall")}
    patterns = {file for file, called, node in _calls() if called in verbs and not _is_fixed(node.args[0])}
    assert patterns == {
        "marketplace/needs/reading.py",  # words of the reading table
        "marketplace/sharing/shapes.py",  # shapes of our own description
    }
    formats = {
        file
        for file, _, node in _calls()
        if isinstance(node.func, ast.Attribute) and node.func.attr == "format" and not _is_fixed(node.func.value)
    }
    assert formats == {
        "adapters/tabular_faults.py",
        "marketplace/intake/sentences.py",
        "marketplace/ledger/sentences.py",  # sentences of the house's own table of rules
        "marketplace/migrations/triggers.py",
        "marketplace/serving.py",  # the log's own formatter
        "matching/account.py",
        "matching/preview_command.py",
        "matching/quote_command.py",
        "matching/told.py",
        "matching/wording.py",
    }


GUESSABLE = {
    "adapters/http.py",  # waits between attempts
    "marketplace/credentials/tokens.py",  # the system's own source
    "marketplace/reference/organisation_number.py",  # numbers of synthetic organisations
}


@pytest.mark.threat("T40")
def test_nothing_secret_comes_from_a_generator_that_can_be_guessed() -> None:
    used = {file for file, name in _imports() if name.split(".")[0] == "random"}
    assert {file for file in used if "/demo/" not in file and not file.startswith("matching/")} == GUESSABLE
    tokens = {called for file, called, _ in _calls() if file == "marketplace/credentials/tokens.py"}
    assert {called for called in tokens if called.startswith("random.")} == {"random.SystemRandom"}


CIPHERS = {
    "cryptography.hazmat.primitives.ciphers.Cipher",
    "cryptography.hazmat.primitives.ciphers.aead.AESGCM",
    "cryptography.hazmat.primitives.ciphers.algorithms.SM4",
    "cryptography.hazmat.primitives.ciphers.modes.GCM",
}


@pytest.mark.threat("T40")
def test_only_sound_ciphers_hashes_and_curves_are_used() -> None:
    """AES-GCM, SM4-GCM where Chinese law asks for it, SHA-256, SM3, P-256, Ed25519; all of it by the library."""
    taken = {name for _, name in _imports()}
    ciphers = {name for name in taken if name.startswith("cryptography.hazmat.primitives.ciphers.")}
    assert {name for name in ciphers if name.rsplit(".", 1)[-1][0].isupper()} == CIPHERS
    assert [name for name in taken if "rsa" in name.split(".") or "padding" in name] == []
    hashes = {called.split("(")[0] for _, called, _ in _calls() if called.startswith("hashlib.")}
    hashes |= {name for name in taken if name.startswith("hashlib.")}
    assert hashes == {"hashlib.sha256", "hashlib.blake2b"}


def test_the_log_goes_to_standard_error_and_nowhere_else() -> None:
    handlers = {
        (file, called) for file, called, _ in _calls() if called.endswith("Handler") and "log" in called.lower()
    }
    assert handlers == set()
    assert [name for _, name in _imports() if name.startswith(("logging.handlers", "logging.config", "syslog"))] == []


def test_no_module_of_another_s_telemetry_is_there() -> None:
    spies = {"sentry_sdk", "opentelemetry", "newrelic", "ddtrace", "bugsnag"}
    assert {name for _, name in _imports() if name.split(".")[0] in spies} == set()


BY_NAME = {
    ("passkeys.js", "made[name]"),
    ("visits.js", "draft.changes[field.name]"),
    ("visits.js", "wrong[field.name]"),
}
"""Where our scripts name a member by a variable: two kinds of keys, and the fields of our own form."""


def test_scripts_name_members_by_our_own_words_only() -> None:
    """No name that comes from outside chooses what is written into an object, so none reaches a prototype."""
    scripts = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "marketplace" / "static").glob("*.js"))}
    written = r"([\w.]+\[(?![\"'\d])[^\]]+\])\s*(?:[-+*/|&?]{0,2}=)(?!=)"
    found = {(name, place) for name, text in scripts.items() for place in re.findall(written, text)}
    assert found == BY_NAME
    joined = "\n".join(scripts.values())
    assert re.findall(r"__proto__|\bprototype\b|setPrototypeOf|Reflect\.set|\bfor \([^)]* in ", joined) == []
