"""Past aid comes in once, covers a known need up to its gap and never over it, and says from when on it is seen."""

from __future__ import annotations

from datetime import date

import pytest
from sqlmodel import select

from marketplace.actors import Actor, Role
from marketplace.audit import verify
from marketplace.errors import BadInput, Conflict, NotAllowed, WrongState
from marketplace.households.register import number_index, source_index
from marketplace.households.service import list_people
from marketplace.ledger import imports
from marketplace.ledger.models import AidSource, AidState, LedgerEntry
from marketplace.ledger.service import move, reserve, seen_from
from marketplace.ledger.upload import desk
from marketplace.needs.models import Need
from marketplace.sealed import vault_of
from tests.factories import a_household, a_need, an_offer, an_organisation

HEAD = "source_id,household_ref,head_id_number,need_source_id,category,units,given_on,state,giver\n"
NUMBER = "509900199001010013"
SINCE = date(2026, 1, 1)


def a_known_household(session, *, ref: str = "H-1"):
    """A household that a file can name by its reference or its ID number."""
    vault = vault_of(session)
    household = a_household(session, source="mzj", source_index=source_index(vault, "mzj", ref))
    if ref == "H-1":
        (person,) = list_people(session, household.id)
        person.id_number_index = number_index(vault, NUMBER)
        session.flush()
    return household


def a_known_need(session, household, *, ref: str = "N-1", **over) -> Need:
    index = vault_of(session).index("need-source", f"mzj\x00{ref}")
    return a_need(session, household, source="mzj", source_id=ref, source_index=index, **over)


def check(session, *rows: str, actor, now, source: str = "redcross"):
    data = (HEAD + "\n".join(rows)).encode()
    return imports.check_file(session, data, file_name="aid.csv", source=source, seen_from=SINCE, actor=actor, now=now)


def load(session, *rows: str, actor, now, source: str = "redcross"):
    batch, checked = check(session, *rows, actor=actor, now=now, source=source)
    assert [(fault.row, fault.code) for fault in checked.faults] == []
    return dict(imports.confirm_import(session, batch.id, actor=actor, now=now))


def ledger(session) -> list[tuple[str | None, int, str]]:
    rows = session.exec(select(LedgerEntry).order_by(LedgerEntry.need_id.is_(None), LedgerEntry.units)).all()
    return [(row.need_id, row.units, row.state.value) for row in rows]


def test_aid_that_names_a_need_covers_it(session, verifier, now):
    need = a_known_need(session, a_known_household(session))
    counts = load(session, "A1,H-1,,N-1,LIVING.FOOD_PACK,4,2026-10-01,delivered,红十字会", actor=verifier, now=now)
    session.refresh(need)
    assert need.committed_units == 4
    assert counts == {**dict.fromkeys(counts, 0), "new": 1, "covering": 1}
    assert verify(session).bad_seq == 0


def test_a_reference_that_two_registers_use_is_nobody_s_but_the_file_s_own(session, verifier, now):
    """`H-1` at civil affairs and at a partner: a file of the partner means its own, one of a third leaves it open."""
    ours, vault = a_known_household(session), vault_of(session)
    theirs = a_household(session, source="partner", source_index=source_index(vault, "partner", "H-1"))
    needs = [a_known_need(session, ours), a_need(session, theirs, source="partner", source_id="N-1")]
    needs[1].source_index = vault.index("need-source", "partner\x00N-1")
    rows = ("A1,H-1,,,LIVING.FOOD_PACK,1,2026-10-01,delivered,x", "A2,,,N-1,LIVING.FOOD_PACK,2,2026-10-01,delivered,x")
    assert load(session, *rows, actor=verifier, now=now)["strangers"] == 2
    assert load(session, *rows, actor=verifier, now=now, source="partner")["strangers"] == 0
    assert {row.household_id for row in session.exec(select(LedgerEntry))} == {theirs.id}
    assert load(session, rows[0], actor=verifier, now=now, source="mzj")["new"] == 1
    assert session.exec(select(LedgerEntry).where(LedgerEntry.source == "mzj")).one().household_id == ours.id


