"""What a reference in a table means where several sources number their own.

Enters: reference ► source ► what that source calls so, and whose table it is. Leaves: reference ► the one thing meant.
Called by the plan of past aid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

Thing = TypeVar("Thing")


def meant(told: Mapping[str, Mapping[str, Thing]], source: str, /) -> dict[str, Thing]:
    """What the table's own source calls so, else what the only source calls so that has it. Two others that use one
    reference leave it open: nobody guesses.

    >>> meant({"1": {"a": "x", "b": "y"}, "2": {"b": "z"}}, "a"), meant({"1": {"a": "x", "b": "y"}}, "c")
    ({'2': 'z', '1': 'x'}, {})
    """
    own = {name: by[source] for name, by in told.items() if source in by}
    return {name: next(iter(by.values())) for name, by in told.items() if len(by) == 1} | own
