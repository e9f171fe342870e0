"""One application against all items: which may be owed, which begin at once, and which wait for another's result.

Enters: the answers of an application (codes and whole fen) and the rules of the day. Leaves: a plan, item by item; a
plan decides nothing, it only says whom to ask. A family that was identified already has only its spending checked; a
sudden event takes the fast path; benefits by label follow the label without an application. Called by `service`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from marketplace.cases.rules import FAST, in_order, path_of, standard, waits_for
from marketplace.reference.tables import codes, rows

LABELS = {"DIBAO": "DIBAO", "TEKUN": "TEKUN", "DIBIAN": "DIBIAN_GANGXING", "GANGXING": "DIBIAN_GANGXING"}
"""A label that a family has already ► the item that gave it."""


def classes_in(code: str, /) -> list[str]:
    """The labels that an item can give, where it has more than one: whoever grants it says which."""
    found = [label for label, item in LABELS.items() if item == code]
    return found if len(found) > 1 else []


BY_LABEL = ("JIAGE_SHUIDIANQI", "YANGLAO_DAIJIAO", "LAJI_JIANMIAN")
LABEL_CHANNEL = "label"
"""How a case came that nobody applied for: a class brought it, and nothing is signed."""
WANTS = ("living", "illness", "accident", "housing", "work", "disability", "schooling", "return")
"""What the tiles of the first page offer."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the family told once. Money is whole fen: income of a month, savings, spending of twelve months."""

    size: int = 1
    urban: bool = True
    income_fen: int = 0
    savings_fen: int = 0
    medical_fen: int = 0
    schooling_fen: int = 0
    label: str = ""
    wants: tuple[str, ...] = ()
    ticks: tuple[str, ...] = ()

    @classmethod
    def read(cls, answers: Mapping[str, Any], /, *, size: int, urban: bool) -> Facts:
        """The answers of a case as they were stored."""
        money = {name: int(answers.get(name) or 0) for name in MONEY}
        return cls(
            size=int(answers.get("size") or size or 1),
            urban=urban,
            label=str(answers.get("label") or ""),
            wants=tuple(answers.get("wants") or ()),
            ticks=tuple(answers.get("ticks") or ()),
            **money,
        )


MONEY = ("income_fen", "savings_fen", "medical_fen", "schooling_fen")


@dataclass(frozen=True, slots=True)
class Planned:
    """One item to be asked about: its path, and the items of the same plan that it waits for."""

    code: str
    path: str
    after: tuple[str, ...] = field(default=())


def plan(
    facts: Facts,
    /,
    *,
    district: str,
    on: date,
    only: Collection[str] = (),
    granted: Collection[str] = (),
    running: Collection[str] = (),
) -> list[Planned]:
    """The items that this family may be owed, each after those it waits for.

    `only` are items that were asked for by name (a code at a counter leads straight to one): they are asked about
    whatever the gate says, and of the wish for them nothing else but what follows. Other wishes are looked at too.
    What is `granted` or `running` by another application is left out; what waits for a running one waits for it there.
    """
    owed = may_be_owed(facts, district=district, on=on, only=only)
    done = {LABELS[facts.label]} if facts.label in LABELS else set()
    done |= set(granted)
    here: Any = {"district": district, "on": on}
    shut = _shut_out(done, **here)
    chosen = [code for code in in_order(**here) if code in owed and code not in {*done, *running, *shut}]
    planned = []
    for code in chosen:
        waits = waits_for(code, **here)
        before = () if set(waits) & done else tuple(one for one in waits if one in {*chosen, *running})
        name = FAST if code == "LINSHI" and "sudden" in facts.ticks else ""
        planned.append(Planned(code, name or unhurried_path(code, facts, **here), before))
    if planned or owed or "DIBAO" in {*done, *running, *shut}:
        return planned
    return [_asked_all_the_same(district=district, on=on)]


def may_be_owed(facts: Facts, /, *, district: str, on: date, only: Collection[str] = ()) -> set[str]:
    """The items whose wide gate this family passes; of the wishes for what was asked for by name only that, with what
    follows it."""
    owed = _through_the_gate(facts, district=district, on=on)
    if not only:
        return owed
    named = set(only)
    besides = tuple(want for want in facts.wants if not items_of(want) & named)
    other = _through_the_gate(replace(facts, wants=besides), district=district, on=on) if besides else set()
    return named | other | {code for code in owed if set(waits_for(code, district=district, on=on)) & named}


def _through_the_gate(facts: Facts, *, district: str, on: date) -> set[str]:
    return {code for code in in_order(district=district, on=on) if _may_be_owed(code, facts, district=district, on=on)}


def items_of(want: str, /) -> set[str]:
    """The items for which a wish stands."""
    return {code for row in rows("want_needs") if row["want"] == want for code in codes(row["items"])}


