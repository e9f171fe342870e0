"""Letters to a household that no telephone reaches: somebody brings them on paper.

Enters: a letter without an address. Leaves: one visit for all that waits for the household, and the words of each to be
printed and read aloud. What only confirms goes along with the next visit. They count as told once somebody was there:
`service` writes that down at the end of the visit. Called by `proxies` while the outbox is sent, and by this room's
pages.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session

from marketplace import notices
from marketplace.actors import SYSTEM
from marketplace.households import reaching
from marketplace.notices import Notice
from marketplace.visits import service
from marketplace.visits.models import HomeVisit
from marketplace.web import letters
from marketplace.web.letters import Letter

GO_ALONG = ("case_received", "check_done")
"""Letters that alone send nobody: who applied at the counter has the paper already."""


def ask(session: Session, notice: Notice, /, *, now: datetime) -> None:
    """Somebody is to go there, if the letter says something that the household must know."""
    home = notice.household_id
    if home is not None and notice.letter not in GO_ALONG:
        service.ask(session, home, service.LETTER, ref=_ref_of(home), actor=SYSTEM, now=now)


def _ref_of(household_id: str) -> str:
    return f"letters:{household_id}"


def stay_away(session: Session, household_id: str, now: datetime, /) -> None:
    """Somebody there said how it may be reached: nobody comes with letters any more, they wait on the page."""
    service.settle(session, _ref_of(household_id), actor=SYSTEM, now=now)
    notices.to_page(session, household_id, now=now)


reaching.WHEN_SAID.append(stay_away)


def to_hand_over(session: Session, visit: HomeVisit, /, *, language: str) -> list[Letter]:
    """The words of what waits to be brought, the oldest first; there is no page to point to."""
    if visit.cause != service.LETTER or reaching.anybody_said(session, visit.household_id):
        return []
    words = session.info["settings"].instance / "i18n"
    return [
        letters.render(
            one.letter,
            language=language,
            link="",
            words=words,
            params={key: str(value) for key, value in one.params.items() if key == "by"},
        )
        for one in notices.by_hand(session, visit.household_id)
    ]