def test_aid_may_say_for_whom_of_the_household_it_was(session, verifier, now):
    household = a_known_household(session)
    (person,) = list_people(session, household.id)
    other = a_known_household(session, ref="H-2")
    head = HEAD.replace("\n", ",person_id_number\n")
    rows = (
        f"A1,H-1,,,EDU.TERM_SUPPORT,1000,2026-09-01,delivered,红十字会,{NUMBER}",
        f"A2,,,,EDU.TERM_SUPPORT,1000,2026-09-02,delivered,红十字会,{NUMBER}",
        f"A3,H-2,,,EDU.TERM_SUPPORT,1000,2026-09-03,delivered,红十字会,{NUMBER}",
    )
    data = (head + "\n".join(rows)).encode()
    told = {"file_name": "aid.csv", "source": "redcross", "seen_from": SINCE, "actor": verifier, "now": now}
    batch, _checked = imports.check_file(session, data, **told)
    imports.confirm_import(session, batch.id, actor=verifier, now=now)
    found = session.exec(select(LedgerEntry).order_by(LedgerEntry.given_on)).all()
    here, nobody = (household.id, person.id), (other.id, "")
    assert [(row.household_id, row.person_id) for row in found] == [here, here, nobody], "of H-2 it is nobody"
    batch, _checked = imports.check_file(session, data, **told)
    assert dict(imports.confirm_import(session, batch.id, actor=verifier, now=now))["same"] == 3


def test_aid_beyond_the_gap_stays_as_history_of_the_household(session, verifier, now):
    household = a_known_household(session)
    need = a_known_need(session, household)
    organisation = an_organisation(session)
    offer = an_offer(session, organisation)
    reserve(session, need, offer_id=offer.id, org_id=organisation.id, giver="x", units=7, actor=verifier, now=now)
    rows = ("A1,,,N-1,LIVING.FOOD_PACK,2,2026-10-01,,", "A2,,,N-1,LIVING.FOOD_PACK,5,2026-10-02,,")
    counts = load(session, *rows, actor=verifier, now=now)
    session.refresh(need)
    assert need.committed_units == need.gap_units == 10
    assert ledger(session) == [
        (need.id, 1, "delivered"),
        (need.id, 2, "delivered"),
        (need.id, 7, "reserved"),
        (None, 4, "delivered"),
    ]
    assert (counts["covering"], counts["beyond"]) == (2, 1)


def test_aid_for_a_need_that_is_full_is_history_only(session, verifier, now):
    need = a_known_need(session, a_known_household(session))
    load(session, "A1,,,N-1,LIVING.FOOD_PACK,10,2026-10-01,,", actor=verifier, now=now)
    load(session, "A2,,,N-1,LIVING.FOOD_PACK,3,2026-10-02,,", actor=verifier, now=now)
    assert ledger(session) == [(need.id, 10, "delivered"), (None, 3, "delivered")]


def test_the_same_file_again_changes_nothing(session, verifier, now):
    a_known_need(session, a_known_household(session))
    rows = ("A1,,,N-1,LIVING.FOOD_PACK,8,2026-10-01,,", f"A2,,{NUMBER},N-1,LIVING.FOOD_PACK,8,2026-10-02,approved,")
    load(session, *rows, actor=verifier, now=now)
    before = ledger(session)
    counts = load(session, *rows, actor=verifier, now=now)
    assert (counts["new"], counts["changed"], counts["same"]) == (0, 0, 2)
    assert ledger(session) == before


def test_a_household_is_known_by_its_reference_or_its_id_number(session, verifier, now):
    household = a_known_household(session)
    rows = ("A1,H-1,,,CARE.MEAL,5,2026-10-01,,", f"A2,,{NUMBER},,CARE.MEAL,6,2026-10-01,,")
    assert load(session, *rows, actor=verifier, now=now)["new"] == 2
    assert set(session.exec(select(LedgerEntry.household_id))) == {household.id}


def test_aid_to_a_household_that_is_not_here_stays_out_until_it_is(session, verifier, now):
    row = "A1,H-9,,,CARE.MEAL,5,2026-10-01,,"
    assert load(session, row, actor=verifier, now=now)["strangers"] == 1
    assert ledger(session) == []
    a_known_household(session, ref="H-9")
    assert load(session, row, actor=verifier, now=now)["new"] == 1


def test_aid_loaded_before_its_need_covers_it_when_loaded_again(session, verifier, now):
    household = a_known_household(session)
    row = "A1,H-1,,N-1,LIVING.FOOD_PACK,4,2026-10-01,,"
    load(session, row, actor=verifier, now=now)
    need = a_known_need(session, household, created_at=now.replace(hour=9))
    assert load(session, row, actor=verifier, now=now)["changed"] == 1
    assert ledger(session) == [(need.id, 4, "delivered")]
    assert load(session, row, actor=verifier, now=now)["same"] == 1