def wishes_for(only: Collection[str], /) -> list[str]:
    """The wishes that the items asked for by name stand for, where each stands for one."""
    meant = [[want for want in WANTS if code in items_of(want)] for code in only]
    return sorted({wants[0] for wants in meant if len(wants) == 1}, key=WANTS.index)


def by_label(facts: Facts, /, *, district: str, on: date) -> list[Planned]:
    """What a class brings without an application; what nobody was asked, the department finds out."""
    held = LABELS.get(facts.label, "")
    wide = replace(facts, ticks=("no_pension",))
    return [
        Planned(code, path_of(code, district=district, on=on).name)
        for code in in_order(district=district, on=on)
        if code in BY_LABEL
        and waits_for(code, district=district, on=on).get(held) == "granted"
        and _may_be_owed(code, wide, district=district, on=on)
    ]


def _asked_all_the_same(*, district: str, on: date) -> Planned:
    """Nothing of the table seems to fit: a person looks and answers in writing all the same."""
    return Planned("DIBAO", path_of("DIBAO", district=district, on=on).name)


def _shut_out(done: set[str], *, district: str, on: date) -> set[str]:
    """The items that only follow the refusal of a class that the family has, or of one that is shut out by it
    (R2.25): nobody will refuse those."""
    shut: set[str] = set()
    for code in in_order(district=district, on=on):
        waits = waits_for(code, district=district, on=on)
        if any(waits.get(held) == "refused" for held in done | shut):
            shut.add(code)
    return shut


def unhurried_path(code: str, facts: Facts, /, *, district: str, on: date) -> str:
    """The path of an item where nothing is sudden: of a family that was identified only its spending is checked."""
    if code == "LINSHI" and facts.label in classes_in("DIBIAN_GANGXING"):
        return "LINSHI_SPENDING"
    return path_of(code, district=district, on=on).name


def _may_be_owed(code: str, facts: Facts, *, district: str, on: date) -> bool:
    """A wide gate: it leaves out what cannot be, and refuses nobody who could be owed something."""
    wants, ticks = set(facts.wants), set(facts.ticks)
    wealth = _under_borderline_wealth(facts, district=district, on=on)
    lasting = bool(wants & {"living", "illness", "schooling", "disability"})
    without = bool(wants & {"work", "housing", "return"}) and class_tests(facts, district=district, on=on).dibao
    poor = wealth and (lasting or without)
    basic = bool({"DIBAO", "TEKUN"} & {facts.label})
    match code:
        case "DIBAO" | "DIBIAN_GANGXING":
            return poor
        case "TEKUN":
            return poor and "no_kin" in ticks
        case "LINSHI":
            school = "schooling" in wants and (facts.schooling_fen > 0 or "freshman" in ticks)
            return bool(wants & {"illness", "accident"}) or school or "sudden" in ticks
        case "CANJI_BUTIE":
            return "disability" in wants or "disabled" in ticks
        case "JIUYE_KUNNAN":
            return "work" in wants or "jobless" in ticks
        case "GONGZU":
            return "housing" in wants and facts.urban
        case "WEIFANG":
            return "unsafe_house" in ticks and not facts.urban
        case "YILIAO_JIUZHU":
            return "illness" in wants or facts.medical_fen > 0
        case "FANGPIN_BANGFU":
            return "return" in wants and not facts.urban
        case "LAJI_JIANMIAN":
            return (poor or basic) and facts.urban
        case "YANGLAO_DAIJIAO":
            return (poor or facts.label != "") and "no_pension" in ticks
        case _:
            return poor or basic


def _under_borderline_wealth(facts: Facts, *, district: str, on: date) -> bool:
    months = standard("PROPERTY_MONTHS", district=district, on=on)
    return facts.savings_fen <= months * month_standard(facts.urban, district=district, on=on) * facts.size


def month_standard(urban: bool, /, *, district: str, on: date) -> int:
    """The month's 低保 standard of one person in fen."""
    return standard("DIBAO_MONTH_URBAN" if urban else "DIBAO_MONTH_RURAL", district=district, on=on)


@dataclass(frozen=True, slots=True)
class Tests:
    """What the numbers say about each class; a person decides, and may have found other numbers."""

    dibao: bool
    borderline: bool
    rigid: bool


def class_tests(facts: Facts, /, *, district: str, on: date) -> Tests:
    """低保 ► borderline ► rigid spending, from one set of numbers (R2.19, R2.25, R2.26)."""
    line = month_standard(facts.urban, district=district, on=on) * facts.size
    borderline = line * standard("BORDERLINE_PERCENT", district=district, on=on)
    year = 12 * facts.income_fen
    spent = facts.medical_fen + facts.schooling_fen
    rigid = year < standard("INCOME_YEAR", district=district, on=on) * facts.size and 100 * spent > year * standard(
        "RIGID_PERCENT", district=district, on=on
    )
    wealth = _under_borderline_wealth(facts, district=district, on=on)
    return Tests(
        wealth and facts.income_fen < line,
        wealth and 100 * facts.income_fen < borderline,
        wealth and rigid,
    )
