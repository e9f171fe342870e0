"""The rules against helping twice in plain words, for reasons that name one by its code.

Enters: a code, alone (``D08``) or before what it is about (``D04:giver:category``), and the words of whoever keeps the
rules. Leaves: what the rule says, in Chinese or English, without a full stop. Where nobody hands words in, general ones
stand here, without a number, because numbers are data that people change. Called by `wording`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

RULES = {
    "D01": (
        "先由赔偿、医保、大病保险、补充保险、医疗救助和临时救助支付，剩下的部分才由慈善帮助",
        (
            "Compensation, basic insurance, serious-illness insurance, supplementary cover, medical "
            "assistance and temporary aid pay first; charity may help with what is left"
        ),
    ),
    "D02": (
        "各方帮助加在一起，不会超过有凭据的实际支出；凭据登记之前，同一件事一年内不超过这类需求的上限",
        (
            "All help together is never more than the cost that papers show; until they are recorded, never "
            "more in a year for one event than the limit of this kind of need"
        ),
    ),
    "D03": (
        "如果慈善先付，临时救助可能会相应减少，所以建议先等临时救助的答复",
        (
            "If charity pays first, temporary aid may become smaller; it is better to wait for the answer "
            "on temporary aid"
        ),
    ),
    "D04": (
        "同一个慈善项目对同一个人（没有写明为谁的，对同一个家庭）的帮助有累计上限",
        "One charity programme has an upper limit for one person (where nobody is named, one household) over all years",
    ),
    "D05": (
        "同一种病已有一个慈善项目帮助的，只有还有自付费用时才会有第二个项目",
        (
            "Where one charity programme already helps with an illness, a second one comes in only if a "
            "cost of your own remains"
        ),
    ),
    "D06": (
        "同一年里，互相排斥的助学奖励只能得到一项；国家助学金可以另外享受",
        (
            "Within one year only one of the student awards that exclude each other can be received; the "
            "national grant may be added"
        ),
    ),
    "D07": (
        "大学新生的各项帮助（含保险）合计补足到保底金额",
        "For the first year at university all help, insurance included, is made up to one floor",
    ),
    "D08": ("同类物资在等待期内帮助一次", "The same kind of goods is given once within its waiting time"),
    "D09": (
        "长期护理保险、特困照料或政府购买服务已经提供的时数，不再重复安排",
        (
            "Hours that long-term care insurance, care for the destitute or a bought service already "
            "provide are not arranged again"
        ),
    ),
    "D10": (
        "残联已经适配的辅助器具，在使用年限内不重复配发",
        ("A device already fitted by the disabled persons' federation is not given again within its service life"),
    ),
    "D11": (
        "住房已由灾后重建支付，或在等待期内、或因同一事件已由其他资金支付的，不再重复支付",
        (
            "A home that disaster rebuilding has paid for, or any other giver within a waiting time or for the same "
            "event, is not paid for again"
        ),
    ),
    "D12": (
        "同一培训或创业帮助在等待期内一次",
        "The same course or start-up help is given once within its waiting time",
    ),
    "D13": (
        "同一件事一年内一次",
        "Once for the same event in one calendar year",
    ),
    "D14": ("小额快救最多为一个月的低保标准", "Fast small aid is at most one month of the minimum living standard"),
    "D15": ("每人每年一份保单", "One policy for each person and year"),
    "D16": (
        "同一笔费用，有多种身份的，按最高的一种救助，不叠加",
        "For one cost, whoever belongs to several groups gets the highest amount, not the sum",
    ),
    "D17": (
        "低保分类重点救助只享受一项，残疾一项可以另外享受",
        "Of the extra payments for key classes one is received; the one for disability may be added",
    ),
    "D18": (
        "困难残疾人生活补贴和重度残疾人护理补贴，与特困供养、工伤护理不同时享受",
        ("The two disability subsidies are not received together with support for the destitute or work-injury care"),
    ),
    "D19": ("低保金不会用来抵扣其他帮助", "Minimum living money is never set against other help"),
    "D20": (
        "帮助的一方与家庭有亲属等关系的，不由这一方帮助",
        "A giver that is related to the household does not help it",
    ),
    "D21": (
        "同一件事、两类可能是同一需要的帮助，先由工作人员核对",
        "Two kinds of help that may be one thing, for one event, are first looked at by staff",
    ),
}
"""Code ► (Chinese, English)."""
NOTHING: Mapping[str, str] = MappingProxyType({})
ANY = ("防止重复帮助的规则", "a rule against helping twice")


def in_words(code: str, /, *, at: int, rules: Mapping[str, str] = NOTHING) -> str:
    """What the rule behind a code says, as `rules` have it or in general; empty where the code is no rule's.

    >>> in_words("D19", at=1)
    'Minimum living money is never set against other help'
    >>> in_words("D08", at=1, rules={"D08": "Once in 90 days"})
    'Once in 90 days'
    >>> in_words("staff", at=1)
    ''
    """
    name, _colon, about = code.partition(":")
    if name in RULES:
        return rules.get(name, RULES[name][at])
    return ANY[at] if name == "rule" and about else ""
