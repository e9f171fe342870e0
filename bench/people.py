"""A made-up Chinese register with the traps of a real one, and who is who in it.

What enters: how many people, a seed, and the folder with name counts and place names (read, never kept). What leaves:
columns for `matching.identity.link` and the true person of each row. Called by `bench.link`. Homonyms come at the rate
of the national counts; one home shares surname, address and telephone; one birth in ninety is of twins; partners'
lists are short and dirty: no ID number, sound-alike or old characters, slips in dates and telephones, old district
names, half addresses, pinyin. A few people stand under another's number.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from random import Random

from pypinyin import lazy_pinyin

COLUMNS = ("source", "name", "sex", "birth_date", "id_number", "phone", "address", "district", "household_id")
_WEIGHTS, _CHECKS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2), "10X98765432"
_ROAD_WORDS = "人民建设解放中山和平松石红锦龙山学府民生新华长江嘉陵滨江工农胜利文化青年朝阳南坪"
_ROADS = [_ROAD_WORDS[at : at + 2] for at in range(0, len(_ROAD_WORDS), 2)]
_MORE = "明丽华英秀国建文玉春海小志红德云平金晓军永兰桂林荣伟萍东芳淑福生美霞梅光祥珍新家清辉龙雪燕波敏佳"
_OLD = str.maketrans(
    "张陈刘杨黄赵吴罗郑谢邓萧叶苏国华伟丽军红强兰凤云胜庆杰银宝学",
    "張陳劉楊黃趙吳羅鄭謝鄧蕭葉蘇國華偉麗軍紅強蘭鳳雲勝慶傑銀寶學",
)
_SWAPS = {"伟": "威", "丽": "莉", "英": "颖", "芳": "方", "军": "君", "静": "晶", "明": "鸣", "华": "花", "玉": "钰",
          "秀": "绣", "志": "智", "红": "虹", "霞": "侠", "建": "健", "国": "帼", "燕": "艳", "辉": "晖", "佳": "嘉",
          "文": "雯", "梅": "玫", "平": "萍", "德": "得", "永": "勇", "兰": "岚", "清": "青", "敏": "闵"}  # fmt: skip


@dataclass(slots=True)
class Names:
    """Surnames and given names with their counts, and the characters that make the rarer given names."""

    surnames: list[str]
    surname_counts: list[float]
    given: list[str]
    given_counts: list[float]
    common: float
    marks: list[str]
    mark_counts: list[float]
    streets: list[tuple[str, str]] = field(default_factory=list)
    districts: dict[str, str] = field(default_factory=dict)


def read_names(data: Path) -> Names:
    """Counts of surnames and given names, streets and districts."""
    rows = _table(data / "cn_name_frequency" / "familyname.csv")
    surnames = [(row["surname"], float(row["n.1930_2008"] or 0)) for row in rows]
    rows = _table(data / "cn_name_frequency" / "top1000name.prov.csv")
    given = [(row["name"], float(row["n.male"]) + float(row["n.female"])) for row in rows]
    common = sum(count for _, count in given) / sum(count for _, count in surnames)
    marks: dict[str, float] = dict.fromkeys(_MORE, 100000.0)
    for name, count in given:
        for mark in name:
            marks[mark] = marks.get(mark, 0) + count
    streets = [(row["area_code"], row["name"]) for row in _table(data / "chongqing_divisions" / "streets.csv")]
    districts = {row["code"]: row["name"] for row in _table(data / "chongqing_divisions" / "districts.csv")}
    one, two = zip(*surnames, strict=True), zip(*given, strict=True)
    return Names(*map(list, one), *map(list, two), common, list(marks), list(marks.values()), streets, districts)  # type: ignore[arg-type]


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


@dataclass(slots=True)
class Person:
    """One true person."""

    surname: str
    given: str
    sex: str
    born: date
    number: str
    phone: str
    address: str
    area: str
    home: str


def number_of(area: str, born: date, seq: int) -> str:
    """An ID number of nobody: 5099 belongs to no place."""
    first = f"5099{area[4:6]}{born:%Y%m%d}{seq:03d}"
    return first + _CHECKS[sum(int(d) * w for d, w in zip(first, _WEIGHTS, strict=True)) % 11]


class Register:
    """People in homes; `people` in order."""

    def __init__(self, names: Names, size: int, *, seed: int) -> None:
        self.names, self.draw = names, Random(seed)
        size_of = size + 8
        self._surnames = iter(self.draw.choices(names.surnames, names.surname_counts, k=2 * size_of))
        self._given = iter(self.draw.choices(names.given, names.given_counts, k=2 * size_of))
        self._marks = iter(self.draw.choices(names.marks, names.mark_counts, k=6 * size_of))
        self.people: list[Person] = []
        while len(self.people) < size:
            self._home(f"H{len(self.people)}")
        del self.people[size:]

    def _one_given(self, shared: str = "") -> str:
        if shared:
            return shared + next(self._marks)
        if self.draw.random() < self.names.common:
            return next(self._given)
        return "".join(next(self._marks) for _ in range(2 if self.draw.random() < 0.85 else 1))

    def _home(self, home: str) -> None:
        draw = self.draw
        area, street = draw.choice(self.names.streets)
        road = f"{draw.choice(_ROADS)}路{draw.randint(1, 300)}号"
        flat = f"{draw.randint(1, 12)}栋{draw.randint(1, 4)}单元{draw.randint(1, 20)}-{draw.randint(1, 6)}"
        if draw.random() < 0.3:
            road, flat = (
                f"{draw.choice(_MORE)}{draw.choice('龙凤石桥')}村{draw.randint(1, 12)}组",
                f"{draw.randint(1, 150)}号",
            )
        where = f"{self.names.districts.get(area, '')}{street}{road}{flat}"
        phone = f"1{draw.choice((3, 5, 7, 8))}{draw.randint(0, 10**9 - 1):09d}"
        surname, shared = next(self._surnames), draw.choice(_MORE) if draw.random() < 0.4 else ""
        year = draw.randint(1935, 1995)
        for at in range(draw.choices((1, 2, 3, 4, 5), (25, 28, 25, 14, 8))[0]):
            last = next(self._surnames) if at == 1 else surname
            born = date(year + (draw.randint(-4, 4) if at < 2 else draw.randint(20, 34)), 1, 1)
            own = phone if draw.random() < 0.7 else f"1{draw.choice((3, 5, 7, 8))}{draw.randint(0, 10**9 - 1):09d}"
            given = self._one_given(shared if at >= 2 else "")
            self._add(last, given, born + timedelta(draw.randint(0, 364)), own, where, area, home)
            if at >= 2 and draw.random() < 1 / 90:
                twin = self.people[-1]
                self._add(
                    last, self._one_given(given[0] if len(given) > 1 else ""), twin.born, twin.phone, where, area, home
                )

    def _add(self, surname: str, given: str, born: date, phone: str, where: str, area: str, home: str) -> None:
        born = min(born, date(2026, 10, 31))
        seq = self.draw.randint(0, 999)
        number = number_of(area, born, seq)
        sex = "男" if seq % 2 else "女"
        self.people.append(Person(surname, given, sex, born, number, phone, where, area, home))


def row_of(person: Person) -> list[str]:
    """As the register has it."""
    born = person.born.isoformat()
    return ["register", person.surname + person.given, person.sex, born, person.number, person.phone, person.address,
            person.area, person.home]  # fmt: skip


def dirty(person: Person, names: Names, draw: Random) -> list[str]:
    """As a partner's list has it."""
    name = _written(person, draw)
    born = _slipped_date(person.born, draw) if draw.random() < 0.8 else ""
    number = _slipped(person.number, draw, 0.06) if draw.random() < 0.3 else ""
    phone = _slipped(person.phone, draw, 0.05) if draw.random() < 0.8 else ""
    if phone and draw.random() < 0.15:
        phone = f"1{draw.choice((3, 5, 7, 8))}{draw.randint(0, 10**9 - 1):09d}"
    where = _half(person.address, draw) if draw.random() < 0.75 else ""
    sex = person.sex if draw.random() < 0.985 else "男女"[person.sex == "男"]
    area = names.districts.get(person.area, "") if draw.random() < 0.85 else ""
    if person.area in ("500105", "500112") and draw.random() < 0.5:
        area = "两江新区"
    return ["partner", name, sex if draw.random() < 0.8 else "", born, number, phone, where, area, ""]


