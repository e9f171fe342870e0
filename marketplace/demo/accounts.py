"""Who may sign in to the demo, one account a role, and the tour that shows a stranger the whole job in five minutes.

What enters: a demo city and the text of this module. What leaves: account descriptions for `build`, and steps for the
start page, in both languages. There are no passwords here: the sign-in links exist in demo mode only.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DemoAccount:
    """One link on the start page. `org_key` and `household_key` are filled by the story, which knows who got aid."""

    login: str
    role: str
    zh: str
    en: str
    try_zh: str
    try_en: str


@dataclass(frozen=True, slots=True)
class TourStep:
    """One step of the tour: one press signs in as `login` and opens `path`; the text says what to see and to try."""

    login: str
    path: str
    title_zh: str
    title_en: str
    zh: str
    en: str


ACCOUNTS = (
    DemoAccount(
        "demo-verifier",
        "verifier",
        "民政核实员 周敏",
        "Verifier, civil affairs",
        "导入需求、核实需求、发起匹配",
        "Import and verify needs, start a matching run",
    ),
    DemoAccount(
        "demo-approver",
        "approver",
        "民政审批员 何建国",
        "Approver, civil affairs",
        "审批匹配方案，查看每一行的理由",
        "Approve proposals and read the reason of each line",
    ),
    DemoAccount(
        "demo-approver-2",
        "approver",
        "民政审批员 唐芳（第二审批）",
        "Second approver, civil affairs",
        "对大额匹配作第二次审批",
        "Give the second approval above the limit",
    ),
    DemoAccount(
        "demo-worker",
        "worker",
        "街道社工 田霞",
        "Worker of a street office",
        "录入需求，协助家庭办理同意",
        "Enter needs, help households to consent",
    ),
    DemoAccount(
        "demo-charity",
        "charity_manager",
        "慈善组织负责人 罗林",
        "Manager of a charity",
        "发布资源，答复匹配，登记送达",
        "Post resources, answer matches, record deliveries",
    ),
    DemoAccount(
        "demo-charity-accounts",
        "giver_admin",
        "慈善组织账号管理员 方敏",
        "Keeper of a charity's accounts",
        "邀请同事，申请系统接口，看不到任何家庭",
        "Invite colleagues, ask for machines, see no household",
    ),
    DemoAccount(
        "demo-insurer",
        "insurer",
        "保险机构经办 钱宁",
        "Clerk of an insurer",
        "发布代缴保费和理赔协助",
        "Post premiums and claim help",
    ),
    DemoAccount(
        "demo-household",
        "household",
        "困难家庭（手机页面）",
        "A household, on its phone",
        "查看进度，接受或婉拒，撤回同意",
        "See progress, accept or decline, withdraw consent",
    ),
    DemoAccount(
        "demo-auditor",
        "auditor",
        "审计员 石清",
        "Auditor",
        "查看审计链，不见个人信息",
        "Read the audit chain, see nobody's data",
    ),
    DemoAccount(
        "demo-operator",
        "operator",
        "运维员 江波",
        "Operator",
        "查看未送达的通知",
        "See notices that could not be delivered",
    ),
    DemoAccount(
        "demo-security",
        "security_admin",
        "安全管理员 严立",
        "Security administrator",
        "查看账号，交接并关闭账号",
        "See the accounts, hand over and close one",
    ),
)

TOUR = (
    TourStep(
        "demo-verifier",
        "/needs/",
        "看需求",
        "See the needs",
        "核实员看到已核实的需求：类别、缺口、紧急程度。数额不合常理的被挂起，等人来看，绝不自动分配。",
        "The verifier sees verified needs: kind, gap, urgency. An amount beyond reason is held for a person and never "
        "allocated.",
    ),
    TourStep(
        "demo-charity",
        "/offers/mine",
        "看资源",
        "See the resources",
        "慈善组织写明给什么、给谁、给到哪里。有的长期同意，有的逐一答复；没有人能替它分派。",
        "The charity says what it gives, to whom and where. Some offers are a standing yes, others ask each time;"
        " nobody assigns anything to it.",
    ),
    TourStep(
        "demo-verifier",
        "/runs/",
        "看一次匹配",
        "See a run",
        "打开最近一次匹配：证明差距为 0，就是没有更好的方案。每一行写明为什么，每个没得到的写明差在哪里。",
        "Open the newest run: gap 0 proves that no plan is better. Each line says why, each need left out says what"
        " was missing.",
    ),
    TourStep(
        "demo-approver",
        "/matches/",
        "审批",
        "Approve",
        "勾选几行，看确认页列出哪些不能批准、为什么。核实的人不能审批；大额要第二个人。",
        "Tick some lines; the confirm page names those that cannot be approved and why. Who verified cannot approve;"
        " large amounts take a second person.",
    ),
    TourStep(
        "demo-household",
        "/home",
        "家庭的手机",
        "The household's phone",
        "五步进度，谁在办、到哪天。接受时另行同意：给谁、给什么、用多久。婉拒不影响任何救助，同意三下之内可撤回。",
        "Five stages with who holds it and until when. Accepting names who sees what and for how long; declining loses "
        "nothing; a consent is withdrawn within three taps.",
    ),
    TourStep(
        "demo-charity",
        "/our-matches/",
        "答复与送达",
        "Answer and deliver",
        "只有家庭同意之后，慈善组织才看得到姓名和电话，每看一次都有记录。送达后由家庭确认。",
        "Only after the household's consent does the charity see name and phone, and each look is logged. The"
        " household confirms the delivery.",
    ),
    TourStep(
        "demo-auditor",
        "/audit/",
        "审计",
        "Audit",
        "每个动作一行，环环相扣，改动任何一行都会被发现；里面没有个人信息。",
        "One row an act, each chained to the one before: any change shows. It holds no personal data.",
    ),
)
