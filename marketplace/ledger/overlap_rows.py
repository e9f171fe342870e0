"""The rules against helping twice as rows of the allocator's problem.

Enters: the needs of a run, the givers' offers, the household's live aid. Leaves: bans with the rule's code, household
caps, cool-offs, needs with a smaller gap, exclusive groups, and what was stopped, as evidence. Each row comes from the
judge that approval asks again; `overlap_ways` chooses among givers. Called by `proposals.problem`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from sqlmodel import Session

from marketplace.households.same import Same
from marketplace.ledger.claiming import shows_papers_first
from marketplace.ledger.overlap import programme_of
from marketplace.ledger.overlap_facts import Facts, read
from marketplace.ledger.overlap_ways import choose, fits, left_of, shared_of, way_of
from matching.model import Ban, Cap, CoolOff, Need, Resource
from matching.overlap_judge import judge
from matching.overlap_rules import Asked, Given, Rule, Verdict

BY_HOUSEHOLD = ("LIFETIME_CAP", "ONCE_PER_YEAR")
"""Kinds whose limit all needs of the household in the category share: they become a cap. Others shrink the need."""
RIVAL = "?"
"""Who serves a like need in the same run is not known yet: reckoned as somebody else."""
ONE_COST = "D02"
"""The code where a need tells of a cost that another record of the same person tells of, which is served first."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """A need that a rule stopped, or cut by `units`; `because` are the ledger rows behind it."""

    need_id: str
    code: str
    units: int
    because: tuple[str, ...]


@dataclass(slots=True)
class Rows:
    """What the rules add to a problem."""

    needs: list[Need] = field(default_factory=list)
    resources: list[Resource] = field(default_factory=list)
    caps: list[Cap] = field(default_factory=list)
    bans: list[Ban] = field(default_factory=list)
    cooloffs: list[CoolOff] = field(default_factory=list)
    stopped: list[Stopped] = field(default_factory=list)
    cut: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Need ► the rule that allows it less than is open of it, and the units that stay open for that."""


def rows_for(
    session: Session,
    needs: Sequence[Need],
    resources: Sequence[Resource],
    /,
    *,
    projects: Mapping[str, str],
    same: Same,
    on: date,
) -> Rows:
    """The rows of one run, whose needs name households that count as one alike (`same.one`); `projects` are the charity
    programmes of the offers that name one. O(needs × rules of their category × past aid of their household)."""
    facts = read(session, needs, projects=projects, same=same, on=on)
    found = Rows(cooloffs=[CoolOff(category, days) for category, days in sorted(facts.cool.items())])
    offers: dict[str, list[Resource]] = {}
    for resource in resources:
        offers.setdefault(resource.category, []).append(resource)
    limits: dict[tuple[str, str], tuple[int, str]] = {}
    for need in needs:
        found.needs.append(_one(need, facts, offers.get(need.category, []), found=found, limits=limits))
    found.caps += [
        Cap(f"{code}:{household}:{category}", frozenset({category}), units, household)
        for (household, category), (units, code) in sorted(limits.items())
    ]
    found.needs = _one_of_like(found.needs, facts, offers, found=found)
    found.resources += _programmes(resources, needs, facts)
    return found


def _asked(need: Need, facts: Facts, *, open_units: int, giver: str = "", project: str = "") -> Asked:
    size, kinds, rural = facts.homes.get(need.household_id, (1, frozenset(), False))
    person = facts.persons.get(need.need_id, "")
    return Asked(
        household_id=need.household_id,
        category=need.category,
        units=open_units,
        on=facts.on,
        open_units=open_units,
        giver=facts.givers.one(giver),
        programme=programme_of(need.tags) if need.tags else "",
        cause=facts.causes.get(need.need_id, ""),
        need_id=need.need_id,
        starts_on=need.valid_from,
        ends_on=need.valid_to,
        members=max(1, size),
        rural=rural,
        related=giver in facts.related.get(need.household_id, ()),
        statuses=kinds,
        excepted=facts.excepted.get(need.need_id, frozenset()),
        apart=facts.apart.get(need.need_id, frozenset()),
        documented=shows_papers_first(need.category),
        bill=facts.bills.get(need.need_id),
        project=project,
        person=facts.people.one(person),
        others=facts.people.others(person),
        papered=facts.papered,
    )


