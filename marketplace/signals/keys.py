"""Under which names and keyed indexes a feed's records are found again.

Enters: a feed and its own name of a record. Leaves: the index that is stored in the place of that name. Called by
`taking`, `wrong` and the rooms above that tell facts of their own.
"""

from __future__ import annotations

from sqlmodel import Session

from marketplace.sealed import vault_of

STREET, VISIT = "STREET", "VISIT"
"""The feed of the street's own visits, and the kind of fact that somebody was there."""


def source_key(session: Session, feed: str, source_id: str, /) -> str:
    """The keyed index under which a feed's record is found again."""
    return vault_of(session).index("fact-source", f"{feed}\x00{source_id}")[:32]


def found_ref(household_id: str, indicator: str, /) -> str:
    """Under which name a visit tells what it found of a household's indicator."""
    return f"found:{household_id}:{indicator}"
