"""Same organisation? The code decides, a part is neither the same nor another, and doubt goes to a person."""

from __future__ import annotations

import pytest

from matching.identity_organisations import Verdict, compare_organisations

CODE, OTHER = "91110000600037341L", "121200004013590816"
ALIASES = {"渝慈": "重庆市慈善总会"}


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [
        (("重庆市慈善总会", ""), ("慈善总会", ""), Verdict.SAME),
        (("重庆市慈善總會", ""), ("渝慈", ""), Verdict.SAME),
        (("甲公司", CODE), ("乙名称", CODE.lower()), Verdict.SAME),
        (("重庆市慈善总会", CODE), ("重庆市慈善总会", OTHER), Verdict.REVIEW),
        (("重庆市慈善总会", CODE), ("平安保险", OTHER), Verdict.DIFFERENT),
        (("西南医院", ""), ("西南医院心内科", ""), Verdict.PART),
        (("西南医院", CODE), ("西南医院沙坪坝院区", CODE), Verdict.PART),
        (("Red Cross", ""), ("Red Cross Chongqing Branch", ""), Verdict.PART),
        (("重庆市渝中区红十字会基金会", ""), ("重庆市渝中区红十字基金会", ""), Verdict.REVIEW),
        (("", ""), ("红十字会", ""), Verdict.REVIEW),
        (("平安保险", ""), ("红十字会", ""), Verdict.DIFFERENT),
        (("甲公司", CODE[:-1] + "M"), ("甲公司", CODE), Verdict.SAME),
    ],
)
def test_two_organisations_get_one_verdict_whichever_comes_first(
    one: tuple[str, str], two: tuple[str, str], verdict: Verdict
) -> None:
    assert compare_organisations(one, two, aliases=ALIASES) is verdict
    assert compare_organisations(two, one, aliases=ALIASES) is verdict
