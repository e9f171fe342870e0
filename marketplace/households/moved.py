"""Where a list says that a household lives, and who follows when it lives elsewhere.

Enters: a household, and its district, street and village as its source tells them. Leaves: what to write of its place.
A street that staff have overruled is no news as long as the list goes on telling it; any other one is. Called by
`register` and `place`; the rooms above follow by `WHEN_MOVED`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from marketplace import audit
from marketplace.households.models import Household
from marketplace.intake.places import is_town

Moved = Callable[..., Iterable[audit.Entry]]
WHEN_MOVED: list[Moved] = []
"""Called with a household that lives elsewhere now and the district it left; filled by whoever takes its work along and
returns the acts to be written afterwards: the log is locked last."""
HOLDING: list[Callable[..., object]] = []
"""Called with households of which the row changes, and with those of them that move, before either is written: filled
by whoever locks what comes before a household (adr/0066)."""


def hold(session: Session, changing: Sequence[str], moving: Sequence[str], /) -> None:
    """Lock what everybody locks before these households, and what goes along with those that move."""
    for each in HOLDING if changing else ():
        each(session, changing, moving)


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


def follow(session: Session, home: Household, /, *, was: str, now: datetime) -> list[audit.Entry]:
    """It lives elsewhere now: what waits of it goes along. The acts are the caller's to write, last."""
    return [act for each in WHEN_MOVED for act in each(session, home, was=was, now=now)]
