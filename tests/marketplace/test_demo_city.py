"""The synthetic city: the same by seed, nobody real in it, hardship as the tables say, more need than supply."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from functools import cache

from marketplace.demo.accounts import ACCOUNTS, TOUR
from marketplace.demo.city import CATEGORY_SHARES, SIZES, City, make_city
from marketplace.demo.hardship import age
from marketplace.reference import districts
from marketplace.reference.identity_number import check_id_number
from marketplace.reference.needs import list_need_kinds, need_kind
from marketplace.reference.organisation_number import check_uscc
from marketplace.reference.words import label, list_codes

TODAY = date(2026, 11, 23)


@cache
def small() -> City:
    return make_city(size="small", seed=7, on=TODAY)


def test_the_same_seed_makes_the_same_city_and_another_seed_another():
    assert make_city(size="small", seed=7, on=TODAY) == small()
    assert make_city(size="small", seed=8, on=TODAY).households != small().households


def test_the_day_moves_the_dates_but_neither_amounts_nor_terms():
    later = make_city(size="small", seed=7, on=TODAY + timedelta(days=40))
    assert [need.amount for home in later.households for need in home.needs] == [
        need.amount for home in small().households for need in home.needs
    ]
    assert [replace(offer, valid_from=TODAY, valid_to=TODAY) for offer in later.offers] == [
        replace(offer, valid_from=TODAY, valid_to=TODAY) for offer in small().offers
    ]


def test_the_small_city_has_the_promised_size():
    city = small()
    assert len(city.households) == 2000
    assert 2500 <= city.needs <= 2700
    assert (len(city.offers), len(city.organisations)) == (120, 25)
    assert len({offer.kind for offer in city.offers}) >= 25


def test_every_person_has_an_own_synthetic_number_that_fits_age_and_sex():
    people = [person for home in small().households for person in home.members]
    numbers = [check_id_number(person.id_number, today=TODAY) for person in people]
    assert all(number.synthetic for number in numbers)
    assert [(n.birth_on, n.sex) for n in numbers] == [(p.birth_on, p.sex) for p in people]
    assert len({number.text for number in numbers}) == len(people)


def test_no_phone_and_no_address_can_be_real():
    assert all(home.phone.startswith("1000") and len(home.phone) == 11 for home in small().households)
    assert all("样例" in home.address for home in small().households)


def test_households_live_in_streets_of_districts_in_force():
    for home in small().households:
        assert districts.resolve(home.district_code, on=TODAY).code == home.district_code
        assert districts.resolve_street(home.street_code, on=TODAY).district_code == home.district_code


def test_every_district_has_households_and_the_centre_more_than_the_mountains():
    count = Counter(home.district_code for home in small().households)
    assert len(count) == 37
    assert count["500157"] > 5 * count["500229"]


def test_household_sizes_follow_the_published_means():
    def mean(urban: bool) -> float:
        sizes = [len(home.members) for home in small().households if home.urban == urban]
        return sum(sizes) / len(sizes)

    assert abs(mean(True) - 1.57) < 0.12
    assert abs(mean(False) - 1.86) < 0.12


def test_the_categories_have_their_shares():
    count = Counter(home.category for home in small().households)
    assert set(CATEGORY_SHARES) == set(list_codes("monitoring_category"))
    for code, share in CATEGORY_SHARES.items():
        assert abs(count[code] / 2000 - share) < 0.04, code


def test_needs_are_plausible_valid_today_and_about_a_member():
    for home in small().households:
        members = {person.key for person in home.members}
        for need in home.needs:
            kind = need_kind(need.kind)
            assert kind.typical_low <= need.amount <= kind.typical_high
            assert need.unit == kind.unit
            assert need.valid_from <= TODAY < need.valid_to
            assert need.member_key in members
        assert len({need.kind for need in home.needs}) == len(home.needs)


def test_needs_fit_the_person_they_are_about():
    for home in small().households:
        people = {person.key: person for person in home.members}
        for need in home.needs:
            person = people[need.member_key]
            if need.kind.startswith("DISABILITY."):
                assert person.disability
            if need.kind == "EDU.TUTORING":
                assert 6 <= age(person, on=TODAY) <= 15
            if need.kind == "JOB.PLACEMENT":
                assert 20 <= age(person, on=TODAY) <= 55


def test_of_every_kind_the_need_is_at_least_one_and_a_half_times_the_supply():
    asked: Counter[str] = Counter()
    posted: Counter[str] = Counter()
    for home in small().households:
        for need in home.needs:
            asked[need.kind] += need.amount
    for offer in small().offers:
        posted[offer.kind] += offer.stock
    assert set(asked) == set(posted)
    for code in asked:
        assert asked[code] >= 1.5 * posted[code], code


def test_offers_come_from_organisations_of_a_fitting_kind():
    kinds = {organisation.key: organisation.kind for organisation in small().organisations}
    for offer in small().offers:
        assert kinds[offer.org_key] in need_kind(offer.kind).provider_kinds
        assert offer.stock >= 1
        assert offer.valid_from <= TODAY < offer.valid_to


def test_some_offers_stand_and_some_ask_each_time():
    standing = sum(offer.standing for offer in small().offers)
    assert 40 < standing < 90


def test_organisations_have_valid_and_different_codes():
    codes = [check_uscc(organisation.uscc) for organisation in small().organisations]
    assert len(set(codes)) == len(codes)
    assert {organisation.kind for organisation in small().organisations} >= {"charity", "insurer", "foundation"}


def test_some_households_refuse_matching_and_some_exclude_an_organisation():
    assert 60 < sum(not home.consents for home in small().households) < 220
    assert any(home.excluded_orgs for home in small().households)


def test_some_past_aid_still_holds_a_need_back():
    needs = {(home.key, need.kind) for home in small().households for need in home.needs}
    cooling = [
        aid
        for aid in small().past_aid
        if (aid.household_key, aid.kind) in needs and (TODAY - aid.given_on).days < need_kind(aid.kind).cool_off_days
    ]
    assert cooling
    assert all(aid.given_on < TODAY for aid in small().past_aid)


def test_every_code_in_the_city_has_a_label():
    for home in small().households:
        assert label("monitoring_category", home.category)
        assert all(label("tag", tag) for tag in home.tags)
        for person in home.members:
            assert label("relation", person.relation)
            assert not person.illness or label("diagnosis_group", person.illness)
            assert not person.disability or label("disability", person.disability[0])
            assert not person.study or label("school_level", person.study)


def test_the_large_city_is_asked_for_exactly_a_hundred_thousand_needs():
    assert (SIZES["city"].needs, SIZES["city"].offers) == (100_000, 5_000)
    assert SIZES["city"].households * 1.2 > 100_000


def test_every_tour_step_signs_in_with_a_demo_account():
    logins = {account.login for account in ACCOUNTS}
    assert {step.login for step in TOUR} <= logins
    assert len(logins) == len(ACCOUNTS)
    assert len(list_need_kinds()) == 31
