"""Reasons in plain sentences, Chinese and English.

What enters: one reason and a language. What leaves: one or two sentences that name ids and numbers only; the
marketplace puts the names of resources and people in place of the ids where the reader may see them. Called by
`python -m matching explain` and the marketplace. A language that does not begin with ``en`` is Chinese.
"""

from __future__ import annotations

from collections.abc import Mapping

from matching import eligibility as rules
from matching.cutoffs import Cutoff
from matching.overlap_words import NOTHING, in_words
from matching.plan import Reason

URGENCY = {3: ("特急", "critical"), 2: ("紧急", "urgent"), 1: ("一般", "ordinary"), 0: ("可等待", "can wait")}

RULE = {
    rules.CATEGORY: ("类别不同", "of another category"),
    rules.UNIT: ("计量单位不同", "counted in another unit"),
    rules.NOT_LISTED: ("不在候选名单内", "not among the listed pairs"),
    rules.NO_CONSENT: ("未获本户同意", "of organisations the household has not consented to"),
    rules.URGENCY: ("只给更紧急的需求", "kept for more urgent needs"),
    rules.DISTRICT: ("不服务本区域", "not for this district"),
    rules.TAGS: ("条件标签不符", "with conditions this need does not meet"),
    rules.WINDOW: ("不在有效期内", "outside their dates"),
    rules.COOL_OFF: ("仍在间隔期内", "within the waiting time after earlier aid"),
    rules.BANNED: ("被排除", "ruled out"),
    rules.COVERED: ("需求已满足", "for a need that is already covered"),
}

STATE = {"delivered": ("已发放", "delivered"), "approved": ("已批准", "approved"), "reserved": ("已预留", "reserved")}

LIMIT = {
    "max_per_need": ("资源 {id} 对每项需求的上限", "the most that {id} gives to one need"),
    "max_per_household": ("资源 {id} 对每户的上限", "the most that {id} gives to one household"),
    "household_cap": ("每户上限 {id}", "the household cap {id}"),
}

REACHED = {
    False: ("受上限所限", "A limit is reached"),
    True: ("之后还会遇到上限", "After that another limit comes"),
}

LEFT = {
    "need": ("本需求只缺", "this need is open for only"),
    "resource": ("该资源只剩", "the resource has only"),
    "max_per_need": ("按每项需求的上限只剩", "its maximum per need leaves only"),
    "max_per_household": ("按每户上限只剩", "its maximum per household leaves only"),
    "household_cap": ("按每户上限只剩", "the household's cap leaves only"),
    "earmark": ("专款预算只剩", "the earmark has only"),
    "all_or_nothing": ("可用的合计只有", "all that is free comes to only"),
}

TIE = {
    "stability": ("先前已公布的分配优先", "an announced promise is kept first"),
    "cost": ("送达成本较低者优先", "the cheaper delivery goes first"),
    "hash": ("由公开的盐值抽签决定", "a lot drawn with the published salt decides"),
}

BAN = {
    "staff": ("工作人员排除", "staff ruled it out"),
    "refused": ("曾被拒绝", "refused before"),
    "already_given": (
        "本户已得到过，而该资源对每户有上限",
        "the household has had some of it, and it has a limit per household",
    ),
    "by_hand": ("家庭要求由人工匹配", "the household asked that a person matches it"),
    "related_party": ("按规定由其他机构提供", "by rule another giver provides"),
}
"""Codes of bans that the house knows, beside the rules against helping twice (`overlap_words`); any other code stands
for itself. A rule about persons names nobody."""
TIER = {
    "only": ("这是唯一还有余量的合格资源。", "It is the only eligible resource with room."),
    "coverage": (
        "次选 {runner_up} 已全部用于其他需求，改用它就要有别的需求让出。",
        "All of the next choice {runner_up} is in use; taking it would make another need give way.",
    ),
    "stability": (
        "改用 {runner_up} 会打破已公布的分配。",
        "Taking {runner_up} instead would break an announced promise.",
    ),
    "cost": (
        "次选 {runner_up} 每单位送达成本高 {extra_cost}。",
        "The next choice {runner_up} costs {extra_cost} more to deliver per unit.",
    ),
    "hash": (
        "与次选 {runner_up} 同等，由公开的盐值抽签决定。",
        "The next choice {runner_up} was as good; a lot drawn with the published salt decided.",
    ),
}

