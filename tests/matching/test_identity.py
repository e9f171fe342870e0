"""Same person? The traps by hand: homonyms, twins, a family on one telephone, two people on one number, dirty lists."""

from __future__ import annotations

from random import Random

import pytest

from matching.identity import link

Rows = list[dict[str, str]]

MARKS = "明丽华英秀国建文玉春海小志红德云平金晓军永兰桂林荣萍东芳淑福生美霞梅光祥珍新家清辉龙雪燕波敏佳"
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高"


def _check(first: str) -> str:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(digit) * weight for digit, weight in zip(first, weights, strict=True)) % 11]


def number(born: str, seq: int) -> str:
    """A valid number of nobody."""
    first = f"509901{born.replace('-', '')}{seq:03d}"
    return first + _check(first)


def crowd(size: int = 200) -> Rows:
    """People who have nothing to do with each other."""
    draw = Random(5)
    rows = []
    for _ in range(size):
        born = f"{draw.randint(1940, 2010)}-{draw.randint(1, 12):02d}-{draw.randint(1, 28):02d}"
        seq = draw.randint(0, 999)
        rows.append(
            {
                "name": draw.choice(SURNAMES) + draw.choice(MARKS) + draw.choice(MARKS),
                "sex": "男" if seq % 2 else "女",
                "birth_date": born,
                "id_number": number(born, seq),
                "phone": f"13{draw.randint(0, 10**9 - 1):09d}",
                "address": f"渝中区{draw.choice(MARKS)}{draw.choice(MARKS)}路{draw.randint(1, 200)}号",
                "district": "渝中区",
            }
        )
    return rows


PERSON = {
    "name": "郑建国",
    "sex": "男",
    "birth_date": "1968-03-05",
    "id_number": number("1968-03-05", 117),
    "phone": "15800001234",
    "address": "重庆市渝北区松石路15号3栋2单元5-2",
    "district": "渝北区",
}


def band(*rows: dict[str, str], size: int = 200) -> str:
    """The band of two rows amid a crowd; "different" where the pair is not listed."""
    table: Rows = [*crowd(size), *rows]
    names = sorted({name for row in table for name in row})
    found = link({name: [row.get(name, "") for row in table] for name in names})
    for at, pair in enumerate(zip(found.a.tolist(), found.b.tolist(), strict=True)):
        if pair == (size, size + 1):
            return found.band(at)
    return "different"


AGAIN = (
    PERSON,
    PERSON | {"id_number": ""},
    {"name": "鄭建國", "birth_date": "1968年3月5日", "phone": "158 0000 1234"},
    {"name": "郑健国", "birth_date": "1968/3/5", "address": "渝北区松石路十五号三幢2单元502室"},
    {"name": "Jianguo Zheng", "birth_date": "19680305", "phone": "+86 15800001234", "sex": "M"},
    {"name": "郑建国", "birth_date": "1968-05-03", "phone": "15800001234"},
    {"name": "郑建国", "birth_date": "1968-03-05", "address": "松石路15号", "district": "两江新区"},
    {"name": "郑建国", "id_number": PERSON["id_number"].lower()},
)
"""The same person in another hand."""


@pytest.mark.parametrize("second", AGAIN)
def test_one_person_in_two_hands_is_the_same(second: dict[str, str]) -> None:
    assert band(PERSON, second) == "same"


@pytest.mark.parametrize("people", [30_000, 1_500_000])
def test_whoever_comes_alone_into_a_city_s_register_is_seen_there(people: int) -> None:
    """The house compares the few who came in with those who share a key with them, out of all of the register."""

    def alone(second: dict[str, str]) -> str:
        rows = [PERSON, second]
        found = link({name: [row.get(name, "") for row in rows] for name in PERSON}, population=people)
        return found.band(0) if len(found.a) else "different"

    assert [second for second in AGAIN if alone(second) == "different"] == []
    assert [other for other in KIN if alone(other) == "same"] == []
    away = PERSON | {"id_number": "", "phone": "13999998888"}
    assert alone(away) == "same", "with another telephone, too"


KIN = (
    PERSON | {"name": "郑建军", "id_number": number("1968-03-05", 135)},
    PERSON | {"name": "郑建军", "id_number": ""},
    PERSON | {"name": "郑建红", "id_number": "", "sex": "女"},
    PERSON | {"name": "郑小明", "birth_date": "1996-07-08", "id_number": number("1996-07-08", 31)},
    PERSON | {"name": "李秀英", "birth_date": "1970-01-09", "sex": "女", "id_number": ""},
)


