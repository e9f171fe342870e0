"""What the allocator answers: lines, reasons, prices and the certificate that proves them.

What enters: plain ids and whole numbers. What leaves: frozen values that `matching.results` writes to a folder and the
judge checks. Made by the solvers; read by everyone who calls `allocate`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """One proposed line: this resource gives `units` (> 0) to this need."""

    need_id: str
    resource_id: str
    units: int


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a need is not fully covered (`resource_id` may be empty), or why a pair was chosen.

    `code` is one of the reason codes of `matching.explain`; `detail` holds its numbers and ids as a mapping, which is
    written as canonical JSON in `reasons.csv`. The words for people are made by the caller.
    """

    need_id: str
    resource_id: str
    code: str
    detail: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Price:
    """The shadow price of one shared limit in one tier (whole; divide by the certificate's `price_scale`).

    `kind` is resource, earmark, max_per_household or household_cap; `id` names the limit; `household_id` is empty
    for the first two.
    """

    tier: int
    kind: str
    id: str
    household_id: str
    price: int


@dataclass(frozen=True, slots=True)
class Certificate:
    """The proof of one plan; see allocation in the docs. Written as `certificate.json`.

    `bound` is what the prices prove, and `optimal` means that it equals the score. `solver_bound` is lower where
    CP-SAT reports a better bound for small hard parts: nobody can recompute that one, so it is only told. `proofs`
    counts the components by what proves them best: price, solver or none. With the objective "value", `value` is the
    worth of the needs served whole by one resource, `value_bound` what no plan can pass by the word of `value_proof`.
    """

    status: str
    score: int
    bound: int
    gap: float
    gap_by_prefix: Mapping[str, object]
    unique: bool
    lexicographic: str
    coverage: tuple[int, ...]
    units: int
    households_served: int
    broken_units: int
    cost: int
    components: Mapping[str, int]
    interrupted: bool
    input_sha256: str
    plan_sha256: str
    price_scale: int
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    conflict: tuple[str, ...] = ()
    solver_bound: int = 0
    proofs: Mapping[str, int] = field(default_factory=dict)
    value: int = 0
    value_bound: int = 0
    value_proof: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run proposes: the lines, the reasons, the prices and the certificate."""

    lines: tuple[Line, ...]
    reasons: tuple[Reason, ...]
    prices: tuple[Price, ...]
    certificate: Certificate

    def by_need(self) -> Iterator[tuple[str, tuple[Line, ...]]]:
        """Yield ``(need_id, its lines)`` in the order of the ids; O(lines)."""
        grouped: dict[str, list[Line]] = {}
        for line in self.lines:
            grouped.setdefault(line.need_id, []).append(line)
        for need_id in sorted(grouped):
            yield need_id, tuple(grouped[need_id])
