"""Aid already given for a need or a period: none, soft or hard."""

from __future__ import annotations

from datetime import date

import pytest

from matching.model import PastAid
from matching.overlap import HARD, NONE, SOFT, Overlap, overlap

JUNE, JULY = date(2026, 6, 1), date(2026, 7, 1)


def aid(state: str = "delivered", *, on: date = JUNE, need_id: str | None = None, units: int = 5) -> PastAid:
    return PastAid("h1", "rice", units, on, state, need_id)


def found(*past: PastAid, **more) -> Overlap:
    return overlap("h1", "rice", starts_on=JUNE, ends_on=JULY, past=past, need_id="n1", **more)


@pytest.mark.parametrize(("state", "degree"), [("reserved", SOFT), ("approved", HARD), ("delivered", HARD)])
def test_reserved_aid_overlaps_softly_and_approved_or_delivered_aid_hard(state, degree):
    assert found(aid(state)).degree == degree
    assert found(aid(state, need_id="n1")).degree == degree


def test_the_period_is_half_open():
    assert found(aid(on=JUNE)).degree == HARD
    assert found(aid(on=JULY)).degree == NONE
    assert overlap("h1", "rice", starts_on=None, ends_on=None, past=[aid(on=JULY)]).degree == HARD


def test_aid_for_the_very_need_counts_whenever_it_was_given():
    assert found(aid(on=date(2020, 1, 1), need_id="n1")).degree == HARD


def test_aid_for_another_need_household_or_category_is_no_overlap():
    others = [PastAid("h2", "rice", 5, JUNE, "delivered"), PastAid("h1", "oil", 5, JUNE, "delivered")]
    assert found(*others, aid(need_id="n2"), aid(units=0)) == Overlap(NONE)


def test_hard_outweighs_soft_and_the_latest_row_comes_first():
    early, late, held = aid(), aid("approved", on=date(2026, 6, 9)), aid("reserved")
    assert found(held, early, late) == Overlap(HARD, (late, early))


def test_another_live_proposal_is_a_soft_overlap_and_never_hides_a_hard_one():
    assert found(proposed_elsewhere=True).degree == SOFT
    assert found(aid(), proposed_elsewhere=True).degree == HARD
