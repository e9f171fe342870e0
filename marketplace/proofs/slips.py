"""The code of a delivery: what a slip or the household's page shows, and what a giver scans or types.

Enters: a match, or a code that somebody brings. Leaves: sixteen letters and digits made with the house's key from the
match alone, so that none can be forged and none names anybody; or the one match it stands for. Only the giver of that
match finds it, and only while the aid is on its way: used once, it opens nothing any more.
"""

from __future__ import annotations

from sqlmodel import Session, col, select

from marketplace.actors import Actor
from marketplace.decisions.models import Match, MatchState
from marketplace.errors import NotFound, WrongState
from marketplace.policy import require
from marketplace.sealed import vault_of

LENGTH = 16
"""80 bits of a keyed hash."""
USED = (MatchState.DELIVERED, MatchState.CONFIRMED, MatchState.CLOSED)


def code_of(session: Session, match: Match, /) -> str:
    """The code of a match, in capitals."""
    return vault_of(session).ref("delivery-code", match.id)[:LENGTH].upper()


def shown(code: str, /) -> str:
    """A code in groups of four, as a person reads it.

    >>> shown("ABCDEFGH23456723")
    'ABCD EFGH 2345 6723'
    """
    return " ".join(code[start : start + 4] for start in range(0, len(code), 4))


def typed(text: str, /) -> str:
    """A code as somebody typed it: capitals, without spaces and dashes; 0 and 1, which no code holds, are O and I.

    >>> typed("abcd-efgh 2345 671o")
    'ABCDEFGH234567IO'
    """
    plain = "".join(text.split()).replace("-", "").upper()
    return plain.replace("0", "O").replace("1", "I")[: LENGTH * 2]


def match_of_code(session: Session, code: str, /, *, actor: Actor) -> Match:
    """The match on its way whose code this is, among those of the actor's own organisation.

    Raises NotFound for any other code, another giver's among them, and WrongState for one that was used.
    """
    require(actor, "proof:add", org_id=actor.org_id)
    wanted = typed(code)
    for states in ((MatchState.IN_DELIVERY,), USED):
        statement = select(Match).where(col(Match.org_id) == actor.org_id, col(Match.state).in_(states))
        found = next((match for match in session.exec(statement) if code_of(session, match) == wanted), None)
        if found is not None and states is USED:
            raise WrongState("code_used")
        if found is not None:
            return found
    raise NotFound("no_such_code")
