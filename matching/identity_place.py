"""Places as written by two hands: districts under old and new names, addresses as words and numbers.

What enters: a folded cell of a district or an address. What leaves: the district's key and the group of keys that
followed each other; an address as a text without numbers and its numbers in order. Called by `identity_records`. The
names and codes of Chongqing's districts are facts of the national code tables; elsewhere names compare with names.
"""

from __future__ import annotations

import re

from matching.identity_text import is_han

_DISTRICTS = """
500101 万州 万县,500102 涪陵,500103 渝中,500104 大渡口,500105 江北,500106 沙坪坝,500107 九龙坡,500108 南岸,500109 北碚
500110 綦江 500222 万盛,500111 大足 500225 双桥,500112 渝北,500113 巴南,500114 黔江 500239,500115 长寿 500221
500116 江津 500381,500117 合川 500382,500118 永川 500383,500119 南川 500384,500120 璧山 500227,500151 铜梁 500224
500152 潼南 500223,500153 荣昌 500226,500154 开州 500234 开县 开,500155 梁平 500228,500156 武隆 500232,500157 两江
500229 城口,500230 丰都,500231 垫江,500233 忠县 忠,500235 云阳,500236 奉节,500237 巫山,500238 巫溪,500240 石柱
500241 秀山,500242 酉阳,500243 彭水
"""
"""The present code, the name without its kind, and every former code or name."""

_NAMED = {word: words.split()[0] for words in re.split(r"[,\n]", _DISTRICTS.strip()) for word in words.split()}
_FOLLOWED = {"500105": "500157", "500112": "500157"}
"""Districts that ended on 2025-11-06 and the one that took their people."""

_UPPER = re.compile(r"^(中国)?(重庆市|重庆|[^\s市县区]{2,8}?(省|自治区))?(市辖区|县)?([^\s市县区]{2,6}?市)?(?=.{2})")
_KIND = re.compile(r"(土家族苗族|苗族土家族|土家族)?(自治县|新区|区|县|市)$")
_CITY_DISTRICT = re.compile(r"^([^\d\s省市]{1,8}?(?:自治县|新区|区|县))")

_NUMERAL = dict(zip("零〇一二三四五六七八九", (0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), strict=True))
_COUNTED = re.compile(r"([〇零一二三四五六七八九十百]+)(?=号|栋|幢|座|单元|楼|层|室|组|社|队|区|期|村民小组)")
_ROOM = re.compile(r"(?<![\d-])(\d{1,2})-(\d{1,2})(?!\d|-\d)(室|号)?$")
_DIGITS = re.compile(r"\d+[a-z]?(?![a-z])|\d+")
_PLAIN = (
    (re.compile(r"门牌|附近|居民|村民(?=小组)|委员会|居委会|村委会|社区居|社区|街道办事处|街道办|街道|办事处"), ""),
    (re.compile(r"小组|社(?=$|\d)|队(?=$|\d)"), "组"),
    (re.compile(r"幢|座|号楼|单栋|栋楼"), "栋"),
    (re.compile(r"房间|房|户(?=$)"), "室"),
)
_SHORT = {
    "street": "st", "str": "st", "road": "rd", "avenue": "av", "ave": "av", "place": "pl", "court": "ct", "crt": "ct",
    "circuit": "cct", "crct": "cct", "crescent": "cr", "cres": "cr", "drive": "dr", "drv": "dr", "close": "cl",
    "lane": "ln", "terrace": "tce", "terr": "tce", "parade": "pde", "highway": "hwy", "boulevard": "bvd", "blvd": "bvd",
    "square": "sq", "unit": "u", "flat": "u", "apartment": "u", "apt": "u", "number": "", "no": "", "north": "n",
    "south": "s", "east": "e", "west": "w", "saint": "st", "mount": "mt",
}  # fmt: skip


def district(text: str) -> tuple[str, str]:
    """The key of a district, and the key that its people are under today.

    >>> district("江北区"), district("500112003"), district("重庆市开县"), district("Perth".lower())
    (('500105', '500157'), ('500112', '500157'), ('500154', '500154'), ('perth', 'perth'))
    """
    if not text:
        return "", ""
    key = text.replace(" ", "") if is_han(text) else text
    digits = re.sub(r"\D", "", text)
    if len(digits) in (6, 9, 12) and not re.search(r"[^\d\s-]", text):
        key = _NAMED.get(digits[:6], digits[:6])
    elif is_han(key):
        bare = re.sub(r"^(重庆市|重庆)(市辖区)?(?=.)", "", key)
        key = _NAMED.get(bare, "") or _NAMED.get(_KIND.sub("", bare), "") or _KIND.sub("", bare) or bare
    return key, _FOLLOWED.get(key, key)


def _numeral(found: re.Match[str]) -> str:
    words = found.group(1)
    if not any(mark in words for mark in "十百"):
        return "".join(str(_NUMERAL[mark]) for mark in words)
    total, digit = 0, 0
    for mark in words:
        if mark in "十百":
            total, digit = total + (digit or 1) * (10 if mark == "十" else 100), 0
        else:
            digit = _NUMERAL[mark]
    return str(total + digit)


def address(text: str) -> tuple[str, str, str]:
    """The words of an address without its numbers, its numbers joined by blanks, and the district it names.

    >>> address("重庆市渝北区龙溪街道松石路十五号三幢2单元5-2")
    ('龙溪松石路号栋单元室', '15 3 2 502', '渝北区')
    >>> address("6 tullaroop street")
    ('tullaroop st', '6', '')
    """
    if is_han(text):
        return _han_address(text.replace(" ", ""))
    words = [_SHORT.get(word, word) for word in re.findall(r"[^\W\d_]+|\d+[a-z]?(?![a-z])|\d+", text)]
    plain = " ".join(word for word in words if word and not word[0].isdecimal())
    return plain, " ".join(word for word in words if word[:1].isdecimal()), ""


def _han_address(text: str) -> tuple[str, str, str]:
    text = _UPPER.sub("", text)
    found = _CITY_DISTRICT.match(text)
    within = found.group(1) if found and found.group(1) not in ("小区", "社区") and len(found.group(1)) > 1 else ""
    text = _COUNTED.sub(_numeral, text[len(within) :])
    for pattern, becomes in _PLAIN:
        text = pattern.sub(becomes, text)
    text = _ROOM.sub(lambda m: f"{int(m.group(1))}{int(m.group(2)):02d}室", text)
    numbers = " ".join(number.lstrip("0") or "0" for number in _DIGITS.findall(text))
    plain = re.sub(r"[^\w]|_", "", _DIGITS.sub("", text))
    return plain, numbers, within
