"""Two edits of one visit laid together, field by field.

Enters: what stands, with the number under which it was written; and what somebody changed who last saw version `base`.
Leaves: for each field whether the change is the same, takes the place of what stood, or lies beside it, because
somebody else changed the same field since. Nothing is dropped. Pure; called by `entries`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of one change."""

    SAME = "same"
    TAKEN = "taken"
    BESIDE = "beside"


@dataclass(frozen=True, slots=True)
class Standing:
    """A value that counts, and the number of its entry."""

    value: str
    no: int


def merge(standing: Mapping[str, Standing], changes: Mapping[str, str], /, *, base: int) -> dict[str, Verdict]:
    """The verdict of each changed field.

    >>> here = {"outcome": Standing("REACHED_FINE", 3)}
    >>> merge(here, {"outcome": "DECLINED", "debt": "differs"}, base=2)
    {'outcome': <Verdict.BESIDE: 'beside'>, 'debt': <Verdict.TAKEN: 'taken'>}
    """
    return {field: _verdict(standing.get(field), value, base=base) for field, value in changes.items()}


def _verdict(held: Standing | None, value: str, *, base: int) -> Verdict:
    if (held.value if held else "") == value:
        return Verdict.SAME
    return Verdict.TAKEN if held is None or held.no <= base else Verdict.BESIDE
