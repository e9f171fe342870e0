"""Every sentence of the interface has its Chinese words, and is written so that it can be found."""

import ast
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from marketplace.web import catalogues
from tests.source import nodes_of

ROOT = Path(__file__).parents[2]
WORDS = {"_", "_l", "gettext", "lazy_gettext", "ngettext", "lazy_ngettext", "pgettext"}


@pytest.fixture(scope="module")
def translate() -> ModuleType:
    spec = spec_from_file_location("translate", ROOT / "scripts" / "translate.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_sentence_has_its_chinese_words(translate: ModuleType) -> None:
    assert translate.untranslated() == [], "run scripts/translate.py, then fill in the words it lists"


def test_no_sentence_has_two_translations() -> None:
    seen: dict[object, tuple[str, object]] = {}
    for path in catalogues.room_files(catalogues.DEFAULT):
        for message in catalogues.read_room(path):
            if message.id:
                other = seen.setdefault((message.context, message.id), (path.name, message.string))
                assert other[1] == message.string, f"{message.id}: {other[0]} and {path.name} differ"


def test_placeholders_are_the_same_in_both_languages() -> None:
    for path in catalogues.room_files(catalogues.DEFAULT):
        for message in catalogues.read_room(path):
            if message.id and message.string:
                errors = [str(error) for error in message.check()]
                assert not errors, f"{path.name}: {message.id}: {errors}"


def test_sentences_are_plain_strings_not_built_on_the_way() -> None:
    faults = []
    for path in sorted((ROOT / "marketplace").rglob("*.py")):
        for node in nodes_of(path):
            calls = [n for n in ast.walk(node) if isinstance(n, ast.Call)] if isinstance(node, ast.JoinedStr) else []
            faults += [f"{path.name}:{c.lineno} inside an f-string" for c in calls if _is_words(c)]
            if isinstance(node, ast.Call) and _is_words(node) and not isinstance(node.args[0], ast.Constant):
                faults.append(f"{path.name}:{node.lineno} is not a plain string")
    assert faults == []


def _is_words(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Name) and call.func.id in WORDS and bool(call.args)


def test_catalogues_are_compiled_once_and_again_after_a_change(tmp_path: Path) -> None:
    source = tmp_path / "po" / "zh_Hans"
    source.mkdir(parents=True)
    (source / "a.po").write_text('msgid "Need"\nmsgstr "需求"\n', encoding="utf-8")
    target = catalogues.compiled(tmp_path / "mo", sources=tmp_path / "po") / "zh_Hans" / "LC_MESSAGES" / "messages.mo"
    first = target.stat().st_mtime_ns
    catalogues.compiled(tmp_path / "mo", sources=tmp_path / "po")
    assert target.stat().st_mtime_ns == first
    (source / "b.po").write_text('msgid "Offer"\nmsgstr "资源"\n', encoding="utf-8")
    catalogues.compiled(tmp_path / "mo", sources=tmp_path / "po")
    assert "资源".encode() in target.read_bytes()
