"""What an approval did, or would do.

Enters: nothing. Leaves: `Outcome`, with an `Excluded` for each line left out. Made by `approve`, shown by the pages.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Excluded:
    """A line that cannot be approved now or of which a rule warns, and the code of the reason."""

    line_id: str
    code: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an approval did, or would do."""

    approved: tuple[str, ...]
    excluded: tuple[Excluded, ...]
    value_fen: int
    needs_second: int
    warned: tuple[Excluded, ...] = ()
    """Sound lines of which a rule warns, before anybody pays."""