def _written(person: Person, draw: Random) -> str:
    luck, name = draw.random(), person.surname + person.given
    if luck < 0.03:
        return name.translate(_OLD)
    if luck < 0.07:
        return person.surname + "".join(_SWAPS.get(mark, mark) for mark in person.given)
    if luck < 0.09:
        return " ".join((*lazy_pinyin(person.given), *lazy_pinyin(person.surname))).title()
    if luck < 0.10 and len(person.given) > 1:
        return person.surname + person.given[1]
    return name if luck < 0.95 else f"{person.surname} {person.given}"


def _slipped(text: str, draw: Random, share: float) -> str:
    if draw.random() >= share:
        return text
    at = draw.randrange(len(text) - 1)
    return text[:at] + str(draw.randint(0, 9)) + text[at + 1 :]


def _slipped_date(born: date, draw: Random) -> str:
    text = draw.choice(
        (f"{born:%Y-%m-%d}", f"{born:%Y/%m/%d}", f"{born:%Y%m%d}", f"{born.year}年{born.month}月{born.day}日")
    )
    luck = draw.random()
    if luck < 0.04 and born.day <= 12:
        return f"{born.year}-{born.day:02d}-{born.month:02d}"
    if luck < 0.07:
        return f"{born.year + draw.choice((-1, 1))}-{born.month:02d}-{born.day:02d}"
    return f"{born.year}-{born.month:02d}" if luck < 0.09 else text


def _half(text: str, draw: Random) -> str:
    luck = draw.random()
    if luck < 0.25:
        return text.split("单元")[0]
    if luck < 0.45:
        return "重庆市" + text
    if luck < 0.6:
        return text.replace("栋", "幢").replace("街道", "")
    if luck < 0.7:
        return f"{draw.choice(_ROADS)}路{draw.randint(1, 300)}号"
    return text


def register(names: Names, size: int, *, copies: float, seed: int) -> tuple[dict[str, list[str]], list[int]]:
    """Columns and the true person of each row: `size` people, a share of them a second time in a partner's list."""
    people = Register(names, size, seed=seed).people
    draw = Random(seed + 1)
    rows = [row_of(person) for person in people]
    truth = list(range(size))
    for at in draw.sample(range(size), int(copies * size)):
        rows.append(dirty(people[at], names, draw))
        truth.append(at)
    for at in draw.sample(range(size), size // 500):
        rows[at][4] = rows[(at + 1) % size][4]
    return dict(zip(COLUMNS, map(list, zip(*rows, strict=True)), strict=True)), truth