def _open(need: Need, past: Iterable[Given]) -> int:
    return max(0, need.gap - sum(row.units for row in past if row.need_id == need.need_id))


def _rules(need: Need, facts: Facts) -> tuple[Rule, ...]:
    programme = programme_of(need.tags) if need.tags else ""
    return facts.book.about(need.district, need.category, programme)


def _one(
    need: Need, facts: Facts, offers: Sequence[Resource], *, found: Rows, limits: dict[tuple[str, str], tuple[int, str]]
) -> Need:
    """Bans and limits of one need; returns it as the allocator shall see it."""
    past, rules = facts.past.get(need.household_id, []), _rules(need, facts)
    open_units = _open(need, past)
    if not open_units:
        return need
    said = judge(_asked(need, facts, open_units=open_units), past=past, rules=rules)
    _keep(need, said, open_units=open_units, found=found)
    known = {row.giver for row in past} | facts.related.get(need.household_id, frozenset())
    near = frozenset().union(*map(facts.givers.of, known))
    had = {row.project for row in past} - {""}
    ways = {way_of(offer, facts) for offer in offers} if near or had else set()
    ours = {
        (org, project): judge(
            _asked(need, facts, open_units=open_units, giver=org, project=project), past=past, rules=rules
        )
        for org, project in sorted(ways)
        if org in near or project in had
    }
    stay = choose(need, said, ours, offers, facts, open_units=open_units)
    found.bans += stay.bans
    shared = _of_household(need, rules, facts)
    left, code = left_of(stay.verdicts, shared)
    for kind_limit in shared_of(stay.verdicts, shared):
        key = (need.household_id, need.category)
        limits[key] = min(kind_limit, limits.get(key, kind_limit))
    return need if left >= open_units else _cut(need, by=open_units - left, code=code, found=found)


def _cut(need: Need, *, by: int, code: str, found: Rows) -> Need:
    """The need as the allocator shall see it, so many units smaller, which are told with the rule."""
    found.cut[need.need_id] = (code, by + found.cut.get(need.need_id, ("", 0))[1])
    return replace(need, gap=need.gap - by)


def _of_household(need: Need, rules: Iterable[Rule], facts: Facts) -> frozenset[str]:
    """The rules whose limit a need shares with all others of its household: not those that count for a person where
    the need names its own, whose lifetime is nobody else's."""
    alone = need.need_id in facts.persons
    return frozenset(
        rule.code for rule in rules if rule.kind in BY_HOUSEHOLD and not (alone and rule.of_person(need.category))
    )


def _keep(need: Need, said: Verdict, *, open_units: int, found: Rows) -> None:
    if said.findings and said.findings[0].because:
        first, refs = said.findings[0], tuple(row.ref for row in said.findings[0].because)
        found.stopped.append(Stopped(need.need_id, first.code, open_units - first.allowed, refs))


