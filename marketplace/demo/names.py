"""Names of people who do not exist.

What enters: a seeded generator, a sex and a year of birth. What leaves: a family name or a given name. Common family
names and characters of given names are general knowledge; the weights are rounded by hand and follow the generations
only roughly.
"""

import random

from marketplace.demo.draws import Weighted

_FAMILY = (
    "王72李72张68刘54陈46杨31黄22赵21吴20周20徐15孙15马13朱12胡12郭11何11林11罗11高10郑9梁9谢8宋8唐8许7邓8冯6韩6曹6"
    "曾6彭6肖6蔡5潘5田5董5袁5于5余5叶5蒋5杜5苏5魏5程5吕5丁5任4卢4姚4沈4钟4姜4崔4谭5陆4范4汪4廖4石4金4贾4夏4付4方4"
    "邹4熊4白4孟4秦4邱4侯4江4尹4薛4雷3龙3黎3史3陶3贺3毛3郝3顾3龚3邵3万3覃3武3钱3戴3严3莫2孔2向3冉3"
)
_GENERATIONS = (
    (
        1962,
        {
            "M": ("国建德明光正文安富忠志永世天泽", "华明全富贵林清云才兴福祥昌礼义"),
            "F": ("秀桂玉素淑碧永德世正兴光朝清", "英珍兰芳华琼群清容芬碧贞云菊"),
        },
    ),
    (
        1985,
        {
            "M": ("伟强勇军建志国小晓文明永俊海", "平军强勇涛波兵华林峰刚辉东明"),
            "F": ("丽敏静小晓艳红海春玉建雪永冬", "娟霞芳丽燕梅蓉琴萍红莉英兰群"),
        },
    ),
    (
        9999,
        {
            "M": ("浩宇子泽俊嘉家梓天思奕晨明一", "轩豪睿辰宇涵杰航博然阳霖希铭"),
            "F": ("欣梓雨诗思佳子语若一雅静梦心", "怡涵萱琪彤妍婷瑶悦桐颖洁雯月"),
        },
    ),
)
_SINGLE_SHARE = 0.12


def _weights(text: str) -> Weighted[str]:
    pairs, name, digits = [], "", ""
    for character in text + "。":
        if character.isdigit():
            digits += character
            continue
        if name:
            pairs.append((name, float(digits)))
        name, digits = character, ""
    return Weighted(pairs)


_FAMILIES = _weights(_FAMILY)


def family_name(pick: random.Random) -> str:
    """A family name at about its real frequency."""
    return _FAMILIES.draw(pick)


def given_name(pick: random.Random, *, sex: str, born: int) -> str:
    """A given name of one or two characters as was usual for that sex and year."""
    first, second = next(lists[sex] for until, lists in _GENERATIONS if born < until)
    if pick.random() < _SINGLE_SHARE:
        return pick.choice(second)
    return pick.choice(first) + pick.choice(second)
