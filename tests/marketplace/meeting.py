"""When acts of several processes really met: each notes when it began and ended, and who overlapped is counted.

Enters: a folder, and from each process the row it acts on. Leaves: how many acts overlapped with an act of another
process on the same row; the races count only these. The clock is the machine's own, the same for all its processes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from time import monotonic_ns

PATIENCE_S = 120
"""So long a process waits for the others before each row; one that died makes the test fail."""


class Meeting:
    """Five at one row at a time: they begin together, and what each did is kept."""

    def __init__(self, folder: Path, processes: int) -> None:
        self.folder = folder
        self._gate = get_context("fork").Barrier(processes)

    def together(self) -> None:
        """Wait until all are here."""
        self._gate.wait(timeout=PATIENCE_S)

    @contextmanager
    def at(self, process: int, row: int) -> Iterator[None]:
        """Note when an act on this row began and ended."""
        begun = monotonic_ns()
        try:
            yield
        finally:
            with (self.folder / f"acts-{process}").open("a", encoding="ascii") as file:
                file.write(f"{row} {begun} {monotonic_ns()}\n")

    def met(self) -> int:
        """How many acts overlapped with another process's act on the same row."""
        acts: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        for process, file in enumerate(sorted(self.folder.glob("acts-*"))):
            for line in file.read_text("ascii").splitlines():
                row, begun, ended = map(int, line.split())
                acts[row].append((process, begun, ended))
        return sum(_meets(one, others) for others in acts.values() for one in others)


def _meets(one: tuple[int, int, int], others: list[tuple[int, int, int]]) -> bool:
    process, begun, ended = one
    return any(other != process and start < ended and begun < end for other, start, end in others)
