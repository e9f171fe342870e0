"""What everybody may see: public notices of a district with their way to object, and the published months.

Enters: requests of anybody. Leaves: pages with masked names of adults, and times by office and item.
"""

from __future__ import annotations

import contextlib

from flask import request
from flask.typing import ResponseReturnValue

from marketplace.accounts.trying import TOO_MANY, may_try
from marketplace.calendar import local_day, utc_now
from marketplace.cases import forms, notice, steps, supervision
from marketplace.cases.doors import bp
from marketplace.errors import NotAllowed, NotFound
from marketplace.guards import current_actor, guard
from marketplace.reference import districts
from marketplace.web import Page, _, current_database, current_session, page_number, render, writes


@bp.get("/public-notices")
@guard("case:notice")
def notice_index() -> ResponseReturnValue:
    """The districts."""
    return render("cases/notice_index.html", districts=districts.current(local_day(utc_now())))


@bp.get("/public-notices/<district>")
@guard("case:notice")
def notices(district: str) -> ResponseReturnValue:
    """What hangs out in a district."""
    if district not in {one.code for one in districts.current(local_day(utc_now()))}:
        raise NotFound("district")
    session, now = current_session(), utc_now()
    page = Page(page_number(), notice.count_notices(session, district, now=now))
    rows = notice.list_notices(session, district, now=now, offset=page.offset, most=page.size)
    return render("cases/notices.html", rows=rows, page=page, district=district)


@bp.get("/public-notices/answer")
@guard("case:object")
def objection_answer() -> ResponseReturnValue:
    """Ask for the code of an earlier objection."""
    return render("cases/object_answer.html", form=forms.ObjectionCodeForm(), found=None)


@bp.post("/public-notices/answer")
@guard("case:object")
def objection_look() -> ResponseReturnValue:
    """Show what was found; tries are counted even when nothing is."""
    form, found = forms.ObjectionCodeForm(), None
    if form.validate_on_submit():
        with current_database().transaction() as session, contextlib.suppress(NotAllowed):
            network = request.remote_addr or ""
            found = notice.find_by_code(session, form.code.data or "", network=network, now=utc_now())
        if found is None:
            form.code.errors = [_("No objection has this code. Check it letter by letter.")]
    return render("cases/object_answer.html", form=form, found=found)


@bp.route("/public-notices/<district>/<item_id>", methods=["GET", "POST"])
@guard("case:object")
def object_to(district: str, item_id: str) -> ResponseReturnValue:
    """Object to one line, without a name if one likes. The count of tries is kept even when the answer is no."""
    form = forms.ObjectionForm()
    shown = notice.find_notice(current_session(), district, item_id, now=utc_now())
    if form.validate_on_submit():
        if may_try("object"):
            return _object(district, item_id, form.text.data or "")
        form.text.errors = [TOO_MANY]
    return render("cases/object.html", form=form, row=shown, district=district)


@writes
def _object(district: str, item_id: str, text: str) -> ResponseReturnValue:
    session, now = current_session(), utc_now()
    steps.get_item(session, item_id)
    row = notice.object_to(session, item_id, text, actor=current_actor(), now=now)
    code = notice.give_code(session, row)
    return render("cases/object_code.html", code=f"{code[:4]} {code[4:8]} {code[8:]}", district=district)


@bp.get("/times")
@guard("case:times")
def times() -> ResponseReturnValue:
    """The published months, the newest first; civil affairs also sees the last month that waits to be published."""
    session, now = current_session(), utc_now()
    day = local_day(now).replace(day=1)
    last = f"{day.year - (day.month == 1)}-{(day.month - 2) % 12 + 1:02d}"
    return render("cases/times.html", reports=supervision.published(session), last=last)
