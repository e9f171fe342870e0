"""Where the households of the demo live.

What enters: a date and a seeded generator. What leaves: a street of a real district with a made-up house number. The
weights are populations of the districts in tens of thousands, rounded by hand from general knowledge of the census of
2020: good enough to make the centre denser than the mountains, not a statistic.
"""

import random
from dataclasses import dataclass
from datetime import date
from functools import cache

from marketplace.demo.draws import Weighted
from marketplace.reference import districts
from marketplace.reference.districts import Street

POPULATION = {
    "500101": 156,
    "500102": 112,
    "500103": 59,
    "500104": 42,
    "500106": 148,
    "500107": 153,
    "500108": 120,
    "500109": 84,
    "500110": 101,
    "500111": 83,
    "500113": 118,
    "500114": 49,
    "500115": 69,
    "500116": 136,
    "500117": 125,
    "500118": 115,
    "500119": 57,
    "500120": 76,
    "500151": 69,
    "500152": 69,
    "500153": 67,
    "500154": 120,
    "500155": 65,
    "500156": 36,
    "500157": 312,
    "500229": 20,
    "500230": 56,
    "500231": 65,
    "500233": 72,
    "500235": 93,
    "500236": 74,
    "500237": 46,
    "500238": 39,
    "500240": 39,
    "500241": 50,
    "500242": 61,
    "500243": 53,
}
_STREET_WEIGHT = {"SUBDISTRICT": 3.0, "TOWN": 1.2, "TOWNSHIP": 0.5}


@dataclass(frozen=True, slots=True)
class Home:
    """A street and an address in it that no house has."""

    district_code: str
    street_code: str
    address: str
    urban: bool


@cache
def _streets(on: date) -> Weighted[tuple[str, Street]]:
    pairs = []
    for district in districts.current(on):
        streets = districts.streets_of(district.code, on=on)
        total = sum(_STREET_WEIGHT[street.kind] for street in streets)
        share = POPULATION[district.code] / total
        pairs += [((district.zh, street), share * _STREET_WEIGHT[street.kind]) for street in streets]
    return Weighted(pairs)


def draw_home(pick: random.Random, *, on: date) -> Home:
    """A home in a street drawn by population."""
    district, street = _streets(on).draw(pick)
    urban = street.kind == "SUBDISTRICT"
    if urban:
        house = f"样例路{pick.randint(1, 299)}号{pick.randint(1, 12)}幢{pick.randint(1, 24)}-{pick.randint(1, 6)}"
    else:
        house = f"样例村{pick.randint(1, 12)}组{pick.randint(1, 199)}号"
    return Home(street.district_code, street.code, f"重庆市{district}{street.zh}{house}", urban)
