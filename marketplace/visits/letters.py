"""Letters to a household that no telephone reaches: somebody brings them on paper.

Enters: a letter without an address. Leaves: one visit for all that waits for the household, and the words of each to be
printed and read aloud. What only confirms goes along with the next visit. What stood on the page counts as told once
somebody was there: `service` writes that down at the end of the visit. Called by `proxies` while the outbox
is sent, and by this room's pages.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from sqlmodel import Session

from marketplace import notices
from marketplace.actors import SYSTEM
from marketplace.households import reaching
from marketplace.notices import Notice
from marketplace.visits import service
from marketplace.visits.models import HomeVisit
from marketplace.visits.workers import name_in_letters
from marketplace.web import catalogues, letters
from marketplace.web.letters import Letter

LANGUAGE_OF: list[Callable[[Session, str], str]] = []
"""How to learn a household's language: `wiring` registers it, for it is a consent that tells."""


def language_of(session: Session, household_id: str, /) -> str:
    """The language in which the household is written to."""
    return next((tell(session, household_id) for tell in LANGUAGE_OF), catalogues.DEFAULT)


def blanks(session: Session, notice: Notice, /) -> dict[str, str]:
    """What a letter's blanks take from its row: the day, and the name of one of us who introduces herself."""
    values = {key: str(value) for key, value in notice.params.items() if key == "by"}
    if "account_id" in notice.params:
        values["who"] = name_in_letters(session, str(notice.params["account_id"]))
    return values


def ask(session: Session, notice: Notice, /, *, now: datetime) -> None:
    """Somebody is to go there, if the letter says something that the household must know."""
    home = notice.household_id
    if home is not None and notice.letter not in notices.GO_ALONG:
        service.ask(session, home, service.LETTER, ref=_ref_of(home), actor=SYSTEM, now=now)


def _ref_of(household_id: str) -> str:
    return f"letters:{household_id}"


def stay_away(session: Session, household_id: str, now: datetime, /) -> None:
    """Somebody there said how it may be reached: nobody comes with letters any more, they wait on the page."""
    service.settle(session, _ref_of(household_id), actor=SYSTEM, now=now)
    notices.to_page(session, household_id, now=now)


reaching.WHEN_SAID.append(stay_away)


def waiting(session: Session, visit: HomeVisit, /) -> list[Notice]:
    """What this visit brings, the oldest first."""
    if visit.cause != service.LETTER or reaching.anybody_said(session, visit.household_id):
        return []
    return notices.by_hand(session, visit.household_id)


def to_hand_over(session: Session, visit: HomeVisit, /, *, language: str) -> list[Letter]:
    """The words of what waits to be brought; there is no page to point to."""
    words = session.info["settings"].instance / "i18n"
    return [
        letters.render(
            one.letter,
            language=language,
            link="",
            words=words,
            params=blanks(session, one),
        )
        for one in waiting(session, visit)
    ]
