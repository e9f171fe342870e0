"""What this room keeps of a household, for the eraser: applications, items, objections, orders to pay.

Enters: nothing. Leaves: `HELD`, this room's part of the answer whether anything is open (see `marketplace.held`).
"""

from __future__ import annotations

from sqlmodel import col

from marketplace.cases.models import (
    OPEN,
    Case,
    CaseItem,
    CasePaper,
    CaseState,
    CaseStep,
    Escalation,
    Objection,
)
from marketplace.cases.models_orders import PaymentOrder
from marketplace.cases.models_papers import PaperCheck
from marketplace.cases.models_reviews import ItemReview
from marketplace.cases.models_uploads import Upload, UploadPiece
from marketplace.held import Held, row_of

HELD = (
    Held(
        Case,
        col(Case.household_id),
        at=(Case.created_at, Case.submitted_at, Case.decided_at),
        waits=lambda now: col(Case.state).in_((CaseState.DRAFT, CaseState.OPEN)),
        follows=True,
    ),
    Held(
        CaseItem,
        col(CaseItem.household_id),
        at=(CaseItem.started_at, CaseItem.decided_at, CaseItem.over_on),
        waits=lambda now: col(CaseItem.state).in_(OPEN),
        follows=True,
    ),
    Held(
        CaseStep,
        col(CaseItem.household_id),
        at=(CaseStep.started_at, CaseStep.ended_at),
        waits=lambda now: col(CaseStep.ended_at).is_(None),
        joins=(row_of(CaseItem, CaseStep.item_id),),
    ),
    Held(
        Objection,
        col(CaseItem.household_id),
        at=(Objection.raised_at, Objection.answered_at),
        waits=lambda now: col(Objection.answered_at).is_(None),
        joins=(row_of(CaseItem, Objection.item_id),),
    ),
    Held(
        ItemReview,
        col(ItemReview.household_id),
        at=(ItemReview.opened_at, ItemReview.done_at),
        waits=lambda now: col(ItemReview.done_at).is_(None),
        follows=True,
    ),
    Held(
        PaymentOrder,
        col(PaymentOrder.household_id),
        at=(PaymentOrder.ordered_at, PaymentOrder.paid_at),
        waits=lambda now: col(PaymentOrder.paid_at).is_(None),
    ),
    Held(CasePaper, col(Case.household_id), at=(CasePaper.recorded_at,), joins=(row_of(Case, CasePaper.case_id),)),
    Held(Upload, col(Case.household_id), at=(Upload.begun_at,), joins=(row_of(Case, Upload.case_id),)),
    *(Held(table) for table in (Escalation, PaperCheck, UploadPiece)),
)
