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


@pytest.mark.parametrize("name", PAGES)
def test_a_template_parses_and_stays_on_this_host(name: str) -> None:
    source = _source(name)
    Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"], autoescape=True).parse(source)
    assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", source), "an address on another host"
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", source), "inline style or script"
    assert not re.search(r"<script(?![^>]*\bsrc=)", source), "inline script"
    assert "|safe" not in source.replace(" ", ""), "unescaped text"


@pytest.mark.parametrize("name", [n for n in PAGES if not n.startswith(FRAMES) and "/_" not in n])
def test_a_page_extends_a_layout_and_has_a_title(name: str) -> None:
    source = _source(name)
    assert re.search(r"{%-? extends", source), "a page extends a layout; a piece of a page begins with _"
    assert re.search(r"{%-? block title", source)


def test_every_part_is_used_by_a_page_or_another_part() -> None:
    everything = "\n".join(_source(name) for name in PAGES)
    gallery = Path(__file__).parents[1] / "pages" / "templates"
    everything += "\n".join(path.read_text(encoding="utf-8") for path in gallery.glob("*.html"))
    for name in (n for n in PAGES if n.startswith("components/")):
        for macro in re.findall(r"{% macro (\w+)", _source(name)):
            assert len(re.findall(rf"\b{macro}\b", everything)) > 1, f"{name}: {macro} is not used"
