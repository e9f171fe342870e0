"""What is thought of pairs before a table is seen: how often fields agree in each kind of pair.

What enters: nothing. What leaves: for each kind of pair and field the chances of its levels from different to equal,
and guesses of how common a name is. Read by `identity_weights`, which lets the table itself correct them. The figures
are ours, rounded, and meant to be outweighed; the surname shares are of the order that the police's yearly name
reports give.

Kinds: the same person; kin in one home, who share surname, place and telephone but not given name or birth date;
twins, who share the birth date too; neighbours, who share the place only; strangers, who share nothing but by chance.
"""

from __future__ import annotations

KINDS = ("same", "kin", "twins", "neighbours", "strangers")

SAME = {
    "surname": (0.03, 0.02, 0.04, 0.06, 0.85),
    "given": (0.05, 0.03, 0.05, 0.07, 0.80),
    "sex": (0.02, 0.98),
    "birth": (0.03, 0.02, 0.03, 0.10, 0.82),
    "number": (0.03, 0.02, 0.07, 0.88),
    "phone": (0.35, 0.05, 0.60),
    "email": (0.12, 0.05, 0.15, 0.68),
    "place": (0.15, 0.05, 0.15, 0.15, 0.50),
    "district": (0.08, 0.05, 0.87),
    "postcode": (0.10, 0.08, 0.82),
    "home": (0.60, 0.40),
}
STRANGERS = {
    "surname": (0.925, 0.03, 0.015, 0.01, 0.02),
    "given": (0.95, 0.03, 0.01, 0.005, 0.005),
    "sex": (0.5, 0.5),
    "birth": (0.95, 0.025, 0.0235, 0.00145, 0.00005),
    "number": (0.999888, 0.0001, 0.00001, 0.000002),
    "phone": (0.99997, 0.00002, 0.00001),
    "email": (0.989, 0.01, 0.00098, 0.00002),
    "place": (0.955, 0.04, 0.004, 0.0009, 0.0001),
    "district": (0.94, 0.02, 0.04),
    "postcode": (0.98, 0.01, 0.01),
    "home": (0.99999, 0.00001),
}
KIN = {
    "surname": (0.45, 0.01, 0.01, 0.01, 0.52),
    "given": (0.83, 0.14, 0.01, 0.01, 0.01),
    "sex": (0.55, 0.45),
    "birth": (0.91, 0.055, 0.03, 0.004, 0.001),
    "number": (0.9985, 0.0004, 0.0003, 0.0008),
    "phone": (0.40, 0.02, 0.58),
    "email": (0.80, 0.02, 0.02, 0.16),
    "place": (0.08, 0.03, 0.07, 0.07, 0.75),
    "district": (0.04, 0.02, 0.94),
    "postcode": (0.04, 0.03, 0.93),
    "home": (0.10, 0.90),
}
TWINS = KIN | {
    "surname": (0.02, 0.01, 0.01, 0.01, 0.95),
    "given": (0.53, 0.36, 0.06, 0.03, 0.02),
    "sex": (0.35, 0.65),
    "birth": (0.01, 0.005, 0.005, 0.03, 0.95),
    "number": (0.95, 0.03, 0.015, 0.005),
}
NEIGHBOURS = {
    "place": (0.02, 0.60, 0.20, 0.08, 0.10),
    "district": (0.03, 0.02, 0.95),
    "postcode": (0.03, 0.02, 0.95),
}
"""Other fields of neighbours agree as those of strangers do."""

PAIRS_OF_OPINION = {"same": 30.0, "strangers": 50_000.0}
"""How many pairs of a table the guesses are worth."""

ROWS_OF_OPINION = 300.0
"""How many rows the guesses about one value are worth."""

_SURNAMES = {
    0.07: "王李张",
    0.05: "刘陈",
    0.03: "杨",
    0.02: "黄赵吴周",
    0.012: "徐孙马朱胡郭何林罗高",
    0.007: "郑梁谢宋唐许邓韩冯曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢"
    "姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷",
}
SURNAME_SHARES = {name: share for share, names in _SURNAMES.items() for name in names}
RARE = {"surname": 0.0015, "given": 0.0008, "place": 0.0001, "phone": 0.00001, "email": 0.00001, "number": 0.000001}
"""The guess where nothing better is known."""

GIVEN_OF_ONE = 0.003
"""Share of a Chinese given name of one character."""
