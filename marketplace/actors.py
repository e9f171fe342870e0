"""Who acts: a frozen value made at the edge and handed to every service.

Enters: a sign-in, a job or a command. Leaves: an `Actor` with one role, its organisation, its districts and, for a
household, the household it speaks for. A stand-in acts under its own id for the one it replaces (`on_behalf_of`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """The roles of the matrix in `roles.toml`; one account has one role."""

    HOUSEHOLD = "household"
    HELPER = "helper"
    WORKER = "worker"
    VERIFIER = "verifier"
    APPROVER = "approver"
    PROTECTION_OFFICER = "protection_officer"
    CHARITY_WORKER = "charity_worker"
    CHARITY_MANAGER = "charity_manager"
    INSURER = "insurer"
    GIVER_ADMIN = "giver_admin"
    AUDITOR = "auditor"
    SECURITY_ADMIN = "security_admin"
    OPERATOR = "operator"
    SERVICE = "service"
    PUBLIC = "public"


STAFF = frozenset({Role.WORKER, Role.VERIFIER, Role.APPROVER, Role.PROTECTION_OFFICER})
"""Civil-affairs people."""

GIVERS = frozenset({Role.CHARITY_WORKER, Role.CHARITY_MANAGER, Role.INSURER, Role.GIVER_ADMIN})
"""People of charities and insurers; the last keeps their accounts and keys and sees nothing of any household."""


SEATS: dict[Role, frozenset[Role]] = {
    Role.WORKER: frozenset({Role.WORKER, Role.VERIFIER}),
    Role.VERIFIER: frozenset({Role.VERIFIER, Role.WORKER, Role.APPROVER}),
    Role.APPROVER: frozenset({Role.APPROVER, Role.VERIFIER}),
    Role.CHARITY_WORKER: frozenset({Role.CHARITY_WORKER, Role.CHARITY_MANAGER}),
    Role.CHARITY_MANAGER: frozenset({Role.CHARITY_MANAGER, Role.CHARITY_WORKER}),
}
"""Whose work people of which roles may do; a role that is not here passes only to its like."""


@dataclass(frozen=True, slots=True)
class Actor:
    """One acting person or job. `districts` is empty for "all"; `household_id` only for household and helper.
    `reads_only` marks a helper whose power is to see and not to answer; `matters` are what the power names (none: all).
    """

    id: str
    role: Role
    org_id: str | None = None
    districts: frozenset[str] = frozenset()
    household_id: str | None = None
    on_behalf_of: str | None = None
    request_id: str = ""
    reads_only: bool = False
    matters: frozenset[str] = frozenset()

    @property
    def people(self) -> frozenset[str]:
        """Whose two eyes look here: the one who acts and, for a stand-in, the one it acts for. Where two people are
        needed, none of these may have had a hand in the first half."""
        return frozenset({self.id, self.on_behalf_of} - {None})  # type: ignore[arg-type]

    @property
    def stood_for(self) -> str:
        """Whom it stands in for, to be kept beside its own name; empty where it acts for itself."""
        return self.on_behalf_of or ""

    def serves(self, district_code: str) -> bool:
        """Whether the district lies in this actor's area."""
        return not self.districts or district_code in self.districts


def hands(*names: str | None) -> frozenset[str]:
    """Everybody who had a hand in something, by the names that are kept of it; an empty one is nobody."""
    return frozenset(name for name in names if name)


PUBLIC = Actor(id="public", role=Role.PUBLIC)
SYSTEM = Actor(id="system", role=Role.SERVICE)
