"""Staff work on items: the board of what is late and what waits, one item with its acts, the months to publish.

Enters: requests of the street office and of civil affairs. Leaves: pages; the rules are in `steps`, `outcome`, `notice`
and `supervision`.
"""

from __future__ import annotations

from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from marketplace.calendar import local_day, utc_now
from marketplace.cases import (
    ahead,
    aided,
    board,
    elsewhere,
    forms,
    hands,
    lateness,
    looking,
    notice,
    orders,
    outcome,
    said,
    service,
    silent,
    steps,
    supervision,
)
from marketplace.cases.amounts import says
from marketplace.cases.doors import SENTENCES, bp
from marketplace.cases.evaluate import Tests, class_tests
from marketplace.cases.models import ENDED, CaseItem, CaseStep
from marketplace.cases.progress import stages_of
from marketplace.cases.views_looks import card_form
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households import kin
from marketplace.households.models import Person
from marketplace.households.service import masked_name, masked_names
from marketplace.liveness.dead import is_told_dead
from marketplace.policy import may, require
from marketplace.reference.indicators import indicators
from marketplace.visits import findings
from marketplace.visits import service as visits
from marketplace.web import Page, _, current_session, done, page_number, render, writes

SIZE = 50


@bp.get("/cases/board")
@guard("case:list")
def board_page() -> ResponseReturnValue:
    """What is late, what runs, in our districts, by the end of the whole time."""
    session, actor, now = current_session(), current_actor(), utc_now()
    only_late = request.args.get("state") == "late"
    page = Page(page_number(), board.count_open(session, actor=actor, now=now, late=only_late), SIZE)
    items = board.list_open(session, actor=actor, now=now, late=only_late, offset=page.offset, limit=page.size)
    rungs = supervision.latest_rung(session, [item.id for item in items])
    running = board.running_of(session, [item.id for item in items])
    return render(
        "cases/board.html",
        items=items,
        page=page,
        late=supervision.count_late(session, actor=actor, now=now),
        rungs=rungs,
        running=running,
        passed={item.id: board.passed(item, running.get(item.id), now=now) for item in items},
        only=only_late,
        unpaid=board.list_unpaid(session, actor=actor, now=now),
    )


@bp.get("/cases/items/<item_id>")
@guard("case:list")
def item(item_id: str) -> ResponseReturnValue:
    """One item with everything that can be done now."""
    return _page(_item(item_id))


def _item(item_id: str) -> CaseItem:
    found = steps.get_item(current_session(), item_id)
    require(current_actor(), "case:view", district=found.district_code)
    return found


def _page(found: CaseItem, **shown: Any) -> ResponseReturnValue:
    session, now = current_session(), utc_now()
    case = service.get_case(session, found.case_id, actor=current_actor())
    own = [one for one in steps.list_steps(session, case.id) if one.item_id == found.id]
    on = local_day(now)
    facts = service.facts_of(session, case, on=on)
    table = says(found, facts, on=on)
    step = next((one for one in own if one.ended_at is None), None)
    tests = class_tests(facts, district=found.district_code, on=on)
    return render(
        "cases/item.html",
        item=found,
        case=case,
        step=step,
        **orders.shown(session, found, actor=current_actor(), now=now),
        stages_shown=stages_of(found, own, now=now),
        facts=facts,
        masked=masked_name(session, session.get_one(Person, case.subject_id)),
        card=card_form(),
        uploads=looking.list_uploads(session, case),
        found=findings.found_for(session, found.id),
        compared_lines=said.compared(session, found.household_id, actor=current_actor()),
        units={code: one.value for code, one in indicators().items()},
        kin_of_staff=kin.of_staff(session, found.household_id),
        close_to_me=kin.is_close(session, found.household_id, actor=current_actor()),
        child=notice.is_child(session.get_one(Person, case.subject_id), now=now),
        tests=tests,
        table=table,
        proposed=max(0, table.fen - aided.fast_given(session, found, now=now)),
        late=found.state not in ENDED and lateness.is_late(session, found, now=lateness.as_of(session, found, now=now)),
        unseen=any(one.code == steps.AT_HOME for one in own) and not visits.was_made(session, found.id),
        told_dead=found.state not in ENDED and is_told_dead(session, case.subject_id),
        aided=aided.aided_already(session, found, now=now),
        aided_elsewhere=elsewhere.list_aided(session, found, now=now) if step is not None else [],
        answered=notice.list_answered(session, [found.id]),
        objections=notice.open_objections(session, found.id),
        **_at(session, found, step),
        **{**_forms(found, tests), **shown},
    )


def _forms(item: CaseItem, tests: Tests) -> dict[str, Any]:
    return {
        "work": forms.filled(forms.WorkForm()),
        "stop": forms.stop_form(item, on=local_day(utc_now())),
        "decide": forms.decide_form(item, tests),
        "silent": forms.filled(forms.SilentForm()),
        "pay": forms.filled(forms.PayForm()),
    }


def _at(session: Session, item: CaseItem, step: CaseStep | None) -> dict[str, bool]:
    """What holds for the step at which the item stands, if it stands at one, and for the one who looks."""
    actor = current_actor()
    if step is None:
        return dict.fromkeys(("holds", "before_notice", "called", "refuses", "another"), False)
    return {
        "holds": may(actor, steps.HOLDS[step.holder]).allow,
        "before_notice": ahead.before_notice(item, step),
        "called": silent.was_called(session, item.id, step),
        "refuses": may(actor, silent.right_to_refuse(item, step)).allow,
        "another": hands.was_in_it(session, item, step.code, actor=actor),
    }


