"""The code tables: complete, dated, consistent with each other."""

from collections import Counter
from dataclasses import fields
from datetime import date

import pytest

from marketplace.clocks.steps import STEPS
from marketplace.consent.models import Purpose
from marketplace.organisations.models import OrganisationKind
from marketplace.reference import districts, needs, purposes, words
from marketplace.reference.duplicate_rules import duplicate_rule
from marketplace.reference.tables import UnknownCode, rows
from marketplace.web import letters

BEFORE = date(2025, 11, 5)
AFTER = date(2025, 11, 6)


def test_the_city_has_38_districts_before_the_merger_and_37_after():
    assert len(districts.current(BEFORE)) == 38
    kinds = Counter(district.kind for district in districts.current(AFTER))
    assert kinds == {"DISTRICT": 24, "NEW_AREA": 1, "COUNTY": 8, "AUTONOMOUS_COUNTY": 4}


@pytest.mark.parametrize("code", ["500105", "500112"])
def test_an_ended_district_leads_to_its_successor_from_the_day_it_ended(code):
    assert districts.resolve(code, on=BEFORE).code == code
    assert districts.resolve(code, on=AFTER).code == "500157"


def test_a_code_used_twice_means_the_district_of_its_time():
    assert districts.resolve("500110", on=date(2005, 1, 1)).zh == "万盛区"
    assert districts.resolve("500110", on=AFTER).zh == "綦江区"
    assert districts.resolve("500234", on=AFTER).zh == "开州区"


def test_a_date_before_the_new_area_began_does_not_find_it():
    with pytest.raises(UnknownCode):
        districts.resolve("500157", on=BEFORE)


def test_an_unknown_code_is_named():
    with pytest.raises(UnknownCode, match="999999"):
        districts.resolve("999999", on=AFTER)


def test_every_successor_exists_and_every_chain_ends_in_force():
    for row in rows("districts"):
        assert districts.resolve(row["code"], on=AFTER) in districts.current(AFTER)


def test_no_two_districts_in_force_share_a_tile():
    tiles = [district.tile for district in districts.current(AFTER)]
    assert len(set(tiles)) == 37


def test_every_street_belongs_to_exactly_one_district_in_force():
    now = [street for district in districts.current(AFTER) for street in districts.streets_of(district.code, on=AFTER)]
    assert len(now) == len({street.code for street in now}) == 1031


def test_the_streets_of_the_ended_districts_belong_to_the_new_area():
    old = districts.streets_of("500105", on=BEFORE) + districts.streets_of("500112", on=BEFORE)
    new = districts.streets_of("500157", on=AFTER)
    assert {street.code for street in old} == {street.code for street in new}
    assert districts.resolve_street(new[0].code, on=AFTER).district_code == "500157"
    assert districts.resolve_street(new[0].code, on=BEFORE).district_code in ("500105", "500112")


def test_names_come_in_both_languages():
    assert districts.district_name("500103", on=AFTER) == "渝中区"
    assert districts.district_name("500103", on=AFTER, lang="en") == "Yuzhong District"


def test_the_bounds_of_every_need_stand_in_order():
    kinds = needs.list_need_kinds()
    assert len(kinds) == 31
    for kind in kinds:
        assert 0 < kind.typical_low <= kind.typical_high < kind.plausible_bound, kind.code


def test_every_code_that_a_need_names_is_in_its_table():
    for kind in needs.list_need_kinds():
        assert words.label("unit", kind.unit)
        assert words.label("need_group", kind.group)
        assert purposes.purpose(kind.purpose)
        assert all(words.label("organisation_kind", code) for code in kind.provider_kinds)
        assert all(words.label("duplicate_rule", code) for code in kind.duplicate_rules)
        government = set(words.list_codes("aid_item")) | set(words.list_codes("department"))
        assert set(kind.government_first) <= government


def test_money_is_whole_fen():
    assert needs.need_kind("MEDICAL.MAJOR").typical_high == 30_000 * 100


def test_every_limit_of_a_source_stands_in_a_rule_and_the_taxonomy_repeats_none():
    """Grants for children with leukaemia or a sick heart have limits of their own (P-RC, P-RC2); ours were dropped."""
    limits = duplicate_rule("D04").limits
    assert (limits["MEDICAL.CHILD_LEUKEMIA"], limits["MEDICAL.CHILD_CHD"]) == (5_000_000, 3_000_000)
    assert set(rows("needs")[0]) - {"no"} == {field.name for field in fields(needs.NeedKind)}, "no column is unread"
    assert needs.need_kind("MEDICAL.MAJOR").is_money
    assert not needs.need_kind("LIVING.FOOD_PACK").is_money


def test_an_amount_beyond_the_bound_is_not_plausible():
    kind = needs.need_kind("LIVING.FOOD_PACK")
    assert kind.is_plausible(kind.plausible_bound)
    assert not kind.is_plausible(kind.plausible_bound + 1)
    assert not kind.is_plausible(0)


def test_every_ceiling_names_known_fields_and_repeats_none_of_the_base_card():
    for purpose in purposes.list_purposes():
        assert all(not purposes.field_kind(code).base_card for code in purpose.fields)


def test_the_base_card_holds_nothing_personal():
    assert purposes.base_card()
    assert all(not purposes.field_kind(code).is_sealed for code in purposes.base_card())


def test_automatic_matching_may_ask_for_the_base_card_only():
    assert purposes.purpose("AUTO_MATCH").fields == ()
    assert purposes.purpose("AUTO_MATCH").allows("amount_band")
    assert not purposes.purpose("AUTO_MATCH").allows("name")


def test_publicity_is_never_mixed_with_another_purpose():
    publicity = set(purposes.purpose("PUBLICITY").fields)
    others = [purpose for purpose in purposes.list_purposes() if purpose.code != "PUBLICITY"]
    assert all(not publicity & set(purpose.fields) for purpose in others)


def test_every_sealed_field_says_in_both_languages_what_giving_it_means():
    for code in words.list_codes("field"):
        kind = purposes.field_kind(code)
        assert bool(kind.impact_zh and kind.impact_en) == kind.is_sealed, code


@pytest.mark.parametrize("name", ["needs", "purposes", "fields", "monitoring_categories", "aid_items", "words"])
def test_every_label_exists_in_both_languages_and_no_code_comes_twice(name):
    table = rows(name)
    assert all(row["zh"].strip() and row["en"].strip() for row in table)
    keys = [(row.get("table"), row["code"]) for row in table]
    assert len(keys) == len(set(keys))


def test_a_label_of_an_unknown_code_or_table_is_refused():
    with pytest.raises(UnknownCode):
        words.label("urgency", 4)
    with pytest.raises(UnknownCode):
        words.label("no_such_table", "A")


def test_choices_come_in_the_tables_order():
    assert words.choices("urgency", lang="en")[0] == ("3", "Critical")


def test_the_tables_and_the_rooms_know_the_same_purposes_and_kinds_of_organisation():
    assert set(words.list_codes("purpose")) == {purpose.value for purpose in Purpose}
    assert set(words.list_codes("organisation_kind")) == {kind.value for kind in OrganisationKind}


def test_every_step_and_every_letter_has_words():
    assert set(STEPS) <= set(words.list_codes("step"))
    assert set(letters.names()) <= set(words.list_codes("letter"))