def test_a_later_file_returns_and_corrects_aid_within_the_gap(session, verifier, now):
    need = a_known_need(session, a_known_household(session))
    load(session, "A1,,,N-1,LIVING.FOOD_PACK,12,2026-10-01,approved,", actor=verifier, now=now)
    assert ledger(session) == [(need.id, 10, "approved"), (None, 2, "approved")]
    load(session, "A1,,,N-1,LIVING.FOOD_PACK,9,2026-10-01,delivered,", actor=verifier, now=now)
    assert ledger(session) == [(need.id, 9, "delivered")]
    load(session, "A1,,,N-1,LIVING.FOOD_PACK,9,2026-10-01,returned,", actor=verifier, now=now)
    session.refresh(need)
    assert (ledger(session), need.committed_units) == ([(need.id, 9, "returned")], 0)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("A1,,,,CARE.MEAL,5,2026-10-01,,", "nobody_named"),
        ("A1,H-1,,,CARE.MEAL,5,2027-10-01,,", "date_in_future"),
        ("A1,H-1,,,CARE.MEAL,2.5,2026-10-01,,", "not_whole"),
        ("A1,H-1,,,FREE.LUNCH,2,2026-10-01,,", "unknown_category"),
        ("A1,,5.0990019900101E+17,,CARE.MEAL,2,2026-10-01,,", "id_rounded"),
        ("A1,H-2,,N-1,LIVING.FOOD_PACK,2,2026-10-01,,", "need_of_another"),
        ("A1,H-1,,N-1,CARE.MEAL,2,2026-10-01,,", "need_of_other_kind"),
    ],
)
def test_a_wrong_row_is_told_with_its_place_and_nothing_is_stored(session, verifier, now, row, code):
    a_known_need(session, a_known_household(session))
    a_known_household(session, ref="H-2")
    batch, checked = check(session, row, actor=verifier, now=now)
    assert [(fault.row, fault.code) for fault in checked.faults] == [(2, code)]
    with pytest.raises(WrongState):
        imports.confirm_import(session, batch.id, actor=verifier, now=now)
    assert ledger(session) == []


def test_what_changed_since_the_check_is_not_stored_unseen(session, verifier, now):
    need = a_known_need(session, a_known_household(session))
    batch, _checked = check(session, "A1,,,N-1,LIVING.FOOD_PACK,10,2026-10-01,,", actor=verifier, now=now)
    organisation = an_organisation(session)
    offer = an_offer(session, organisation)
    entry = reserve(
        session, need, offer_id=offer.id, org_id=organisation.id, giver="x", units=7, actor=verifier, now=now
    )
    with pytest.raises(Conflict, match="import_changed"):
        imports.confirm_import(session, batch.id, actor=verifier, now=now)
    move(session, entry.id, to=AidState.RETURNED, actor=verifier, now=now)
    assert imports.confirm_import(session, batch.id, actor=verifier, now=now)["covering"] == 1


def test_a_source_tells_from_when_on_it_is_seen_and_an_earlier_day_stays(session, verifier, now):
    a_known_household(session)
    assert seen_from(session) == {}
    load(session, "A1,H-1,,,CARE.MEAL,5,2026-10-01,,", actor=verifier, now=now)
    source = session.get_one(AidSource, "redcross")
    assert (seen_from(session), source.rows) == ({"redcross": SINCE}, 1)
    data = (HEAD + "A2,H-1,,,CARE.MEAL,5,2026-10-01,,").encode()
    later = {"source": "redcross", "seen_from": date(2026, 6, 1), "actor": verifier, "now": now}
    batch, _checked = imports.check_file(session, data, file_name="b.csv", **later)
    imports.confirm_import(session, batch.id, actor=verifier, now=now)
    assert seen_from(session) == {"redcross": SINCE}


def test_a_dropped_file_stores_nothing(session, verifier, now):
    a_known_household(session)
    batch, _checked = check(session, "A1,H-1,,,CARE.MEAL,5,2026-10-01,,", actor=verifier, now=now)
    desk.drop(session, batch.id, actor=verifier, now=now)
    with pytest.raises(WrongState):
        imports.confirm_import(session, batch.id, actor=verifier, now=now)
    assert (ledger(session), seen_from(session), batch.payload) == ([], {}, None)


def test_only_verifiers_load_aid_and_a_source_has_a_plain_name(session, verifier, now):
    with pytest.raises(NotAllowed):
        check(session, "A1,H-1,,,CARE.MEAL,5,2026-10-01,,", actor=Actor(id="x", role=Role.APPROVER), now=now)
    for name in ("", "platform", "red cross", "x" * 33):
        with pytest.raises(BadInput, match="bad_source"):
            check(session, "A1,H-1,,,CARE.MEAL,5,2026-10-01,,", actor=verifier, now=now, source=name)
