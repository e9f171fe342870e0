"""A household follows its application: where it is, who has it, until when; reminds, answers, prints, takes back.

Enters: requests of the household or its helper. Leaves: pages with the five stages of each item; the printed sheet says
the same with a code that leads back here.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.cases import (
    apart,
    forms,
    handing_on,
    lateness,
    notice,
    once,
    papers,
    register,
    reviews,
    service,
    steps,
    uncovered,
    withdrawing,
)
from marketplace.cases.doors import bp
from marketplace.cases.models import Case, CaseItem, CaseState
from marketplace.cases.progress import stages_of
from marketplace.cases.rules import FAST
from marketplace.cases.views_apply import FAULTS
from marketplace.cases.views_uploads import photo_of
from marketplace.cases.whose import who_decided
from marketplace.clocks import service as clocks
from marketplace.errors import BadInput, NotFound
from marketplace.guards import current_actor, guard, own_household
from marketplace.households import guardians
from marketplace.households.service import masked_name
from marketplace.reference.words import choices, label
from marketplace.web import Form, _, confirm, current_session, done, render, writes
from marketplace.web.display import language

HOME = "household"


@bp.get("/cases/mine")
@guard("case:apply")
def mine() -> ResponseReturnValue:
    """All applications, and where the household stands in the register."""
    session, home = current_session(), own_household()
    entries = register.list_entries(session, home, on=local_day(utc_now()))
    children = [
        (child.id, masked_name(session, child))
        for child in guardians.children_of(session, current_actor().id, now=utc_now())
    ]
    return render("cases/mine.html", cases=service.list_cases(session, home), entries=entries, children=children)


@bp.get("/cases/<case_id>")
@guard("case:view")
def one(case_id: str) -> ResponseReturnValue:
    """One application, item by item."""
    return render("cases/one.html", **followed(case_id))


def followed(case_id: str) -> dict[str, Any]:
    """One application with its items, stages, steps and deciders, for every page that follows it."""
    session, now = current_session(), utc_now()
    case: Case = service.get_case(session, case_id, actor=current_actor())
    done_so_far = steps.list_steps(session, case.id)
    rows: list[dict[str, Any]] = []
    items = service.list_items(session, case.id)
    for item in items:
        own = [step for step in done_so_far if step.item_id == item.id]
        running = next((step for step in own if step.ended_at is None), None)
        row: dict[str, Any] = {"item": item, "stages": stages_of(item, own, now=now), "step": running}
        anew = item.turn > 0 and any(step.outcome in lateness.DECISIONS for step in own)
        row |= {"anew": anew, "after_quick": _quick_before(item, items), "decider": who_decided(session, item, own)}
        rows.append(row)
    layout = "household" if current_actor().household_id else "staff"
    again = reviews.next_days(session, [row["item"].id for row in rows])
    objected = {row.item_id for row in notice.list_answered(session, [row["item"].id for row in rows])}
    told: dict[str, Any] = {"objected": objected, "again": again, "apart": once.left_to(session, case)}
    told["asks_remainder"] = any(one.step == "case_remainder" for one in clocks.running_of(session, f"case:{case.id}"))
    told["uncovered"] = uncovered.uncovered(session, case)
    signs = current_actor().id == papers.signer_of(session, case, now=now)
    told["signs"] = signs and handing_on.is_sayable(session, case.id)
    told["remainder_reasons"] = choices("remainder_reason", lang=language())
    return {**told, "case": case, "rows": rows, "layout": f"layout/{layout}.html", "now": now}


def _quick_before(item: CaseItem, items: list[CaseItem]) -> str:
    """How the quick help ended after which this goes on; empty where it is none of that kind."""
    quick = [one.state.value for one in items if one.path == FAST and one.code == item.code and one.id != item.id]
    return quick[0] if quick else ""


@bp.route("/cases/<case_id>/bills", methods=["GET", "POST"])
@guard("case:answer")
@writes
def bills(case_id: str) -> ResponseReturnValue:
    """Hand a bill in as a photo, one at a time: what was sent before a bad network cut in lies there already."""
    session, form = current_session(), forms.BillForm()
    case = service.get_case(session, case_id, actor=current_actor(), asks="case:answer")
    if case.state not in (CaseState.DRAFT, CaseState.OPEN):
        raise NotFound("case")
    layout = "household" if current_actor().household_id else "staff"
    if form.validate_on_submit():
        try:
            papers.add_bill(session, case, photo_of(form, case.id), actor=current_actor(), now=utc_now())
        except BadInput as error:
            form.photo.errors = [FAULTS.get(error.code, _("Please check this"))]
        else:
            return done(_("Kept. Send the next one, or go back."), to=url_for(".bills", case_id=case.id))
    held = papers.count_bills(session, case.id)
    shown: dict[str, Any] = {"held": held, "wanted": apart.papers_for(session, case, now=utc_now())}
    return render("cases/bills.html", form=form, case=case, layout=f"layout/{layout}.html", **shown)


@bp.post("/cases/items/<item_id>/urge")
@guard("case:urge")
@writes
def urge(item_id: str) -> ResponseReturnValue:
    """Remind whoever has it."""
    step = steps.urge(current_session(), item_id, actor=current_actor(), now=utc_now())
    return done(
        _("They have been reminded. It is counted and everybody sees it."), to=url_for(".one", case_id=step.case_id)
    )


@bp.post("/cases/items/<item_id>/answered")
@guard("case:answer")
@writes
def answered(item_id: str) -> ResponseReturnValue:
    """What was missing has been given: the clock runs on."""
    step = steps.run_on(current_session(), item_id, actor=current_actor(), now=utc_now())
    return done(_("Thank you. The clock runs on from today."), to=url_for(".one", case_id=step.case_id))


@bp.post("/cases/items/<item_id>/changed")
@guard("case:answer")
@writes
def changed(item_id: str) -> ResponseReturnValue:
    """Something has changed with the family: somebody looks now."""
    session, now = current_session(), utc_now()
    reviews.report_change(session, item_id, actor=current_actor(), now=now)
    case_id = steps.get_item(session, item_id).case_id
    return done(_("Thank you. Your street office looks at it now."), to=url_for(".one", case_id=case_id))


@bp.post("/cases/<case_id>/hand-on/<said>")
@guard("case:withdraw")
@writes
def hand_on(case_id: str, said: str) -> ResponseReturnValue:
    """Yes or no to writing down what stays uncovered; as easily taken back as given."""
    if said not in ("yes", "no"):
        raise NotFound("case")
    handing_on.say(current_session(), case_id, yes=said == "yes", actor=current_actor(), now=utc_now())
    told = (
        _("Kept. What stays uncovered is written down; no charity learns who you are before you say yes to it.")
        if said == "yes"
        else _("Kept. Nothing more is written down; what was written down before you end under “My consents”.")
    )
    return done(told, to=url_for(".one", case_id=case_id))


@bp.route("/cases/<case_id>/withdraw", methods=["GET", "POST"])
@guard("case:withdraw")
@writes
def withdraw(case_id: str) -> ResponseReturnValue:
    """Ask once, then take it back."""
    session, form = current_session(), Form()
    case = service.get_case(session, case_id, actor=current_actor(), asks="case:withdraw")
    if form.validate_on_submit():
        withdrawing.withdraw(session, case.id, actor=current_actor(), now=utc_now())
        return done(_("Taken back. What was granted stays granted."), to=url_for(".mine"))
    back = url_for(".check" if case.state is CaseState.DRAFT else ".one", case_id=case.id)
    return _asked(form, _("Take this application back?"), back=back)


@bp.route("/cases/items/<item_id>/withdraw", methods=["GET", "POST"])
@guard("case:withdraw")
@writes
def withdraw_item(item_id: str) -> ResponseReturnValue:
    """One thing of an application: the rest goes on."""
    session, form = current_session(), Form()
    item = steps.get_item(session, item_id)
    case = service.get_case(session, item.case_id, actor=current_actor(), asks="case:withdraw")
    back = url_for(".one", case_id=case.id)
    if form.validate_on_submit():
        withdrawing.withdraw_item(session, item.id, actor=current_actor(), now=utc_now())
        goes_on = case.state is CaseState.OPEN
        told = _("Taken back. The rest of the application goes on.") if goes_on else _("Taken back.")
        return done(told, to=back)
    name = label("aid_item", item.code, lang=language())
    return _asked(form, _("Take only this back: %(item)s?", item=name), back=back)


def _asked(form: Form, title: str, *, back: str) -> ResponseReturnValue:
    intro, button = _("Nothing more is checked. You can apply again at any time."), _("Take it back")
    return confirm(layout=HOME, title=title, intro=intro, button=button, back=back, form=form, danger=True)


@bp.post("/register/<entry_id>/object")
@guard("register:object")
@writes
def leave_register(entry_id: str) -> ResponseReturnValue:
    """No to being looked at again; it ends at once."""
    register.leave(current_session(), entry_id, actor=current_actor(), now=utc_now())
    return done(_("You are out of the register from now on."), to=url_for(".mine"))
