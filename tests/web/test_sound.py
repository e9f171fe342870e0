"""What is asked of a page's HTML finds each fault it names, and nothing on a sound page."""

from __future__ import annotations

import pytest

from tests.pages.sound import faults_of

SOUND = (
    '<html lang="en"><head><title>A page · Shanqiao</title></head><body><h1>A page</h1>'
    '<form method="post"><input type="hidden" name="csrf_token" value="x"><label for="a">A</label><input id="a"></form>'
    '<img src="x" alt=""></body></html>'
)


def test_a_sound_page_has_no_fault() -> None:
    assert faults_of(SOUND) == []


@pytest.mark.parametrize(
    ("was", "becomes", "fault"),
    [
        ("<h1>A page</h1>", "", "0 h1"),
        ("· Shanqiao", "", "poor title A page"),
        (' lang="en"', "", "poor lang"),
        ("<h1>", '<h1 style="x">', "inline style or handler on <h1>"),
        ("<h1>", '<h1 onclick="x">', "inline style or handler on <h1>"),
        ("<h1>", "<script>1</script><h1>", "inline script"),
        (' alt=""', "", "picture without words"),
        ('<input type="hidden" name="csrf_token" value="x">', "", "form without its token"),
        ('<label for="a">A</label>', "", "field without a label: a"),
        ("<h1>", '<p id="a"></p><h1>', "id twice: a"),
        ("</h1>", "</h2></h1>", "</h2> closes <h1>"),
        ("A page</h1>", "A %(thing)s</h1>", "words not filled in: %(thing)s"),
        ("</h1>", "</h1><dl><dt></dt><dd></dd></dl>", "words not filled in: <dt></dt>"),
    ],
)
def test_each_fault_is_found(was: str, becomes: str, fault: str) -> None:
    assert fault in faults_of(SOUND.replace(was, becomes, 1))
