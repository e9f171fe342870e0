"""The notices a household reads, or hears, before it says yes: their words, in both languages, and their fingerprints.

Enters: a notice's id and a language. Leaves: its paragraphs for the page, and the SHA-256 that the consent keeps, so
that it can be shown later which words the yes was given to. Called by the consent pages, by the page on which an offer
is accepted, and by the service. Words that were shown are never edited: changed words get a new id.
"""

from __future__ import annotations

from hashlib import sha256

MATCH = "match-notice/1"
SHARE = "share-notice/1"
SHARE_INSURER = "share-notice-insurer/2"
SHARE_INSURER_1 = "share-notice-insurer/1"
"""Before a copy was spoken of: consents given to these words let an insurer look, and keep nothing."""
PAYMENT = "payment-notice/1"
"""Of a payment's file: account and name leave the house, for this payment and no longer."""
PUBLICITY = "publicity-notice/1"
DONOR = "donor-notice/1"
COVER = "cover-notice/1"
"""Of a question with yes or no: is this person insured, and what is paid of this cost."""

TEXTS: dict[tuple[str, str], tuple[str, ...]] = {
    (MATCH, "zh_Hans"): (
        "我们用您的需求类别（例如食品、医疗、照料）、数额、紧急程度和所在区县，与慈善组织和保险机构的资源相比对。",
        (
            "有的机构只帮助符合条件的家庭。对这些机构，我们还会比对您家庭的情况，只看“是”或“否”：有无大病患者、残疾人、老年人、未成年人或学生，是否独居，住在街道还是乡镇。"
        ),
        (
            "您接受之前，对方能看到需求类别、数额、区县、紧急程度和核实程度；如果对方设了条件，也会由此知道您家符合。"
            "对方看不到您的姓名、电话和住址。"
        ),
        "您可以拒绝，也可以排除个别机构。拒绝没有任何损失：政府救助与此无关。",
        "同意最长半年，您可以随时在“我的同意”页面撤回。",
    ),
    (MATCH, "en"): (
        (
            "We compare the kind of your need (for example food, medical costs or care), its size, its urgency "
            "and your district with what charities and insurers offer."
        ),
        (
            "Some givers help only certain households. For them we also compare facts about your household, each "
            "as a yes or a no: whether somebody is seriously ill, disabled, old, a child or a student, whether "
            "you live alone, and whether you live in the city or in a town or village."
        ),
        (
            "Before you accept, a giver sees the kind of need, the amount, the district, the urgency and how well "
            "it was verified; if it set a condition, it also learns that your household meets it. It does not see "
            "your name, phone or address."
        ),
        "You may say no or exclude single organisations. Refusing loses nothing: government help never depends on it.",
        "The consent lasts half a year at most. You can withdraw it at any time on the page “My consents”.",
    ),
    (SHARE, "zh_Hans"): (
        "接受之后，这家机构可以在上述期限内、为上述用途查看您勾选的内容，其他机构看不到。每次查看都有记录，您可以看到。",
        "对方不得转给他人、用于宣传推销、画像或公开。",
        "您可以随时在“我的同意”页面撤回；撤回之后，对方不能再查看。",
    ),
    (SHARE_INSURER, "zh_Hans"): (
        "接受之后，这家保险机构可以在上述期限内、只为上述用途查看您勾选的内容，其他机构看不到。每次查看都有记录，您可以看到。",
        "为办理这一件事，对方可以在自己的系统中保存一份；同意结束或您撤回之后，必须删除并作出证明。",
        "这些内容不得用于保险的核保、定价或决定是否承保，也不得转给他人、用于宣传推销、画像或公开。",
        "您可以随时在“我的同意”页面撤回；撤回之后，对方不能再查看。",
    ),
    (SHARE_INSURER, "en"): (
        (
            "When you have accepted, this insurer may look at what you tick, for this one purpose and this period; "
            "no other organisation may. Each look is written down, and you can see it."
        ),
        (
            "To do this one thing it may keep a copy in its own system. When the consent ends or you withdraw it, the "
            "insurer must delete the copy and attest that it did."
        ),
        (
            "It is not for pricing or acceptance of insurance. The insurer may not pass your data on, advertise "
            "with it, draw a profile from it or make you known in public."
        ),
        "You can withdraw at any time on the page “My consents”; after that it can look no more.",
    ),
    (SHARE_INSURER_1, "zh_Hans"): (
        "接受之后，这家保险机构可以在上述期限内、只为上述用途查看您勾选的内容，其他机构看不到。每次查看都有记录，您可以看到。",
        "这些内容不得用于保险的核保、定价或决定是否承保，也不得转给他人、用于宣传推销、画像或公开。",
        "您可以随时在“我的同意”页面撤回；撤回之后，对方不能再查看。",
    ),
    (SHARE_INSURER_1, "en"): (
        (
            "When you have accepted, this insurer may look at what you tick, for this one purpose and this period; "
            "no other organisation may. Each look is written down, and you can see it."
        ),
        (
            "It is not for pricing or acceptance of insurance. The insurer may not pass your data on, advertise "
            "with it, draw a profile from it or make you known in public."
        ),
        "You can withdraw at any time on the page “My consents”; after that it can look no more.",
    ),
    (SHARE, "en"): (
        (
            "When you have accepted, this organisation may look at what you tick, for this purpose and this "
            "period; no other organisation may. Each look is written down, and you can see it."
        ),
        "It may not pass your data on, advertise with it, draw a profile from it or make you known in public.",
        "You can withdraw at any time on the page “My consents”; after that it can look no more.",
    ),
    (PAYMENT, "zh_Hans"): (
        "您勾选的机构用自己的账户给您付款。为此，它可以下载一份付款文件交给它的银行，文件里有您的户名、账号和开户银行，只限这一笔。每次下载都有记录，您可以看到。",
        "款到账后，或您撤回同意后，这家机构必须删除所保存的户名和账号，并作出证明；账上只留金额、日期和付款编号。银行依法保存的转账记录不受影响。",
        "对方不得把账号用于别的事，也不得转给银行以外的任何人。",
        "您可以随时在“我的同意”页面撤回；付款文件还没有下载的，撤回之后不再付款。",
    ),
    (PAYMENT, "en"): (
        (
            "The organisation that you tick pays you from its own account. For that it may fetch a payment file and "
            "hand it to its bank. The file holds the holder's name, the account and its bank, for this one payment. "
            "Each fetch is written down, and you can see it."
        ),
        (
            "When you have been paid, or when you withdraw, it must delete the name and the account that it kept, and "
            "attest that it did. Its books keep the amount, the day and the number of the payment. What the law makes "
            "its bank keep about the transfer is not touched."
        ),
        "It may use the account for nothing else and give it to nobody but its bank.",
        (
            "You can withdraw at any time on the page “My consents”; a payment whose file was not fetched yet is then "
            "not made."
        ),
    ),
    (PUBLICITY, "zh_Hans"): (
        "这与您能否得到帮助无关：不同意、只同意一部分或以后撤回，都没有任何损失。",
        "同意之后，这家机构可以在自己的报告和宣传中公开您勾选的内容，只限这一次帮助，不得用于商业推销。",
        "您可以随时在“我的同意”页面撤回；撤回之后，未提交的报告不再使用，已提交的会逐一列给您看。已经公开的内容可能难以收回。",
    ),
    (COVER, "zh_Hans"): (
        "有了看病的费用单，我们可以替您问这家机构：其中由保险支付多少。这样慈善款不会替保险付钱，您也不会漏领。",
        "问的时候只带一个由身份证号算出的编码和费用数额，不带姓名、证件号码和病情；对方只答付不付、付多少，不得留存。",
        "每天最多问一次，总共最多三十次；每次都有记录，您可以看到。拒绝没有任何损失，您可以自己把保险的答复告诉我们。",
        "您可以随时在“我的同意”页面撤回；撤回之后不再问。",
    ),
    (COVER, "en"): (
        (
            "Where there is a bill for treatment, we can ask this organisation for you how much of it insurance pays. "
            "Then charity does not pay in its place, and you do not miss what you are owed."
        ),
        (
            "The question carries a code made from the ID number and the amount, no name, no number and no illness. "
            "It is answered with whether and how much is paid; nothing may be kept."
        ),
        (
            "It is asked at most once a day and thirty times in all; each time is written down, and you can see it. "
            "Refusing loses nothing: you can tell us the insurers' answer yourself."
        ),
        "You can withdraw at any time on the page “My consents”; then nobody is asked any more.",
    ),
    (DONOR, "zh_Hans"): (
        "这与您能否得到帮助无关：不同意或以后撤回，都没有任何损失。",
        "同意之后，这家机构可以告诉这笔捐赠的捐赠人：给了哪一类帮助、多少、哪个月，效果如何。不说您的姓名、住处，也不说您的原话。",
        "您可以随时在“我的同意”页面撤回；撤回之后不再告诉捐赠人。",
    ),
    (DONOR, "en"): (
        "Your help does not depend on this: saying no, or withdrawing later, loses nothing.",
        (
            "After your yes this organisation may tell the donor of this gift which kind of help was given, how much, "
            "in which month, and what came of it. It tells no name, no place and none of your words."
        ),
        "You can withdraw at any time on the page “My consents”; after that the donor is told nothing more.",
    ),
    (PUBLICITY, "en"): (
        "Your help does not depend on this: saying no, allowing only a part, or withdrawing later loses nothing.",
        (
            "After your yes this organisation may make public what you tick, in its reports and on its pages, for this "
            "one help only, and never to sell something."
        ),
        (
            "You can withdraw at any time on the page “My consents”; then no report that is not filed yet shows it, and"
            " those already filed are listed for you. What was public may be hard to take back."
        ),
    ),
}


def share_with(recipient_kind: str, /) -> str:
    """The notice for sharing with this kind of organisation: an insurer's says what it is not for."""
    return SHARE_INSURER if recipient_kind == "insurer" else SHARE


def paragraphs(notice_id: str, *, lang: str) -> tuple[str, ...]:
    """The words as shown."""
    return TEXTS[notice_id, lang]


def fingerprint(notice_id: str, *, lang: str) -> str:
    """The SHA-256 of the shown words, one paragraph a line."""
    return sha256("\n".join(paragraphs(notice_id, lang=lang)).encode()).hexdigest()
