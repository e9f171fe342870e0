"""Letters say that something waits, never what, for whom or how much; they fit one text message."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from marketplace.web import letters

LINK = "https://shanqiao.example.cn/"
SENSITIVE_ZH = re.compile(
    "救助|低保|特困|贫困|困难|残疾|病|医疗|药|手术|孤儿|失业|灾|补助|补贴|津贴|资助|援助|帮扶|捐|慈善|食品|粮|衣|住房|学费"
    "|教育|护理|养老|现金|金额|元|¥|收入|债|身份证|户口|地址|姓名|家庭|孩子|老人|民政"
)
SENSITIVE_EN = re.compile(
    r"\b(aid|benefit|welfare|poor|poverty|hardship|disab|ill|sick|medic|hospital|drug|food|grain|cloth|rent|housing|school"
    "|tuition|care|cash|money|amount|yuan|rmb|income|debt|donat|charit|household|family|child|elder|name|address)",
    re.IGNORECASE,
)
BY = date(datetime.now(UTC).year + 1, 11, 27)
"""In another year than today, because that is written longest."""
PARAMS = {"by": BY.isoformat(), "code": "482913"}


def _all(language: str, words: Path) -> list[tuple[str, letters.Letter]]:
    return [
        (name, letters.render(name, language=language, link=LINK, words=words, params=PARAMS))
        for name in letters.names()
    ]


def test_the_letters_the_house_sends_are_all_there_and_every_one_is_sent_by_somebody() -> None:
    code = "\n".join(path.read_text("utf-8") for path in (Path(letters.__file__).parents[1]).rglob("*.py"))
    used = set(re.findall(r"notices\.post\(\s*session,\s*\"(\w+)\"", code))
    assert used <= set(letters.names())
    assert [name for name in letters.names() if f'"{name}"' not in code] == []


@pytest.mark.threat("T38")
@pytest.mark.parametrize(("language", "sensitive"), [("zh_Hans", SENSITIVE_ZH), ("en", SENSITIVE_EN)])
def test_no_letter_names_help_an_amount_or_a_person(language: str, sensitive: re.Pattern[str], tmp_path: Path) -> None:
    for name, letter in _all(language, tmp_path):
        text = f"{letter.sms} {letter.subject} {letter.body}".replace(LINK, "")
        assert not sensitive.search(text), f"{name}: {sensitive.findall(text)}"


@pytest.mark.parametrize(("language", "most"), [("zh_Hans", 70), ("en", 160)])
def test_a_text_message_is_one_message(language: str, most: int, tmp_path: Path) -> None:
    for name, letter in _all(language, tmp_path):
        assert len(letter.sms) <= most, f"{name}: {len(letter.sms)} characters"
        assert "\n" not in letter.sms + letter.subject


def test_a_letter_is_in_the_language_it_is_sent_in(tmp_path: Path) -> None:
    chinese, english = (dict(_all(language, tmp_path)) for language in ("zh_Hans", "en"))
    assert chinese["offer_waiting"].sms.startswith("【善桥】")
    assert f"{BY.year}年11月27日 周" in chinese["offer_waiting"].sms
    assert f" 27 Nov {BY.year}" in english["offer_waiting"].body
    assert not any(re.search("[\u4e00-\u9fff]", text.sms + text.body) for text in english.values())


def test_a_letter_takes_only_the_blanks_it_knows(tmp_path: Path) -> None:
    params = {"name": "张晓三", "amount": "1200"}
    letter = letters.render("offer_waiting", language="en", link=LINK, words=tmp_path, params=params)
    assert "张" not in letter.body
    assert "Please by" not in letter.body
    assert "1200" not in letter.sms + letter.body


def test_only_the_sign_in_code_letter_carries_a_code(tmp_path: Path) -> None:
    for name, letter in _all("en", tmp_path):
        assert ("482913" in letter.sms) == (name == "sign_in_code")
        assert "482913" not in letter.subject
