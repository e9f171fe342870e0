"""A generated city as rows of a database: what the benches of a house of city size furnish it with.

What enters: an empty database of the app and a problem of `matching.generate`. What leaves: its givers, offers,
households, consents and needs in the tables, ids and numbers only, with no person. The city's ten goods become ten
kinds of needs; rows are written in bulk, past the services, because a bench of runs is no bench of imports.
Called by `run` and `quote`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import insert
from sqlmodel import Session

from marketplace.actors import Actor, Role
from marketplace.calendar import local_day
from marketplace.consent import service as consent
from marketplace.consent.models import Consent, ConsentHead
from marketplace.db import Database
from marketplace.households.models import Household
from marketplace.needs.models import Need, NeedState
from marketplace.offers.models import Acceptance, Offer, OfferState
from marketplace.organisations.agreements import purposes_of_needs
from marketplace.organisations.models import Organisation, OrganisationKind, OrganisationState
from marketplace.reference.districts import current
from marketplace.reference.needs import need_kind
from matching import model
from matching.model import Problem

KINDS = {
    "rice": "LIVING.FOOD_PACK",
    "oil": "CARE.MEAL",
    "quilt": "LIVING.GOODS",
    "coat": "LIVING.APPLIANCE",
    "medical": "MEDICAL.LONGTERM_DRUG",
    "heating": "HOUSING.RENT",
    "care": "CARE.HOME_CARE",
    "tutoring": "EDU.TUTORING",
    "milk": "SOCIAL.INCLUSION",
    "transport": "CARE.VISIT",
}
"""The generator's goods ► kinds of needs of the house. Some of the kinds' rules bear on them, as in a real run."""
BATCH = 5_000
YEAR = timedelta(days=365)


def furnish(database: Database, problem: Problem, *, now: datetime) -> None:
    """Write a city's givers, offers, households with one consent each, and verified needs, in one transaction."""
    towns = dict(zip(_districts(problem), _codes(now), strict=False))
    with database.transaction() as session:
        put(session, Organisation, (_organisation(org, n, now) for n, org in enumerate(_givers(problem))))
        homes = dict(sorted((need.household_id, towns[need.district]) for need in problem.needs))
        put(session, Household, (_household(home, code, now) for home, code in homes.items()))
        put(session, Offer, (_offer(one, towns, now) for one in problem.resources))
        put(session, Need, (_need(one, homes, now) for one in problem.needs))
        consents(session, list(homes), now=now)


def put(session: Session, table: Any, rows: Iterable[dict[str, Any]]) -> None:
    """Insert rows of one table in bulk, with the model's own defaults."""
    kept = [table(**row).model_dump() for row in rows]
    for at in range(0, len(kept), BATCH):
        session.execute(insert(table), kept[at : at + BATCH])
    session.flush()


def consents(session: Session, homes: list[str], *, now: datetime) -> None:
    """One real consent to matching, and as many copies as there are other households."""
    first = session.get_one(Household, homes[0])
    actor = Actor(id="bench", role=Role.HOUSEHOLD, household_id=first.id)
    given = consent.give_auto_match(session, first, actor=actor, now=now)
    head = session.get_one(ConsentHead, given.chain_id)
    whole = (given.model_dump() | {"chain_id": f"chain-{n}", "household_id": home} for n, home in enumerate(homes[1:]))
    heads = (head.model_dump() | {"chain_id": f"chain-{n}", "household_id": home} for n, home in enumerate(homes[1:]))
    put(session, Consent, whole)
    put(session, ConsentHead, heads)


def _districts(problem: Problem) -> list[str]:
    return sorted({need.district for need in problem.needs} | {d for one in problem.resources for d in one.districts})


def _codes(now: datetime) -> Iterator[str]:
    """Codes of real districts, again from the first when the city has more of them."""
    codes = [district.code for district in current(local_day(now))]
    while True:
        yield from codes


def _givers(problem: Problem) -> list[str]:
    return sorted({one.org_id for one in problem.resources})


def _organisation(org: str, n: int, now: datetime) -> dict[str, Any]:
    today = local_day(now)
    return {
        **{"id": org, "name": f"测试慈善会{n}", "credit_code": f"bench-{n:08d}", "created_at": now},
        **{"kind": OrganisationKind.CHARITY, "state": OrganisationState.ACTIVE},
        **{"contract_from": today - YEAR, "contract_to": today + YEAR, "purposes": list(purposes_of_needs())},
    }


def _household(home: str, district: str, now: datetime) -> dict[str, Any]:
    named = {"id": home, "source": "bench", "source_index": home, "created_at": now}
    return named | {"district_code": district, "size": 1}


def _offer(one: model.Resource, towns: dict[str, str], now: datetime) -> dict[str, Any]:
    kind = need_kind(KINDS[one.category])
    return {
        **{"id": one.resource_id, "org_id": one.org_id, "source_index": one.resource_id, "title": "测试资源"},
        **{"category": kind.code, "unit": kind.unit, "stock_units": one.stock, "lot": one.lot},
        **{"min_per_need": one.min_per_need, "max_per_need": one.max_per_need},
        "max_per_household": one.max_per_household,
        "districts": sorted({towns[name] for name in one.districts} or {"*"}),
        **{"tags_any": sorted(one.tags_any), "tags_all": sorted(one.tags_all), "tags_none": sorted(one.tags_none)},
        **{"min_urgency": one.min_urgency, "unit_cost_fen": one.unit_cost, "acceptance": Acceptance.STANDING},
        **{"state": OfferState.OPEN, "created_by": "bench", "created_at": now, "updated_at": now},
    }


def _need(one: model.Need, homes: dict[str, str], now: datetime) -> dict[str, Any]:
    kind = need_kind(KINDS[one.category])
    return {
        **{"id": one.need_id, "source": "bench", "source_index": one.need_id, "household_id": one.household_id},
        **{"district_code": homes[one.household_id], "category": kind.code, "unit": kind.unit, "gap_units": one.gap},
        **{"urgency": one.urgency, "period": one.need_id, "tags": sorted(one.tags), "state": NeedState.VERIFIED},
        **{"one_provider": one.one_provider, "all_or_nothing": one.all_or_nothing, "verification_level": 3},
        **{"created_at": now, "updated_at": now},
    }
