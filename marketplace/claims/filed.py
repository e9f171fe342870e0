"""What this room has in a household's file: insurers' cases. Enters: a household. Leaves: entries; no policy number."""

from __future__ import annotations

from sqlmodel import Session, select

from marketplace.calendar import local_day
from marketplace.claims.models import CaseKind, CaseState, InsuranceCase
from marketplace.households.filed import PARTS, Entry, Part

REFUSALS = {CaseKind.ENROL: "enrol_refusal", CaseKind.CLAIM: "claim_refusal"}
SAID_NO = (CaseState.REFUSED, CaseState.NOT_ENROLLED)


def _entries(session: Session, household_id: str) -> list[Entry]:
    found = session.exec(select(InsuranceCase).where(InsuranceCase.household_id == household_id))
    return [
        Entry(
            local_day(case.closed_at or case.updated_at),
            (case.kind.value, "insurance_kind"),
            (case.state.value, "insurance_step"),
            reason=(case.reason_code, REFUSALS[case.kind]) if case.state in SAID_NO else None,
            fen=case.payout_fen or None,
        )
        for case in found
    ]


PARTS["insurance"] = Part(_entries)
