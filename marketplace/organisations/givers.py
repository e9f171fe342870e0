"""Who counts as one giver: organisations that a person called the same, departments and campuses with their whole.

Enters: the verdicts that stand, and names under which aid was reported. Leaves: one id for each giver. The aid of a
part counts for the whole, and whoever is related to one of them is helped by none; each keeps its own agreement. Called
by the rules against helping twice and by the question who is related to whom.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import Session, col, select

from marketplace.db import chunks, remembered
from marketplace.organisations.models import OrganisationAlias, OrganisationPair, PairState
from matching.identity_organisations import name_key

_JOINED = (PairState.SAME, PairState.PART)
_ASKED = 400


class Givers:
    """Organisations that count as one giver, and the names that aid was reported under."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), names: dict[str, str] | None = None) -> None:
        import networkx as nx  # slow to load, and most commands ask for no groups

        joined = nx.Graph(list(pairs))
        self._groups = {org: frozenset(group) for group in nx.connected_components(joined) for org in group}
        self._names = names or {}

    def of(self, org_id: str, /) -> frozenset[str]:
        """All organisations that count as one giver with this one, itself among them."""
        return self._groups.get(org_id, frozenset({org_id}))

    def one(self, org_id: str, /) -> str:
        """One id for all of them."""
        return min(self.of(org_id)) if org_id else ""

    def called(self, name: str, /) -> str:
        """The giver behind a reported name; the name itself where no organisation is known by it."""
        return self.one(self._names[name]) if name in self._names else name


def givers_of(session: Session, names: Iterable[str] = (), /) -> Givers:
    """The givers as they count now; `names` are those to be looked up in the alias table."""
    asked = select(OrganisationPair.one_id, OrganisationPair.two_id).where(col(OrganisationPair.state).in_(_JOINED))
    keys = {name: name_key(name)[:120] for name in set(names) if name}
    known: dict[str, str] = {}
    held = select(OrganisationAlias.key, OrganisationAlias.org_id)
    for some in chunks(sorted(set(keys.values())), _ASKED):
        known |= dict(session.exec(held.where(col(OrganisationAlias.key).in_(some))).all())
    pairs = remembered(session, ("givers",), lambda: session.exec(asked).all())
    return Givers(pairs, {name: known[key] for name, key in keys.items() if key in known})