@pytest.mark.parametrize(
    "second",
    KIN,
    ids=["twin", "twin without a number", "twin sister", "child on the same telephone", "wife on the same telephone"],
)
def test_twins_and_kin_on_one_telephone_are_never_the_same(second: dict[str, str]) -> None:
    assert band(PERSON, second) in ("review", "different")
    first = {name: text for name, text in PERSON.items() if name != "id_number"}
    assert band(first, second | {"id_number": ""}) in ("review", "different")


@pytest.mark.parametrize(("one", "other"), [("陈立", "李晨"), ("张洋", "杨章"), ("魏丽群", "柳伟")])
def test_chinese_names_that_fit_crosswise_by_sound_alone_are_two_people(one: str, other: str) -> None:
    born = {"sex": "女", "birth_date": "1986-01-02", "district": "渝中区"}
    assert band(born | {"name": one}, born | {"name": other}) in ("review", "different")
    swapped = born | {"surname": one[1:], "given_name": one[0], "phone": "13811110001"}
    assert band(born | {"name": one, "phone": "13811110001"}, swapped) == "same", "the same characters the other way"


def test_one_name_and_birthday_in_two_districts_is_for_a_person() -> None:
    born = {"name": "陈静", "sex": "女", "birth_date": "1990-02-03"}
    assert band(born | {"district": "沙坪坝区"}, born | {"district": "万州区"}) in ("review", "different")
    assert band(born | {"district": "沙坪坝区"}, born | {"district": "沙坪坝区"}) == "same"


def test_two_people_on_one_number_go_to_a_person() -> None:
    other = {
        "name": "吴小丽",
        "sex": "女",
        "birth_date": "1990-08-02",
        "phone": "13700007777",
        "address": "江津区滨江路2号",
    }
    assert band(PERSON, other | {"id_number": PERSON["id_number"]}) == "review"


def test_one_person_with_two_valid_numbers_goes_to_a_person() -> None:
    assert band(PERSON, PERSON | {"id_number": number("1968-03-05", 119)}) == "review"


def test_a_common_name_in_one_district_is_not_enough_and_a_name_alone_never_is() -> None:
    wang = {"name": "王伟", "sex": "男", "district": "渝中区"}
    assert band(wang | {"birth_date": "1970-01-01"}, wang | {"phone": "13900001111"}) != "same"
    assert band({"name": "王伟"}, {"name": "王伟"}) != "same"


def test_the_order_of_the_rows_changes_nothing() -> None:
    rows: Rows = [*crowd(200), PERSON, PERSON | {"id_number": "", "name": "鄭建國"}]
    draw = Random(1)
    told = []
    for _ in range(3):
        order = list(range(len(rows)))
        draw.shuffle(order)
        found = link({name: [rows[at].get(name, "") for at in order] for name in PERSON})
        pairs = zip(found.a, found.b, found.score, found.same, strict=True)
        told.append(sorted((*sorted((order[i], order[j])), float(s), bool(k)) for i, j, s, k in pairs))
    assert told[0] == told[1] == told[2]


def test_one_crowded_value_does_not_grow_into_all_pairs() -> None:
    from matching.identity_blocks import candidates
    from matching.identity_records import read_records

    size = 6000
    rows = {"name": ["王伟"] * size, "phone": ["02365123456"] * size, "district": ["渝中区"] * size}
    a, _ = candidates(read_records(rows))
    assert len(a) <= 200 * size


def test_columns_must_be_known_and_of_one_length() -> None:
    with pytest.raises(ValueError, match="no column to compare"):
        link({"colour": ["red"]})
    with pytest.raises(ValueError, match="differ in length"):
        link({"name": ["a"], "phone": []})


def test_no_cell_however_odd_stops_the_linking() -> None:
    from matching.identity_records import KNOWN

    words = "? ０１２ ١٩٧١/٠٦/٢٤ 1971-13-45 00000000 99999999999999 王 · 欧阳 a - 31/12/1999 百号 十 5-2 号"
    odd = f"{words} 重庆市 500105 😀 𠮷田 Ⅷ 区 1/1 jan".split()
    draw = Random(1)
    for size in (0, 1, 2, 30):
        for _ in range(5):
            link({name: [draw.choice(["", *odd]) for _ in range(size)] for name in KNOWN})
