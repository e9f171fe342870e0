"""The same item once at a time: what runs already, or is granted and still runs, is not begun again.

Enters: an application, or an item of one. Leaves: the items of other applications that stand in the way, by code. How
often an item can be had at a time (once for a household, for a person, for a person's one event) and whether a grant
lasts are columns of the table of items; a lasting grant is over with its day, or with the category of the register
behind it. An index forbids two open items of the same key to every writer. Called by `service`, `outcome`, `again` and
`reviews`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from sqlmodel import Session, col, select

from marketplace.calendar import local_day
from marketplace.cases.models import OPEN, Case, CaseItem, CaseState, ItemState
from marketplace.cases.register import HELD
from marketplace.cases.rules import item_rule
from marketplace.households import categories
from marketplace.households.models import Spell

CATEGORIES = {
    "DIBAO": "IN_REGISTER",
    "TEKUN": "IN_REGISTER",
    "DIBIAN_GANGXING": "DIBIAN_MEMBER",
    "CANJI_BUTIE": "DISABILITY_SUBSIDY",
    "LINSHI": "TEMP_AID",
    "FANGPIN_BANGFU": "ANTI_RELAPSE",
}
"""Item ► category of the register."""
FOUND_AS = {"DIBIAN": "DIBIAN_MEMBER", "GANGXING": "EIGHTH_UNKNOWN"}
"""Class that an identification found ► category of the register."""
CLASSES = HELD
"""Categories that bring benefits by label."""
APART = "apart"
"""Under which an application keeps what it left to another one: code ► the other item."""


def category_of(item: CaseItem, /) -> str | None:
    """The category of the register that this item stands for: by the class that was found, if it has more than one."""
    return FOUND_AS.get(item.found, CATEGORIES.get(item.code))


def key_of(code: str, case: Case, /, *, cause: str, on: date) -> str:
    """For whom, or for what, this item is had once at a time."""
    keys = {"household": case.household_id, "person": case.subject_id, "event": f"{case.subject_id}:{cause}"}
    return keys[item_rule(code, district=case.district_code, on=on).once_for]


def elsewhere(session: Session, case: Case, /, *, cause: str, on: date) -> dict[str, CaseItem]:
    """What this application would ask for a second time: code ► the item that runs in another one, or is granted."""
    asked = select(CaseItem).where(CaseItem.household_id == case.household_id, CaseItem.case_id != case.id)
    asked = asked.where(col(CaseItem.state).in_((*OPEN, ItemState.GRANTED)), col(CaseItem.over_on).is_(None))
    spells = categories.list_spells(session, case.household_id)
    found: dict[str, CaseItem] = {}
    for item in session.exec(asked.order_by(col(CaseItem.state) == ItemState.GRANTED, col(CaseItem.id))):
        same = item.once_for == key_of(item.code, case, cause=cause, on=on)
        if same and (item.state in OPEN or lasts(item, spells, on=on)):
            found[item.code] = item
    return found


def lasts(item: CaseItem, spells: list[Spell], /, *, on: date) -> bool:
    """Whether this grant still runs: the household has been in the category behind it since."""
    if item.over_on is not None or item.decided_at is None:
        return False
    if not item_rule(item.code, district=item.district_code, on=local_day(item.decided_at)).lasts:
        return False
    behind, granted = category_of(item), local_day(item.decided_at)
    wanted = CLASSES if behind is None else (behind,)
    return any(
        spell.category in wanted
        and spell.person_id in (None, item.once_for)
        and spell.from_on <= granted
        and (spell.to_on is None or spell.to_on >= on)
        for spell in spells
    )


def open_besides(session: Session, item: CaseItem, /) -> CaseItem | None:
    """The open item of the same key in another application, locked; there is at most one."""
    asked = select(CaseItem).where(CaseItem.code == item.code, CaseItem.once_for == item.once_for)
    asked = asked.where(col(CaseItem.state).in_(OPEN), CaseItem.id != item.id)
    return session.exec(asked.with_for_update().execution_options(populate_existing=True)).one_or_none()


def granted_besides(session: Session, item: CaseItem, /, *, on: date) -> CaseItem | None:
    """A grant of the same key that still runs; the one that is looked at anew by this item is none."""
    reviewed = session.get_one(Case, item.case_id).review_of
    asked = select(CaseItem).where(CaseItem.code == item.code, CaseItem.once_for == item.once_for)
    asked = asked.where(CaseItem.state == ItemState.GRANTED, CaseItem.id != item.id)
    spells = categories.list_spells(session, item.household_id)
    found = [one for one in session.exec(asked) if one.id != reviewed and lasts(one, spells, on=on)]
    return found[0] if found else None


def left_to(session: Session, case: Case, /) -> dict[str, CaseItem]:
    """What this application left to another one."""
    kept: Mapping[str, str] = case.answers.get(APART) or {}
    return {code: session.get_one(CaseItem, item_id) for code, item_id in kept.items()}


def counting(session: Session, case: Case, /) -> dict[str, list[CaseItem]]:
    """Code ► the items whose results count in this application: its own, and those there of what it left to another
    one. Of one code there may be two, the quick help and the larger aid after it."""
    found: dict[str, list[CaseItem]] = {}
    for item in session.exec(select(CaseItem).where(CaseItem.case_id == case.id).order_by(col(CaseItem.id))):
        found.setdefault(item.code, []).append(item)
    for code, left in left_to(session, case).items():
        asked = select(CaseItem).where(CaseItem.case_id == left.case_id, CaseItem.code == code)
        same = asked.where(CaseItem.once_for == left.once_for)
        found.setdefault(code, []).extend(session.exec(same.order_by(col(CaseItem.id))))
    return found


def result_of(items: Sequence[CaseItem], /) -> ItemState:
    """What items of one code come to: granted where one was, open as long as one is, then how they ended."""
    states = {item.state for item in items}
    last = (ItemState.REFUSED, ItemState.WITHDRAWN, ItemState.NOT_NEEDED)
    return next(state for state in (ItemState.GRANTED, *OPEN, *last) if state in states)


def leave_to(session: Session, case: Case, item: CaseItem, /) -> None:
    """This application leaves the item to that one from now on."""
    case.answers = {**case.answers, APART: {**(case.answers.get(APART) or {}), item.code: item.id}}
    session.add(case)


def waiting_on(session: Session, item: CaseItem, /, *, states: Collection[CaseState] = (CaseState.OPEN,)) -> list[str]:
    """Other applications of the household, the open ones unless others are asked for, that left this item to its
    own."""
    asked = select(Case).where(Case.household_id == item.household_id, col(Case.state).in_(states))
    asked = asked.where(Case.id != item.case_id).order_by(col(Case.id))
    return [case.id for case in session.exec(asked) if item.id in (case.answers.get(APART) or {}).values()]