TEXT = {
    "chosen": (
        "资源 {resource} 给出 {units} 个单位，影子价格 {price}。{tier}{pins}",
        "Resource {resource} gives {units} units; its price is {price}. {tier}{pins}",
    ),
    "free_stock": (
        "资源 {resource} 在上次计算后还剩 {left} 个单位无人使用，可直接给出 {units} 个。",
        "Nobody took {left} units of {resource} in the last run; {units} of them can go to this need.",
    ),
    "covered": ("需求已由台账记录的援助满足：{states}。", "The ledger already covers this need: {states}."),
    "no_resource": ("没有合格的资源：{counts}。", "No resource is eligible: {counts}."),
    "no_consent": (
        "有 {count} 个组织有合适的资源，但本户未同意向其公开：{orgs}。",
        "Organisations with something fitting, but without the household's consent: {count} ({orgs}).",
    ),
    "cool_off": (
        "本户近期已领取同类援助，{until} 起可再次分配。",
        "The household received this kind of aid lately and can get it again from {until}.",
    ),
    "banned": (
        "有 {count} 项合适的资源被排除（原因：{by}）。",
        "Fitting resources that are ruled out: {count} (by: {by}).",
    ),
    "rule_cut": (
        "防重复救助的规则目前不允许给满，本需求还有 {units} 个单位因此空缺（规则：{by}）。",
        "A rule against helping twice allows no more now and leaves {units} units of this need open (rule: {by}).",
    ),
    "provider_chosen": (
        "本需求只能由一家提供，已选定资源 {provider}。",
        "This need takes one provider only and {provider} was chosen.",
    ),
    "exclusive": (
        "本户已使用互斥组 {group} 中的资源 {drawn}，不能再用资源 {resource}。",
        "The household already draws on {drawn} of the exclusive group {group}, so {resource} is closed to it.",
    ),
    "cap": (
        "{reached}：{limit_name}，共 {limit} 个单位，剩 {left}。{sure}",
        "{reached}: {limit_name} is {limit} units, with {left} left. {sure}",
    ),
    "lot_or_minimum": (
        "下一步至少要 {step} 个单位，{left_name} {left} 个，还差 {short_by} 个。",
        "The next step takes {step} units at once; {left_name} {left}: {short_by} short.",
    ),
    "earmark": (
        "专款 {id} 的预算 {limit} 剩 {left}。本需求的下一单位排在{next}。{sure}",
        "The earmark {id} has {left} left of {limit}. This need's next unit ranks {next}. {sure}",
    ),
    "stock": (
        "资源 {resource} 的库存 {limit} 剩 {left}。本需求的下一单位排在{next}。{sure}",
        "Resource {resource} has {left} left of {limit}. This need's next unit ranks {next}. {sure}",
    ),
    "priced_out": (
        "资源 {resource} 的最后一个单位给了{last}；本需求的下一单位排在{next}。{sure}",
        "The last unit of {resource} went to {last}; this need's next unit ranks {next}. {sure}",
    ),
    "tie_break": (
        "资源 {resource} 的最后一个单位给了同一排位（{last}）的另一项需求：{tie}。{sure}",
        "The last unit of {resource} went to another need of the same rank ({last}): {tie}. {sure}",
    ),
    "within_gap": (
        "这次计算尚未证明为最优，资源 {resource} 还有 {left} 个单位可给；可延长计算或由工作人员决定。",
        "This run is not proven to be the best: {resource} could still give {left}. Compute longer or decide.",
    ),
}


CUTOFF = (
    "区域 {district}：资源 {resource} 的最后一个单位给了{last}；还有 {waiting} 项需求在等候，其中最靠前的排在{next}。",
    (
        "District {district}: the last unit of {resource} went to {last}; "
        "needs still waiting: {waiting}, the first at {next}."
    ),
)


def cutoff_sentence(line: Cutoff, lang: str = "zh_Hans") -> str:
    """The line in one queue in words.

    >>> cutoff_sentence(Cutoff("r1", "east", last=(2, 3), next=(1, 1), waiting=4))
    '区域 east：资源 r1 的最后一个单位给了“紧急”第 3 层；还有 4 项需求在等候，其中最靠前的排在“一般”第 1 层。'
    """
    at = 1 if lang.startswith("en") else 0
    facts = {"district": line.district, "resource": line.resource_id, "waiting": line.waiting}
    cells = {name: dict(zip(("urgency", "level"), getattr(line, name), strict=True)) for name in ("last", "next")}
    return CUTOFF[at].format(**facts, **{name: _cell(cell, "", at=at) for name, cell in cells.items()})


