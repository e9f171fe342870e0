"""On which of the two databases a test runs: on both, or with ENGINES=turns (`make test`) on one, by its name.

A test that is about what the databases do differently (its own mark, `both_engines`) and one that answers a threat run
on both in every run. Called by the suite's conftest after collection.
"""

from __future__ import annotations

import zlib

import pytest

ENGINES = ("sqlite", "postgres")


def engine_of(name: str) -> str:
    """The engine whose turn it is for the test of this name, whichever engine the name tells.

    >>> engine_of("test_a.py::test_b[sqlite]") == engine_of("test_a.py::test_b[postgres]")
    True
    >>> 450 < sum(engine_of(f"test_a.py::test_{number}[sqlite]") == "sqlite" for number in range(1000)) < 550
    True
    """
    for engine in ENGINES:
        name = name.replace(engine, "")
    return ENGINES[zlib.crc32(name.encode()) % len(ENGINES)]


def in_turn(item: pytest.Item) -> bool:
    """Does this test run when each runs on one engine?"""
    callspec = getattr(item, "callspec", None)
    asked = {value for value in callspec.params.values() if isinstance(value, str)} if callspec else set()
    engines = asked & set(ENGINES)
    if not engines or item.get_closest_marker("both_engines") or item.get_closest_marker("threat"):
        return True
    return engines == {engine_of(item.nodeid)}
