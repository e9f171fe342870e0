"""The fairness report as plain text, in English or Chinese.

What enters: a `Report`. What leaves: lines for a terminal. Called by the command line only; pages have their own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from matching.beside import Report
from matching.fairness import Group, Summary
from matching.wording import cutoff_sentence

TEXT = {
    "en": {
        "plan": "plan        score {score}, {short}",
        "needs": "needs       {one.needs_served} of {one.needs} get something; Gini of the fill {one.gini:.3f}",
        "households": "households  by fill (none, to 10 %, … to 100 %): {counts}",
        "levels": "levels      needs whose level is full, the lowest first: {counts}",
        "by": "by {name}",
        "group": "  {row.label:<12} needs {row.needs}, served {row.served}, zero {row.zero}, {row.fill:.1%}; {goods}",
        "goods": "{row.category} {row.given_units} of {row.open_units}",
        "and": "; ",
        "way": "{name:<14}{short}, loses {regret:.3%} of the plan's score",
        "order": "{name:<14}{short}, lacks {prices}{inexact}",
        "price": "{share:.3%} by {name}",
        "list": ", ",
        "inexact": " (not exact: hard parts, or a run that was stopped)",
        "short": "{one.households_served} of {one.households} households served, {one.households_zero} at zero, "
        "mean fill {one.fill:.1%}, worst-off fill {one.worst_off:.1%}, urgency 3 {one.urgent_fill:.1%}",
    },
    "zh": {
        "plan": "方案    得分 {score}，{short}",
        "needs": "需求    {one.needs} 项中 {one.needs_served} 项得到帮助；满足率的基尼系数 {one.gini:.3f}",
        "households": "家庭    按满足率（零、至 10%……至 100%）：{counts}",
        "levels": "层次    各层已满的需求数，由低到高：{counts}",
        "by": "按{name}",
        "group": "  {row.label:<12} 需求 {row.needs}，得到 {row.served}，未得到 {row.zero}，{row.fill:.1%}；{goods}",
        "goods": "{row.category} {row.open_units} 中的 {row.given_units}",
        "and": "；",
        "way": "{name}：{short}，比本方案少得分 {regret:.3%}",
        "order": "{name}：{short}，少 {prices}{inexact}",
        "price": "{share:.3%}（按{name}）",
        "list": "、",
        "inexact": "（并非精确解：含约束的部分，或计算被中止）",
        "short": "{one.households} 户中 {one.households_served} 户得到帮助，{one.households_zero} 户为零，"
        "平均满足率 {one.fill:.1%}，最差一成满足率 {one.worst_off:.1%}，紧急度 3 满足率 {one.urgent_fill:.1%}",
    },
}
NAMES = {
    "urgency": "紧急度",
    "district": "区域",
    "greedy": "贪心分配",
    "first_come": "先到先得",
    "urgency_first": "紧急优先",
    "levels_first": "逐层普惠",
    "own": "自定次序",
}
"""What Chinese calls the groupings, ways and orders of this room; a caller's own label is its own word."""


def as_text(told: Report, /, *, lang: str = "en") -> str:
    """The whole report; shares as per cent."""
    return "\n".join(_lines(told, TEXT[lang], NAMES if lang == "zh" else {}, lang=lang))


def _lines(told: Report, says: Mapping[str, str], names: Mapping[str, str], *, lang: str) -> Iterator[str]:
    one = told.plan.summary
    yield says["plan"].format(score=one.score, short=_short(one, says))
    yield says["needs"].format(one=one)
    yield says["households"].format(counts=" ".join(map(str, told.plan.spread)))
    yield says["levels"].format(counts=" ".join(map(str, told.plan.levels)))
    for name, groups in told.plan.groups.items():
        yield says["by"].format(name=names.get(name, name))
        yield from (_group(group, says) for group in groups)
    for queue in told.queues:
        yield cutoff_sentence(queue, lang)
    for way in told.beside:
        name, short = names.get(way.name, way.name), _short(way.summary, says)
        yield says["way"].format(name=name, short=short, regret=way.regret)
    for row in told.policies:
        price = [says["price"].format(share=share, name=names.get(order, order)) for order, share in row.price.items()]
        yield says["order"].format(
            name=names.get(row.order, row.order),
            short=_short(row.summary, says),
            prices=says["list"].join(price),
            inexact="" if row.exact else says["inexact"],
        )


def _short(one: Summary, says: Mapping[str, str]) -> str:
    return says["short"].format(one=one)


def _group(group: Group, says: Mapping[str, str]) -> str:
    goods = says["and"].join(says["goods"].format(row=row) for row in group.goods)
    return says["group"].format(row=group, goods=goods)
