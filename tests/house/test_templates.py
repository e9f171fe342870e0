"""Templates keep the house's rules: they parse, have a title, no inline script or style, no foreign address."""

import re
from pathlib import Path

import pytest
from jinja2 import Environment

ROOT = Path(__file__).parents[2] / "templates"
PAGES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.html"))
FRAMES = ("layout/", "components/")


def _source(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


REFUSED = {
    "an address on another host": re.compile(r"""(src|href|action)=["']?(https?:)?//"""),
    "inline style or script": re.compile(r"\sstyle=|<style|\son[a-z]+=|javascript:"),
    "inline script": re.compile(r"<script(?![^>]*\bsrc=)"),
    "unescaped text": re.compile(r"\| *s *a *f *e"),
}
NEEDED = {
    "a page extends a layout; a piece of a page begins with _": re.compile(r"{%-? extends"),
    "a page has a title": re.compile(r"{%-? block title"),
}


def test_every_template_parses() -> None:
    house = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True)
    for name in PAGES:
        house.parse(_source(name), name=name)


def _faults(source: str) -> list[str]:
    return [fault for fault, pattern in REFUSED.items() if pattern.search(source)]


def test_every_template_stays_on_this_host_and_runs_nothing_of_its_own() -> None:
    assert {name: faults for name in PAGES if (faults := _faults(_source(name)))} == {}
    assert len(PAGES) > 300


@pytest.mark.parametrize(
    "planted",
    ["<img src=//x>", "<a href='https://x'>", "<p style='x'>", "<b onclick=x>", "<script>x", "{{ x | safe }}"],
)
def test_a_planted_fault_is_found(planted: str) -> None:
    assert len(_faults(planted)) == 1


def test_every_page_extends_a_layout_and_has_a_title() -> None:
    pages = [name for name in PAGES if not name.startswith(FRAMES) and "/_" not in name]
    wanting = [(name, need) for name in pages for need, found in NEEDED.items() if not found.search(_source(name))]
    assert wanting == []
    assert len(pages) > 200


def test_every_part_is_used_by_a_page_or_another_part() -> None:
    everything = "\n".join(_source(name) for name in PAGES)
    gallery = Path(__file__).parents[1] / "pages" / "templates"
    everything += "\n".join(path.read_text(encoding="utf-8") for path in gallery.glob("*.html"))
    for name in (n for n in PAGES if n.startswith("components/")):
        for macro in re.findall(r"{% macro (\w+)", _source(name)):
            assert len(re.findall(rf"\b{macro}\b", everything)) > 1, f"{name}: {macro} is not used"
