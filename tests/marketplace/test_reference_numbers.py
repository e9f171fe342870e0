"""Identity numbers and organisation codes."""

from datetime import date

import pytest

from marketplace.reference.identity_number import BadIdNumber, check_id_number, make_id_number
from marketplace.reference.organisation_number import BadOrganisationNumber, check_uscc, make_uscc

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("number", "birth_on", "sex"),
    [
        ("11010519491231002X", date(1949, 12, 31), "F"),
        ("440524188001010014", date(1880, 1, 1), "M"),
    ],
)
def test_the_two_published_examples_are_read(number, birth_on, sex):
    found = check_id_number(number, today=TODAY)
    assert (found.birth_on, found.sex, found.synthetic) == (birth_on, sex, False)


@pytest.mark.parametrize("number", ["509900199003071231", "50990120180915004X", "509901194511010017"])
def test_synthetic_numbers_are_recognised(number):
    assert check_id_number(number, today=TODAY).synthetic


def test_spaces_around_and_a_small_x_are_forgiven():
    assert check_id_number(" 50990120180915004x ").text == "50990120180915004X"


@pytest.mark.parametrize(
    ("number", "code"),
    [
        ("", "length"),
        ("50990019900307123", "length"),
        ("5099001990030712310", "length"),
        ("5.09900199003071e17", "length"),
        ("5099001990030712A1", "characters"),
        ("X09900199003071231", "characters"),
        ("５０９９００１９９００３０７１２３１", "characters"),
        ("509900199013071231", "date"),
        ("509900199002301231", "date"),
        ("509900170003071231", "date"),
        ("509900203003071231", "future_date"),
        ("509900199003071230", "check_digit"),
        ("50990019900307123X", "check_digit"),
    ],
)
def test_each_fault_has_its_own_code(number, code):
    with pytest.raises(BadIdNumber) as caught:
        check_id_number(number, today=TODAY)
    assert caught.value.code == code


def test_every_single_wrong_digit_is_caught():
    good = make_id_number("509900", date(1971, 4, 9), seq=488)
    for place in range(17):
        for digit in "0123456789":
            wrong = good[:place] + digit + good[place + 1 :]
            if wrong != good:
                with pytest.raises(BadIdNumber):
                    check_id_number(wrong, today=TODAY)


def test_every_swap_of_neighbours_is_caught():
    good = make_id_number("509900", date(1968, 12, 30), seq=257)
    for place in range(16):
        wrong = good[:place] + good[place + 1] + good[place] + good[place + 2 :]
        if wrong != good:
            with pytest.raises(BadIdNumber):
                check_id_number(wrong, today=TODAY)


def test_numbers_made_are_numbers_read():
    for seq in range(0, 1000, 7):
        found = check_id_number(make_id_number("509912", date(2012, 2, 29), seq=seq), today=TODAY)
        assert found.birth_on == date(2012, 2, 29)
        assert found.sex == ("M" if seq % 2 else "F")


def test_a_real_place_is_refused_when_making_numbers():
    with pytest.raises(ValueError, match="5099"):
        make_id_number("500103", date(1990, 1, 1), seq=1)


def test_neither_the_error_nor_the_value_shows_the_number():
    with pytest.raises(BadIdNumber) as caught:
        check_id_number("509900199003071230")
    assert "1990" not in str(caught.value)
    assert "509900" not in repr(check_id_number("509900199003071231"))


def test_made_organisation_codes_are_valid_different_and_repeatable():
    made = [make_uscc(seed) for seed in range(300)]
    assert [check_uscc(code) for code in made] == made
    assert len(set(made)) == 300
    assert make_uscc(7) == make_uscc(7)
    assert all(code[2:8] == "509900" for code in made)


@pytest.mark.parametrize(
    ("text", "code"),
    [("12345", "length"), ("A1110000600037341L", "characters"), ("91110000600037342L", "check_digit")],
)
def test_a_wrong_organisation_code_says_what_is_wrong(text, code):
    with pytest.raises(BadOrganisationNumber) as caught:
        check_uscc(text)
    assert caught.value.code == code


def test_spaces_in_an_organisation_code_are_taken_out():
    assert check_uscc("9111 0000 6000 3734 1l") == "91110000600037341L"
