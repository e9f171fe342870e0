"""Whether somebody may see what: one function, sixteen questions in a fixed order, the first "no" decides.

Enters: `Facts`, gathered with the consent's head locked. Leaves: a `Ruling` with the reason and, for a yes, the fields
that may be shown: what was asked within the consent, the purpose's ceiling and the organisation's agreement. Pure: no
session, no clock. Called by `service`, `lists` and the API's door; each ruling is written into the audit chain by
whoever asked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from marketplace.consent.models import Consent, ConsentHead, ConsentState, Mode
from marketplace.reference import purposes
from marketplace.reference.tables import UnknownCode

WIDTH = {Mode.QUERY: 0, Mode.VIEW: 1, Mode.STORE: 2}


@dataclass(frozen=True, slots=True)
class Facts:
    """All that the sixteen questions look at, as it is at `now` inside the deciding transaction."""

    now: datetime
    org_id: str | None
    purpose: str
    head: ConsentHead | None = None
    consent: Consent | None = None
    wanted: frozenset[str] | None = None
    mode: Mode = Mode.VIEW
    org_purposes: frozenset[str] | None = None
    authenticated: bool = True
    client_active: bool = True
    scope_granted: bool = True
    role_allowed: bool = True
    own_object: bool = True
    match_id: str | None = None
    reads: int = 0
    last_read_at: datetime | None = None
    overdue: bool = False
    audit_fresh: bool = True


@dataclass(frozen=True, slots=True)
class Ruling:
    """`allow`, the reason code (OK or the first question that failed) and the effective fields."""

    allow: bool
    reason: str
    fields: tuple[str, ...] = ()


def rule(facts: Facts, /) -> Ruling:
    """The ruling on one look or one act. Deny by default: whatever a question cannot answer is a no."""
    for reason, holds in QUESTIONS:
        if not holds(facts):
            return Ruling(False, reason)
    return Ruling(True, "OK", effective(facts))


def effective(facts: Facts, /) -> tuple[str, ...]:
    """Request within consent within ceiling, in the consent's order."""
    if facts.consent is None:
        return ()
    asked, ceiling = facts.wanted, purposes.purpose(facts.purpose)
    within = (code for code in facts.consent.data_fields if ceiling.allows(code))
    return tuple(code for code in within if asked is None or code in asked)


def _in_period(facts: Facts) -> bool:
    return facts.head is not None and facts.head.valid_from <= facts.now < facts.head.valid_to


def _fields(facts: Facts) -> bool:
    """Nothing beyond the consent was asked; a request without a list takes what there is."""
    if facts.consent is None:
        return False
    return facts.wanted is None or (bool(facts.wanted) and facts.wanted <= set(facts.consent.data_fields))


def _mode(facts: Facts) -> bool:
    return facts.consent is not None and WIDTH[facts.mode] <= WIDTH[facts.consent.mode]


def _read_limit(facts: Facts) -> bool:
    consent = facts.consent
    if consent is None:
        return False
    most = 1 if consent.fetch == "once" else consent.max_reads
    if most is not None and facts.reads >= most:
        return False
    pause, last = consent.min_interval_s, facts.last_read_at
    return pause is None or last is None or (facts.now - last).total_seconds() >= pause


def _ceiling(facts: Facts) -> bool:
    """The purpose is known, within the organisation's agreement, and each field asked lies below its ceiling."""
    try:
        ceiling = purposes.purpose(facts.purpose)
        within = all(ceiling.allows(code) for code in facts.wanted or ())
    except UnknownCode:
        return False
    return within and (facts.org_purposes is None or facts.purpose in facts.org_purposes)


QUESTIONS: tuple[tuple[str, Callable[[Facts], bool]], ...] = (
    ("UNAUTHENTICATED", lambda facts: facts.authenticated and facts.org_id is not None),
    ("CLIENT_SUSPENDED", lambda facts: facts.client_active),
    ("SCOPE", lambda facts: facts.scope_granted),
    ("ROLE", lambda facts: facts.role_allowed),
    ("TENANT", lambda facts: facts.own_object),
    ("NO_CONSENT", lambda facts: facts.head is not None and facts.consent is not None),
    ("STATE", lambda facts: facts.head is not None and facts.head.state is ConsentState.ACTIVE),
    ("PERIOD", _in_period),
    ("RECIPIENT", lambda facts: facts.head is not None and facts.head.recipient_org_id == facts.org_id),
    (
        "PURPOSE",
        lambda facts: (
            facts.head is not None
            and facts.head.purpose.value == facts.purpose
            and facts.match_id in (None, facts.head.match_id)
        ),
    ),
    ("FIELDS", _fields),
    ("MODE", _mode),
    ("READ_LIMIT", _read_limit),
    ("POLICY_CEILING", _ceiling),
    ("RECIPIENT_OVERDUE", lambda facts: not facts.overdue),
    ("AUDIT_STALE", lambda facts: facts.audit_fresh),
)
"""Reason of a no ► the question; the order is the house's law (docs/partner-api.md)."""
