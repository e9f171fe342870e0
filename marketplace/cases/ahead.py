"""What lies ahead of a step in its item's path: a public notice, an order to pay.

Enters: an item and the step it stands at. Leaves: whether the one or the other follows, and the notice that is owed
before a yes to an amount. Called by `steps`, `outcome` and the staff page.
"""

from __future__ import annotations

from sqlmodel import Session, select

from marketplace.calendar import local_day
from marketplace.cases.models import CaseItem, CaseStep
from marketplace.cases.rules import StepRule, steps_of


def before_notice(item: CaseItem, step: CaseStep, /) -> bool:
    """Whether a public notice is the next step."""
    return next(iter(_after(item, step)), "") == "public_notice"


def before_payment(item: CaseItem, step: CaseStep, /) -> bool:
    """Whether a yes at this step ends with an order to pay."""
    return "payment" in _after(item, step)


def _after(item: CaseItem, step: CaseStep) -> list[str]:
    """The steps after this one, as the path was when the item began."""
    begun = local_day(item.started_at or step.started_at)
    rules = steps_of(item.path, district=item.district_code, on=begun)
    return [rule.code for rule in rules if rule.no > step.no]


def owed_notice(session: Session, item: CaseItem, /, *, amount_fen: int) -> StepRule | None:
    """The public notice of the item's path, if it has one and none hung out yet, or one of a smaller amount (R2.12)."""
    wanted = select(CaseStep.id).where(CaseStep.item_id == item.id, CaseStep.code == "public_notice")
    hung = session.exec(wanted.limit(1)).first() is not None
    if item.started_at is None or (hung and amount_fen <= item.notice_fen):
        return None
    rules = steps_of(item.path, district=item.district_code, on=local_day(item.started_at))
    return next((rule for rule in rules if rule.code == "public_notice"), None)
