"""Whom to look at again, and what was found there.

Enters: requests of the street's staff. Leaves: a list by day, one look with its two answers. The rules are in
`reviews`.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.calendar import local_day, utc_now
from marketplace.cases import reviews, service
from marketplace.cases.doors import SENTENCES, bp
from marketplace.cases.models import Case, CaseItem
from marketplace.cases.models_reviews import ItemReview
from marketplace.errors import BadInput
from marketplace.guards import current_actor, guard
from marketplace.households.service import masked_names
from marketplace.reference.words import choices
from marketplace.web import (
    CountField,
    Form,
    OneField,
    Page,
    TextField,
    YuanField,
    _,
    _l,
    current_session,
    done,
    page_number,
    render,
    writes,
)
from marketplace.web.display import language


class ReviewForm(Form):
    """What was found, in which class the family is from now on, and its numbers now: used where things have changed."""

    outcome = OneField(_l("What was found?"))
    kind = OneField(_l("The family's class"))
    finding = TextField(_l("In your own words: who was asked, what was seen"), longest=400, lines=3)
    size = CountField(_l("How many people live together?"), least=1, most=30, required=False)
    income_fen = YuanField(_l("Income of all together in a month"), least=0, required=False)
    savings_fen = YuanField(_l("Savings of all together"), least=0, required=False)
    medical_fen = YuanField(_l("Paid yourselves for treatment in the last twelve months"), least=0, required=False)
    schooling_fen = YuanField(_l("Paid for school in the last twelve months"), least=0, required=False)


@bp.get("/cases/reviews")
@guard("case:list")
def reviews_due() -> ResponseReturnValue:
    """The first to be late first."""
    session, page = current_session(), Page(page_number(), 0)
    rows, total = reviews.list_due(session, actor=current_actor(), offset=page.offset, limit=page.size)
    items = {row.item_id: session.get_one(CaseItem, row.item_id) for row in rows}
    names = masked_names(session, {row.household_id for row in rows})
    shown: dict[str, Any] = {"rows": rows, "items": items, "names": names, "today": local_day(utc_now())}
    return render("cases/reviews.html", page=Page(page.number, total), **shown)


@bp.get("/cases/items/<item_id>/review")
@guard("case:handle")
def review(item_id: str) -> ResponseReturnValue:
    """One of them."""
    row = reviews.get_review(current_session(), item_id, actor=current_actor())
    session = current_session()
    case = session.get_one(Case, session.get_one(CaseItem, item_id).case_id)
    facts = service.facts_of(session, case, on=local_day(utc_now()))
    known = {name: getattr(facts, name) for name in service.NUMBERS}
    return _page(row, ReviewForm(data={"kind": row.kind, **known}))


@bp.post("/cases/items/<item_id>/review")
@guard("case:handle")
@writes
def review_done(item_id: str) -> ResponseReturnValue:
    """What was found."""
    session, form = current_session(), ReviewForm()
    row = reviews.get_review(session, item_id, actor=current_actor())
    _fill(form, row)
    if not form.validate_on_submit():
        return _page(row, form)
    told: dict[str, Any] = {"kind": str(form.kind.data), "finding": form.finding.data or ""}
    told["numbers"] = {name: form[name].data for name in service.NUMBERS}
    try:
        reviews.finish(session, item_id, str(form.outcome.data), actor=current_actor(), now=utc_now(), **told)
    except BadInput as error:
        form.finding.errors = [SENTENCES.get(error.code, _("Please check this"))]
        return _page(row, form)
    return done(_("Kept. The next look has its day."), to=url_for(".reviews_due"))


def _fill(form: ReviewForm, row: ItemReview) -> None:
    item, lang = current_session().get_one(CaseItem, row.item_id), language()
    known = reviews.classes_of(item, now=utc_now())
    form.outcome.choices = choices("review_outcome", lang=lang)
    form.kind.choices = [pair for pair in choices("review_class", lang=lang) if pair[0] in known]


def _page(row: ItemReview, form: ReviewForm) -> ResponseReturnValue:
    session = current_session()
    _fill(form, row)
    item = session.get_one(CaseItem, row.item_id)
    name = masked_names(session, {row.household_id})[row.household_id]
    earlier = [one for one in reviews.of_item(session, item.id) if one.done_at is not None]
    return render("cases/review.html", row=row, form=form, item=item, name=name, earlier=earlier)
