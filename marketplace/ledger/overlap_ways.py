"""By whom a need can be helped: what the rules say to each giver and programme, and which may serve it in a run.

Enters: a need, the offers of its kind, what the judge says of it whoever gives (`said`) and to each giver that gave
before or is related (`ours`). Leaves: bans with the rule's code, and the verdicts of the ways that stay. The allocator
knows one limit for all givers: a way that may give less than another one can is kept out of the run for this need, so
that its small rest does not hold the others down. Called by `overlap_rows`.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass

from marketplace.ledger.overlap_facts import Facts
from matching.model import FAR, Ban, Need, Resource
from matching.overlap_rules import Finding, Verdict

Way = tuple[str, str]
"""A giver and its programme."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The bans of one need, and what the rules say to the ways that stay."""

    bans: list[Ban]
    verdicts: list[Verdict]


def way_of(offer: Resource, facts: Facts, /) -> Way:
    """The giver and the programme of an offer."""
    return offer.org_id, facts.projects.get(offer.resource_id, "")


def fits(offer: Resource, need: Need, /) -> bool:
    """Whether an offer may reach a need of its category at all; the allocator looks closer."""
    near = {need.district, "*"} & offer.districts and {offer.org_id, "*"} & need.consented
    return bool(near) and need.urgency >= offer.min_urgency


def choose(
    need: Need,
    said: Verdict,
    ours: Mapping[Way, Verdict],
    offers: Sequence[Resource],
    facts: Facts,
    /,
    *,
    open_units: int,
) -> Chosen:
    """Who may serve the need; nobody, or only some. O(offers) where a giver is known to the household, else O(1)."""
    if not ours:
        return Chosen(_bans(need, said, ours, offers, facts, less={}), [said])
    room: dict[Way, int] = {}
    for offer in offers:
        if fits(offer, need):
            room[way_of(offer, facts)] = room.get(way_of(offer, facts), 0) + offer.stock
    told = {way: ours.get(way, said) for way in room}
    may = {way: _allowed(one, need, facts, open_units=open_units) for way, one in told.items()}
    best = max((min(may[way], room[way]) for way in room), default=0)
    less = {way: _tightest(one, need, facts) for way, one in told.items() if 0 < may[way] < best}
    stay = [one for way, one in told.items() if way not in less and may[way]]
    return Chosen(_bans(need, said, ours, offers, facts, less=less), stay or [said])


def left_of(verdicts: Iterable[Verdict], shared: Container[str], /) -> tuple[int, str]:
    """The smallest limit of this need alone, above nothing, and its rule; without end where none binds."""
    limits = [(f.allowed, f.code) for said in verdicts for f in _binding(said) if f.code not in shared]
    return min(limits, default=(FAR, ""))


def shared_of(verdicts: Iterable[Verdict], shared: Container[str], /) -> list[tuple[int, str]]:
    """Limits that all needs of the household share, each with its rule."""
    return [(f.allowed, f.code) for said in verdicts for f in _binding(said) if f.code in shared]


def _binding(said: Verdict) -> list[Finding]:
    return [finding for finding in said.findings if finding.allowed > 0]


def _heard(said: Verdict, need: Need, facts: Facts) -> list[Finding]:
    """What is no cool-off that the allocator holds itself, the tightest first."""
    held = need.category in facts.cool
    return [f for f in said.findings if not (held and f.kind == "COOLDOWN")]


def _allowed(said: Verdict, need: Need, facts: Facts, *, open_units: int) -> int:
    return min((f.allowed for f in _heard(said, need, facts)), default=open_units)


def _tightest(said: Verdict, need: Need, facts: Facts) -> str:
    return _heard(said, need, facts)[0].code


def _stop(said: Verdict, need: Need, facts: Facts) -> str:
    """The code of a rule that allows nothing."""
    return next((f.code for f in _heard(said, need, facts) if f.allowed == 0), "")


def _bans(
    need: Need,
    said: Verdict,
    ours: Mapping[Way, Verdict],
    offers: Sequence[Resource],
    facts: Facts,
    *,
    less: Mapping[Way, str],
) -> list[Ban]:
    """Nobody, or only those who may, and of these not who may give `less`."""
    code, by_way = _stop(said, need, facts), {way: _stop(one, need, facts) for way, one in ours.items()}
    if code and all(by_way.values()):
        return [Ban(need.need_id, "*", code)]
    if not code and not any(by_way.values()) and not less:
        return []
    ways = ((offer.resource_id, way_of(offer, facts)) for offer in offers)
    codes = ((resource_id, by_way.get(way, code) or less.get(way, "")) for resource_id, way in ways)
    return [Ban(need.need_id, resource_id, why) for resource_id, why in codes if why]