def _one_of_like(
    needs: Sequence[Need], facts: Facts, offers: Mapping[str, Sequence[Resource]], *, found: Rows
) -> list[Need]:
    """Of a household's needs in one category, or in kinds that may be one thing, the most urgent is served first; what
    approval would refuse the others then is neither planned: they are cut, or banned with the rule's code."""
    like: dict[tuple[str, str], list[Need]] = {}
    nobody = {ban.need_id for ban in found.bans if ban.resource_id == "*"}
    for need in needs:
        thing = facts.thing(need.category)
        reached = need.need_id not in nobody and any(fits(one, need) for one in offers.get(need.category, ()))
        if (reached or thing == need.category) and _open(need, facts.past.get(need.household_id, [])):
            like.setdefault((need.household_id, thing), []).append(need)
    cut = dict[str, Need]()
    for same in like.values():
        served: list[Given] = []
        for need in sorted(same, key=lambda one: (-one.urgency, one.need_id)) if len(same) > 1 else ():
            open_units = _open(need, facts.past.get(need.household_id, []))
            left, code = _beside(need, served, facts, open_units=open_units)
            if not left:
                found.bans.append(Ban(need.need_id, "*", code))
                continue
            if left < open_units:
                cut[need.need_id] = _cut(need, by=open_units - left, code=code, found=found)
            served.append(_as_given(need, facts, units=left))
    return [cut.get(need.need_id, need) for need in needs]


def _beside(need: Need, served: Sequence[Given], facts: Facts, *, open_units: int) -> tuple[int, str]:
    """How much of a need the rules would allow once others of the household are `served`, and the tightest rule."""
    past = [*facts.past.get(need.household_id, []), *served]
    rules = [rule for rule in _rules(need, facts) if rule.kind != "LIFETIME_CAP" and not rule.per_member]
    asked = replace(_asked(need, facts, open_units=open_units), giver=RIVAL)
    binding = [f for f in judge(asked, past=past, rules=rules).findings if not set(served).isdisjoint(f.because)]
    if binding:
        return binding[0].allowed, binding[0].code
    if need.need_id in facts.shared and {row.need_id for row in served} & facts.bills[need.need_id].needs:
        return 0, ONE_COST
    return open_units, ""


def _as_given(need: Need, facts: Facts, *, units: int) -> Given:
    return Given(
        household_id=need.household_id,
        category=need.category,
        units=units,
        given_on=facts.on,
        programme=programme_of(need.tags) if need.tags else "",
        cause=facts.causes.get(need.need_id, ""),
        need_id=need.need_id,
        ref="this run",
        person=facts.people.one(facts.persons.get(need.need_id, "")),
    )


def _programmes(resources: Sequence[Resource], needs: Sequence[Need], facts: Facts) -> list[Resource]:
    """A programme's lifetime cap for households that it has not helped yet: a maximum for each household on every offer
    and, where a giver has several offers of the category, one of them only. Set where somebody could reach it; then a
    second patient of the household, who is named, is served by this programme at the next run."""
    lives = [rule for rule in facts.book.of("") if rule.kind == "LIFETIME_CAP"]
    caps = {category: units for rule in lives for category, units in rule.limits.items()}
    wanted: dict[tuple[str, str, str], int] = {}
    for need in needs:
        if need.category in caps:
            own = any(rule.of_person(need.category) for rule in lives)
            person = facts.people.one(facts.persons.get(need.need_id, "")) if own else ""
            whom = (need.household_id, person, need.category)
            wanted[whom] = wanted.get(whom, 0) + need.gap
    reached = {category for (_home, _person, category), units in wanted.items() if units > caps[category]}
    offers: dict[tuple[str, str], int] = {}
    for resource in resources:
        key = (_programme(resource, facts), resource.category)
        offers[key] = offers.get(key, 0) + 1
    return [_capped(r, caps, offers, programme=_programme(r, facts)) if r.category in reached else r for r in resources]


def _programme(resource: Resource, facts: Facts) -> str:
    return facts.projects.get(resource.resource_id) or facts.givers.one(resource.org_id)


def _capped(
    resource: Resource, caps: Mapping[str, int], offers: Mapping[tuple[str, str], int], *, programme: str
) -> Resource:
    cap = caps[resource.category]
    most = cap if resource.max_per_household is None else min(cap, resource.max_per_household)
    group = resource.exclusive_group or (
        f"D04:{programme}:{resource.category}" if offers[programme, resource.category] > 1 else None
    )
    return replace(resource, max_per_household=most, exclusive_group=group)
