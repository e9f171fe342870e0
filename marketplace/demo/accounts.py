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
    """One step of the tour: sign in as `login`, open `path`, and see what the text says."""

    login: str
    path: str
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
)

TOUR = (
    TourStep(
        "demo-verifier",
        "/needs/",
        "核实员看到本区已核实的需求：类别、缺口、紧急程度；超出合理范围的数额留给人看，不会自动分配。",
        "The verifier sees the verified needs: kind, gap, urgency. Amounts beyond reason wait for a person.",
    ),
    TourStep(
        "demo-charity",
        "/offers/",
        "慈善组织看到自己发布的资源和条件。长期同意的资源可直接匹配，其余逐一答复。",
        "The charity sees its resources and terms: a standing yes, or an answer to each match.",
    ),
    TourStep(
        "demo-verifier",
        "/runs/",
        "一次匹配的结果附有证明：差距为 0 表示没有更好的方案。每一行都写明理由。",
        "A run comes with a proof: gap 0 means that no plan is better. Each line says why.",
    ),
    TourStep(
        "demo-approver",
        "/matches/",
        "审批员批准或退回。核实的人不能审批；批准时再次检查同意、重复和余量。",
        "The approver approves or rejects. Who verified cannot approve; consent, overlap and stock are asked again.",
    ),
    TourStep(
        "demo-household",
        "/home",
        "家庭在手机上看到五步进度。接受时另行同意给谁、给什么、用多久；婉拒不影响任何救助。",
        "The household sees five stages. Accepting names who sees what and for how long; declining loses nothing.",
    ),
    TourStep(
        "demo-auditor",
        "/audit/",
        "审计员看到环环相扣的记录，改动任何一行都会被发现，而其中没有个人信息。",
        "The auditor sees the chained log: any change shows, and it holds no personal data.",
    ),
)
