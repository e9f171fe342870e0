"""Where a list says that a household lives, and who follows when it lives elsewhere.

Enters: a household, and its district, street and village as its source tells them. Leaves: what to write of its place.
A street that staff have overruled is no news as long as the list goes on telling it; any other one is. Called by
`register` and `place`; the rooms above follow by `WHEN_MOVED`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace.actors import Actor
from marketplace.households.models import Household
from marketplace.intake.places import is_town

Moved = Callable[..., object]
WHEN_MOVED: list[Moved] = []
"""Called with a household that lives elsewhere now and the district it left; filled by whoever takes its work along."""


def place_told(home: Household, /, *, district: str, street: str, village: str) -> dict[str, Any]:
    """The fields of a household's place; empty text: not told."""
    same = district == home.district_code
    if same and street and street == home.overruled_street:
        street = village = ""
    overruled = home.overruled_street if same and not street else ""
    street = street or (home.street_code if same else "")
    stays = street == home.street_code
    return {
        "district_code": district,
        "street_code": street,
        "urban": is_town(street) if street and not stays else home.urban,
        "village_code": village or (home.village_code if stays else ""),
        "overruled_street": overruled,
    }


def overrule(home: Household, street: str, /) -> None:
    """Staff say that it lives in this street: what a list told stays known, so that telling it again is no news."""
    told = home.overruled_street or home.street_code
    home.overruled_street, home.street_code = "" if told == street else told, street


def follow(session: Session, home: Household, /, *, was: str, actor: Actor, now: datetime) -> None:
    """It lives elsewhere now: what waits of it goes along."""
    for each in WHEN_MOVED:
        each(session, home, was=was, actor=actor, now=now)
