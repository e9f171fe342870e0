"""The office that has an item now, and the one that decided it, by name: whom to ring up, and whose decision it is.

Enters: an item with its steps. Leaves: words in the reader's language. Called by the pages and papers of this room, by
the page and the paper of an appeal, and as the filter `who_holds`.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session

from marketplace.accounts.models import Account
from marketplace.actors import Role
from marketplace.cases.doors import bp
from marketplace.cases.lateness import last_decision, who_decides
from marketplace.cases.models import CaseItem, CaseStep
from marketplace.reference.words import label
from marketplace.web import _
from marketplace.web.codes import STREET_DIGITS, office, place
from marketplace.web.display import language

TOWNSHIP, COUNTY, DEPARTMENT = "TOWNSHIP", "COUNTY", "DEPARTMENT"


@bp.app_template_filter("who_holds")
def who_holds(holder: str, item: CaseItem) -> str:
    """Whoever has this item: the street or township, the district's civil affairs, a department, or the household."""
    lang = language()
    if holder == COUNTY:
        return civil_affairs(item.district_code)
    if holder == DEPARTMENT:
        return f"{place(item.district_code)} · {label('department', item.department, lang=lang)}"
    word = label("case_holder", holder, lang=lang)
    if holder != TOWNSHIP:
        return word
    known = len(item.office) == STREET_DIGITS  # a home without a street has its district there
    return office(item.office) if known else f"{place(item.district_code)} · {word}"


def civil_affairs(district_code: str, /) -> str:
    """The office of civil affairs of a district."""
    return str(_("Civil affairs of %(district)s", district=place(district_code)))


def who_decided(session: Session, item: CaseItem, steps: Sequence[CaseStep], /) -> str:
    """The office that granted or refused; the county, where it decided at the step of the street office alone, as the
    role tells that whoever decided has today."""
    step = last_decision([step for step in steps if step.item_id == item.id])
    if step is None or item.decided_at is None:
        return ""
    person = session.get(Account, item.decided_by)
    above = step.code == "fast_aid" and person is not None and person.role is Role.APPROVER
    return who_holds(COUNTY if above else who_decides(item, step), item)
