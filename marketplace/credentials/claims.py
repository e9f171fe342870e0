"""What a credential may say of a household: bands by default, personal fields only where they were consented.

Enters: a consent, the fields to be shown, and the needs it is about. Leaves: claims for `tokens.issue`. Called by
`credentials.service`, which has asked the consent; nothing here decides who may see what.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.consent.models import Consent
from marketplace.households.models import Household, Person
from marketplace.households.reaching import closed_fields
from marketplace.needs.models import Need, NeedState
from marketplace.reference.needs import need_kind
from marketplace.sealed import Sealed, vault_of

PERSONAL: Mapping[str, str] = {
    "name": "name",
    "phone": "phone",
    "address": "address",
    "birth_date": "birth_date",
    "id_number": "id_number",
    "diagnosis_group": "health",
}
"""Consent field, and claim ► the sealed column of the person that answers it."""
OF_ALL: Mapping[str, str] = {"household_size": "household", "district_code": "county", "kind": "category"}
"""Fact of a household as a whole ► the claim that says it, whoever the credential is about."""
METHODS = {1: "declared", 2: "documents", 3: "data_match", 4: "home_visit"}
LIFE = timedelta(days=90)
VERIFIED_FOR = timedelta(days=365)
MOST_NEEDS = 8
_STEPS = (1, 2, 5)


def needs_for(session: Session, consent: Consent, /, *, need_ids: Sequence[str] = ()) -> list[Need]:
    """The household's verified needs that this purpose is for, the newest first; `need_ids` narrows them."""
    asked = select(Need).where(col(Need.household_id) == consent.household_id, col(Need.state) == NeedState.VERIFIED)
    asked = asked.where(col(Need.verification_level) > 0)
    if need_ids:
        asked = asked.where(col(Need.id).in_(list(need_ids)))
    found = session.exec(asked.order_by(col(Need.verified_on).desc(), col(Need.id))).all()
    return [need for need in found if need_kind(need.category).purpose == consent.purpose.value][:MOST_NEEDS]


def selective(
    session: Session, consent: Consent, /, *, fields: Sequence[str], household: Household, needs: Sequence[Need]
) -> dict[str, Any]:
    """The claims that may be disclosed one by one; what is not asked for is not in the credential at all."""
    claims: dict[str, Any] = {}
    if "county" in fields:
        claims["county"] = household.district_code
    if "category" in fields and household.kind:
        claims["category"] = household.kind
    if "household_size_band" in fields:
        claims["household"] = {"size_band": size_band(household.size)}
    if "need_code" in fields:
        claims["needs"] = [_need(need, amounts="amount_band" in fields) for need in needs]
    if "payee_token" in fields:
        used = f"payee_token|{consent.recipient_org_id}"
        claims["payee_token"] = vault_of(session).index(used, consent.chain_id)[:8].upper()
    claims.update(_personal(session, consent, fields))
    return claims


def _need(need: Need, *, amounts: bool) -> dict[str, str]:
    said = {"code": need.category}
    if amounts:
        said["amount_band"] = amount_band(need.gap_units, unit=need.unit)
    if need.valid_to is not None:
        said["deadline"] = need.valid_to.isoformat()
    return said


def _personal(session: Session, consent: Consent, fields: Sequence[str]) -> dict[str, str]:
    person = session.get(Person, consent.person_id) if consent.person_id else None
    found: dict[str, str] = {}
    closed = closed_fields(session, person) if person is not None else frozenset()
    for field, column in PERSONAL.items():
        sealed = getattr(person, column) if person is not None and field in fields and field not in closed else None
        if person is not None and isinstance(sealed, Sealed):
            found[field] = vault_of(session).open(session, person.id, column=f"person.{column}", sealed=sealed)
    return found


def claims_of(fact: str, /) -> frozenset[str]:
    """The claims that say this fact of a record; a day of birth goes with the number that holds it."""
    if fact in OF_ALL:
        return frozenset({OF_ALL[fact]})
    columns = {fact, "birth_date"} if fact == "id_number" else {fact}
    return frozenset(claim for claim, column in PERSONAL.items() if column in columns)


def size_band(size: int) -> str:
    """How many live there, roughly.

    >>> [size_band(n) for n in (1, 2, 4, 7)]
    ['1', '2-3', '4-5', '6+']
    """
    return "1" if size <= 1 else "2-3" if size <= 3 else "4-5" if size <= 5 else "6+"


def amount_band(units: int, *, unit: str) -> str:
    """The band between two round numbers; money in whole yuan.

    >>> amount_band(130_000, unit="FEN"), amount_band(10, unit="PACK")
    ('1000-2000 CNY', '10-20 PACK')
    """
    value, shown = (units // 100, "CNY") if unit == "FEN" else (units, unit)
    if value < 1:
        return f"0-1 {shown}"
    decade = 10 ** (len(str(value)) - 1)
    low = max(step for step in _STEPS if step * decade <= value) * decade
    high = low * 2 if str(low)[0] != "2" else low * 5 // 2
    return f"{low}-{high} {shown}"


def verification(needs: Sequence[Need], *, district: str) -> dict[str, Any]:
    """How well the needs are verified: the weakest of them speaks."""
    weakest = min(needs, key=lambda need: (need.verification_level, need.verified_on or date.min))
    month = min((need.verified_on for need in needs if need.verified_on), default=None)
    return {
        "level": weakest.verification_level,
        "method": METHODS[weakest.verification_level],
        "month": month.strftime("%Y-%m") if month else "",
        "valid_until": valid_until(needs).isoformat(),
        "office": district,
    }


def valid_until(needs: Sequence[Need]) -> date:
    """The last day on which the verification still holds: the end of its month, so that the day tells nothing."""
    days = [need.valid_to or (need.verified_on or local_day(need.created_at)) + VERIFIED_FOR for need in needs]
    first = min(days)
    return first.replace(day=monthrange(first.year, first.month)[1])


def period(consent: Consent, needs: Sequence[Need], *, now: datetime) -> tuple[int, int]:
    """(issued, expires) in seconds, to the day: the consent, the verification and 90 days each set an end."""
    issued = int(datetime.combine(now.astimezone(UTC).date(), time(), UTC).timestamp())
    verified = datetime.combine(valid_until(needs) + timedelta(days=1), time(), UTC)
    last = min(consent.valid_to, verified, datetime.fromtimestamp(issued, UTC) + LIFE)
    whole_day = datetime.combine(last.astimezone(UTC).date(), time(), UTC)
    return issued, int((whole_day if whole_day > now else last).timestamp())
