"""Numbers of donation receipts and invoices: the giver's list, and the form that keeps one more.

Enters: what a giver typed from a paper that was issued elsewhere. Leaves: the list, or the form with what is wrong; a
number that is there already is shown with its day and amount.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from marketplace.calendar import utc_now
from marketplace.errors import BadInput, Conflict
from marketplace.guards import current_actor, guard
from marketplace.offers.models import Offer
from marketplace.proofs import papers
from marketplace.proofs.doors import PAPERS, bp, say
from marketplace.proofs.models import PaperKind
from marketplace.reference.words import choices
from marketplace.web import pages
from marketplace.web.display import language
from marketplace.web.fields import DayField, Form, OneField, TextField, YuanField
from marketplace.web.formats import day, yuan
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_session, writes


class PaperForm(Form):
    """What stands on the paper."""

    kind = OneField(_l("Kind of paper"), choices=[(kind.value, words) for kind, words in PAPERS.items()])
    number = TextField(_l("Number"), longest=40)
    amount = YuanField(_l("Amount"))
    issued_on = DayField(_l("Issued on"))
    offer_id = OneField(_l("For which resource"), select=True, required=False)


@bp.get("/papers/")
@guard("paper:list")
def paper_list() -> ResponseReturnValue:
    """The giver's numbers, the newest first."""
    session, number = current_session(), page_number()
    size = Page(1, 0).size
    found, total = papers.list_papers(session, actor=current_actor(), offset=(number - 1) * size, size=size)
    titles = _titles(session, col(Offer.id).in_({paper.offer_id for paper in found}))
    return pages.render("proofs/papers.html", papers=found, page=Page(number, total), kinds=PAPERS, titles=titles)


def _titles(session: Session, *which: ColumnElement[bool]) -> dict[str, str]:
    """Resource ► title of the giver's resources, the newest first."""
    mine = select(Offer.id, Offer.title).where(col(Offer.org_id) == current_actor().org_id)
    return dict(session.exec(mine.where(*which).order_by(col(Offer.created_at).desc(), col(Offer.id))).all())


@bp.route("/papers/new", methods=["GET", "POST"])
@guard("paper:store")
@writes
def paper_new() -> ResponseReturnValue:
    """Keep one number."""
    form = PaperForm()
    form.offer_id.choices = list(_titles(current_session()).items())
    if not form.validate_on_submit() or form.amount.data is None or form.issued_on.data is None:
        return _form(form)
    facts = papers.PaperFacts(
        kind=PaperKind(form.kind.data or ""),
        number=form.number.data or "",
        amount_fen=form.amount.data,
        issued_on=form.issued_on.data,
        offer_id=form.offer_id.data or None,
    )
    try:
        papers.store(current_session(), facts, actor=current_actor(), now=utc_now())
    except Conflict as error:
        form.number.errors = [_told(error)]
        return _form(form)
    except BadInput as error:
        say(form, error)
        return _form(form)
    return pages.done(_("The number is kept."), to=url_for("proofs.paper_list"))


class StrikeForm(Form):
    """Why it is struck."""

    reason_code = OneField(_l("Why?"))


@bp.route("/papers/<paper_id>/strike", methods=["GET", "POST"])
@guard("paper:store")
@writes
def paper_strike(paper_id: str) -> ResponseReturnValue:
    """Ask why, then strike a number that was mistyped or voided."""
    session, form = current_session(), StrikeForm()
    paper = papers.get_standing(session, paper_id, actor=current_actor())
    form.reason_code.choices = choices("paper_strike", lang=language())
    if not form.validate_on_submit():
        return pages.confirm(
            layout="charity",
            title=_("Strike this number?"),
            intro=_(
                "It stays here with the reason and counts in no report any more. The number can then be kept anew."
            ),
            facts=[
                {"label": PAPERS[paper.kind], "value": paper.number},
                {"label": _("Amount"), "value": yuan(paper.amount_fen)},
                {"label": _("Issued on"), "value": day(paper.issued_on)},
            ],
            button=_("Strike it"),
            back=url_for("proofs.paper_list"),
            form=form,
        )
    papers.strike(session, paper_id, reason_code=form.reason_code.data or "", actor=current_actor(), now=utc_now())
    return pages.done(
        _("Struck. If a published report counts it, count a new version."), to=url_for("proofs.paper_list")
    )


def _form(form: PaperForm) -> ResponseReturnValue:
    return pages.render("proofs/paper_new.html", form=form)


def _told(error: Conflict) -> Any:
    """Where the same number stands already."""
    if error.code != "paper_known":
        return _("Somebody kept this number just now. Look at the list.")
    return _(
        "This number is kept already: %(amount)s, issued on %(day)s.",
        amount=yuan(int(str(error.facts["fen"]))),
        day=day(date.fromisoformat(str(error.facts["day"]))),
    )
