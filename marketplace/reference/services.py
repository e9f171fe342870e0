"""The kinds of need that people serve by coming: how a visit is counted, how many must come, what they must be able to
do, and what makes it risky.

What enters: a need code such as ``CARE.VISIT``. What leaves: a frozen `ServiceKind`, or None for goods and money.
Called by appointments. All values are design values of our own; the law asks only that a task suits age, skill and
health, and that a volunteer is insured before risky work (Charity Law, articles 67 and 69).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from marketplace.reference.tables import codes, rows


@dataclass(frozen=True, slots=True)
class ServiceKind:
    """One kind of service. `minutes` make one unit; 0: each visit is one unit, however long it takes. `people` is how
    many come together at least; `risks` are codes of the table `risk`."""

    code: str
    minutes: int
    people: int
    skill: str
    risks: tuple[str, ...]

    @property
    def by_the_hour(self) -> bool:
        """Whether time itself is what was promised."""
        return self.minutes > 0

    def units(self, minutes: int) -> int:
        """How many units a visit of so many minutes is; begun ones do not count.

        >>> service_kind("EDU.TUTORING").units(150), service_kind("CARE.VISIT").units(150)
        (2, 1)
        """
        return minutes // self.minutes if self.minutes else 1


@cache
def _kinds() -> dict[str, ServiceKind]:
    return {
        row["code"]: ServiceKind(
            code=row["code"],
            minutes=int(row["minutes"]),
            people=int(row["people"]),
            skill=row["skill"],
            risks=codes(row["risks"]),
        )
        for row in rows("services")
    }


def find_service(code: str) -> ServiceKind | None:
    """The kind of service, or None where nobody has to come."""
    return _kinds().get(code)


def service_kind(code: str) -> ServiceKind:
    """The kind of service; KeyError where nobody has to come."""
    return _kinds()[code]


def list_services() -> tuple[ServiceKind, ...]:
    """All kinds in the order of the table."""
    return tuple(_kinds().values())