def sentences(reason: Reason, lang: str = "zh_Hans", *, rules: Mapping[str, str] = NOTHING) -> str:
    """One reason in words. `rules` say what the rules against helping twice are where it is told; else in general.

    >>> sentences(Reason("n1", "", "cool_off", {"until": "2026-03-31"}), "en")
    'The household received this kind of aid lately and can get it again from 2026-03-31.'
    >>> facts = {"kind": "household_cap", "id": "c1", "limit": 3, "left": 0, "short_by": 1}
    >>> sentences(Reason("n1", "r1", "cap", facts))
    '受上限所限：每户上限 c1，共 3 个单位，剩 0。再增加 1 个单位即可轮到本需求。'
    """
    at = 1 if lang.startswith("en") else 0
    facts: dict[str, str | int] = {"resource": reason.resource_id, **reason.detail}
    return TEXT[reason.code][at].format_map(facts | _phrases(reason, at=at, says=rules))


def _phrases(reason: Reason, *, at: int, says: Mapping[str, str]) -> dict[str, str]:
    """The parts of a sentence that are themselves made of words."""
    detail = reason.detail
    comma = ("；", "; ")[at]
    if reason.code == "chosen":
        tier = TIER[str(detail["tier"])][at].format_map(detail)
        pins = ("工作人员指定了 {pinned} 个单位。", " Staff pinned {pinned} units.")[at]
        return {"tier": tier, "pins": pins.format_map(detail) if "pinned" in detail else ""}
    if reason.code == "covered":
        return {"states": comma.join(f"{STATE[state][at]} {detail[state]}" for state in STATE if state in detail)}
    if reason.code in ("banned", "rule_cut"):
        codes = str(detail["by"]).split(";")
        return {"by": comma.join(_ban(code, at=at, says=says) for code in codes)}
    if reason.code == "exclusive":
        group = str(detail["group"])
        return {"group": in_words(group, at=at, rules=says) or group}
    if reason.code == "no_resource":
        return {"counts": _counts(detail, at=at, comma=comma)}
    if reason.code == "lot_or_minimum":
        return {"left_name": LEFT[str(detail["kind"])][at]}
    more = ("再增加 {short_by} 个单位即可轮到本需求。", "It would take {short_by} more to reach this need.")[at]
    words = {"sure": more.format_map(detail)} if "short_by" in detail else {}
    if reason.code == "cap":
        named = in_words(str(detail["id"]), at=at, rules=says)
        words["limit_name"] = named or LIMIT[str(detail["kind"])][at].format_map(detail)
        later = bool(detail["left"])
        words["reached"] = REACHED[later][at]
    if "next_level" in detail:
        words["next"] = _cell(detail, "next_", at=at)
    if "level" in detail:
        words["last"] = _cell(detail, "", at=at)
    if reason.code == "tie_break":
        words["tie"] = TIE[str(detail["by"])][at]
    return words


def _ban(code: str, *, at: int, says: Mapping[str, str]) -> str:
    return BAN[code][at] if code in BAN else in_words(code, at=at, rules=says) or code


def _counts(detail: Mapping[str, str | int], *, at: int, comma: str) -> str:
    """How many resources fell to each rule, the nearest to a match first."""
    parts = [(RULE[rule][at], detail[rule]) for rule in reversed(rules.RULES) if rule in detail]
    if not parts:
        return ("没有任何资源", "there is none at all")[at]
    return comma.join(f"{count} 项{words}" if at == 0 else f"{count} {words}" for words, count in parts)


def _cell(detail: Mapping[str, str | int], prefix: str, *, at: int) -> str:
    """A cell of the policy's order: urgency and level."""
    urgency, level = int(detail[prefix + "urgency"]), detail[prefix + "level"]
    name = URGENCY[urgency][at]
    return f"“{name}”第 {level} 层" if at == 0 else f"{name} (urgency {urgency}), level {level}"
