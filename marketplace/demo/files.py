"""The demo city as the files that its register and its charities would send.

What enters: households or past aid of the demo. What leaves: CSV bytes in the public column names, which go through the
ordinary import. A few rows are as files are in life: an amount with a slipped comma, which the import holds for a
person, and a need that nobody has verified yet. Called by `build`, by tests, and to make example files.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import StringIO

from adapters.ports import AID_COLUMNS, NEED_COLUMNS
from marketplace.calendar import last_before
from marketplace.demo.values import DemoAid, DemoHousehold, DemoNeed, DemoPerson
from marketplace.reference.needs import MONEY
from marketplace.reference.words import label, list_codes

SOURCE = "civil_affairs"
SLIP = 100
"""One hundred times too much: fen for yuan, the commonest slip."""
SLIPPED_EVERY = 150
UNVERIFIED_EVERY = 100
_GRADES = "一二三四"


def needs_file(homes: Sequence[DemoHousehold], /, *, verifier_id: str) -> bytes:
    """The needs of these households with their members, one row a need."""
    return _csv(NEED_COLUMNS, (_need(home, need, verifier_id) for home in homes for need in home.needs))


def aid_file(aid: Iterable[DemoAid], /, *, numbers: Mapping[str, str], givers: Mapping[str, str]) -> bytes:
    """Past aid by the ID number of the household's head, as another body would tell it."""
    rows = (
        {
            "source_id": row.key,
            "head_id_number": numbers[row.household_key],
            "category": row.kind,
            "units": row.units,
            "unit": _unit(row.unit),
            "given_on": row.given_on.isoformat(),
            "state": "delivered",
            "giver": givers.get(row.org_key, "民政部门"),
        }
        for row in aid
    )
    return _csv((*AID_COLUMNS, "unit"), rows)


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> bytes:
    text = StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _unit(code: str) -> str:
    """Money is written in fen, and says so."""
    return "分" if code == MONEY else ""


def is_slipped(need: DemoNeed) -> bool:
    """Whether the file says a hundred times what is meant."""
    return _number(need) % SLIPPED_EVERY == SLIPPED_EVERY - 1


def is_unverified(need: DemoNeed) -> bool:
    """Whether nobody has verified the need when it comes in."""
    return _number(need) % UNVERIFIED_EVERY == 0 and not is_slipped(need)


def _number(need: DemoNeed) -> int:
    return int(need.household_key.removeprefix("H"))


def _need(home: DemoHousehold, need: DemoNeed, verifier_id: str) -> dict[str, object]:
    row: dict[str, object] = {
        "source_id": need.key,
        "household_ref": home.key,
        **_household(home),
        "category": need.kind,
        "unit": _unit(need.unit),
        "gap": need.amount * (SLIP if is_slipped(need) else 1),
        "urgency": need.urgency,
        "valid_from": need.valid_from.isoformat(),
        "valid_to": last_before(need.valid_to).isoformat(),
        "tags": ";".join(sorted(home.tags)),
    }
    if is_unverified(need):
        return row | {"verification_level": 0}
    return row | {
        "verification_level": need.verification_level,
        "evidence": label("verification_level", need.verification_level),
        "verifier": verifier_id,
        "verified_on": need.valid_from.isoformat(),
        "referral_reason": need.referral_reason,
        "government_decision": "；".join(_government(need)),
    }


def _household(home: DemoHousehold) -> dict[str, object]:
    head, *others = home.members
    return {
        "head_name": head.name,
        "head_id_number": head.id_number,
        "phone": home.phone,
        "address": home.address,
        "district_code": home.district_code,
        "street_code": home.street_code,
        "members": ";".join(f"{label('relation', p.relation)}/{p.name}/{p.id_number}" for p in others) or "1",
        "payee_account": f"演示 {home.phone}",
        "health_note": "；".join(_health(head)),
    }


def _health(person: DemoPerson) -> Iterator[str]:
    if person.illness:
        yield label("diagnosis_group", person.illness)
    if person.disability:
        kind, grade = person.disability
        yield f"{label('disability', kind)}{_GRADES[grade - 1]}级"


def _government(need: DemoNeed) -> Iterator[str]:
    verdict = "已享受" if need.referral_reason == "STILL_IN_NEED" else "不符合条件"
    for code in need.government_items:
        known = "aid_item" if code in _AID_ITEMS else "department"
        yield f"{label(known, code)}：{verdict}"


_AID_ITEMS = frozenset(list_codes("aid_item"))