@bp.post("/cases/items/<item_id>/done")
@guard("case:step")
@writes
def finish(item_id: str) -> ResponseReturnValue:
    """This step is done; the next begins."""
    form, found = forms.filled(forms.WorkForm()), _item(item_id)
    if not form.validate_on_submit():
        return _page(found, work=form)
    told: dict[str, Any] = {"opinion": str(form.opinion.data), "amount_fen": form.amount_fen.data or 0}
    try:
        steps.finish(current_session(), item_id, actor=current_actor(), now=utc_now(), **told)
    except BadInput as error:
        form.amount_fen.errors = [SENTENCES[error.code]]
        return _page(found, work=form)
    return done(_("Done. The next step has begun."), to=url_for(".item", item_id=item_id))


@bp.post("/cases/items/<item_id>/pay")
@guard("case:step")
@writes
def pay(item_id: str) -> ResponseReturnValue:
    """The money is on its way, under a voucher."""
    form, found = forms.filled(forms.PayForm()), _item(item_id)
    if not form.validate_on_submit():
        return _page(found, pay=form)
    told = orders.Paid(
        voucher=form.voucher.data,
        paid_on=form.paid_on.data,
        account=form.account.data or "",
        late_cause=str(form.late_cause.data or ""),
    )
    try:
        orders.pay(current_session(), item_id, told, actor=current_actor(), now=utc_now())
    except BadInput as error:
        form[str(error.facts["field"])].errors = [SENTENCES[error.code]]
        return _page(found, pay=form)
    return done(_("Written down. The money is on its way."), to=url_for(".item", item_id=item_id))


@bp.post("/cases/items/<item_id>/stop")
@guard("case:handle")
@writes
def stop(item_id: str) -> ResponseReturnValue:
    """Papers are missing: told all at once."""
    found = _item(item_id)
    form = forms.stop_form(found, on=local_day(utc_now()))
    if not form.validate_on_submit():
        return _page(found, stop=form)
    try:
        steps.stop(current_session(), item_id, missing=form.told(), actor=current_actor(), now=utc_now())
    except BadInput as error:
        form.missing.errors = [SENTENCES[error.code]]
        return _page(found, stop=form)
    return done(_("The household has been told. The clock stands still."), to=url_for(".item", item_id=item_id))


@bp.get("/cases/owing")
@guard("case:list")
def owing() -> ResponseReturnValue:
    """Households that owe papers, the longest first."""
    session, page = current_session(), Page(page_number(), 0)
    rows, total = silent.list_owing(session, actor=current_actor(), offset=page.offset, limit=page.size)
    names = masked_names(session, {item.household_id for item, _step in rows})
    calls = {item.id: silent.call_of(session, item.id) for item, _step in rows}
    return render("cases/owing.html", rows=rows, names=names, calls=calls, page=Page(page.number, total))


@bp.post("/cases/items/<item_id>/silent")
@guard("case:step")
@writes
def refuse_silent(item_id: str) -> ResponseReturnValue:
    """The papers did not come, though somebody called; whoever would confirm the item may refuse it."""
    form, found = forms.filled(forms.SilentForm()), _item(item_id)
    if not form.validate_on_submit():
        return _page(found, silent=form)
    told: dict[str, Any] = {"note": form.note.data or "", "late_cause": str(form.late_cause.data or "")}
    try:
        silent.refuse(current_session(), item_id, actor=current_actor(), now=utc_now(), **told)
    except BadInput as error:
        field = form.late_cause if error.facts["field"] == "late_cause" else form.note
        field.errors = [SENTENCES.get(error.code, _("Choose from the list"))]
        return _page(_item(item_id), silent=form)
    return done(_("Decided. The letter with the reasons is on its way."), to=url_for(".item", item_id=item_id))


@bp.post("/cases/items/<item_id>/decide")
@guard("case:decide")
@writes
def decide(item_id: str) -> ResponseReturnValue:
    """Yes or no, by the confirming office."""
    return _decided(item_id)


@bp.post("/cases/items/<item_id>/confirm")
@guard("case:confirm")
@writes
def confirm_here(item_id: str) -> ResponseReturnValue:
    """Yes or no where the confirmation is handed down to the township."""
    return _decided(item_id)


@bp.post("/cases/items/<item_id>/fast")
@guard("case:fast")
@writes
def fast(item_id: str) -> ResponseReturnValue:
    """Fast small aid, by the street office alone, up to its cap."""
    return _decided(item_id)


def _decided(item_id: str) -> ResponseReturnValue:
    found = _item(item_id)
    form = forms.decide_form(found)
    if not form.validate_on_submit():
        return _page(found, decide=form)
    try:
        outcome.decide(
            current_session(),
            item_id,
            granted=form.verdict.data == "granted",
            amount_fen=form.amount_fen.data or 0,
            reason=str(form.reason.data or ""),
            note=form.note.data or "",
            letter=form.letter.data or "",
            late_cause=str(form.late_cause.data or ""),
            found=str(form.found.data or ""),
            goes_on=bool(form.goes_on.data),
            actor=current_actor(),
            now=utc_now(),
        )
    except BadInput as error:
        name = {"amount": "amount_fen"}.get(str(error.facts["field"]), str(error.facts["field"]))
        form[name].errors = [SENTENCES.get(error.code, _("Choose from the list"))]
        return _page(_item(item_id), decide=form)
    if found.state not in ENDED:
        return done(_("The public notice hangs out first; then this is decided."), to=url_for(".item", item_id=item_id))
    return done(_("Decided. The letter with the reasons is on its way."), to=url_for(".item", item_id=item_id))


@bp.post("/times/<month>")
@guard("case:publish")
@writes
def publish(month: str) -> ResponseReturnValue:
    """Freeze a month's times."""
    supervision.publish(current_session(), month, actor=current_actor(), now=utc_now())
    return done(_("Published and frozen."), to=url_for(".times"))
