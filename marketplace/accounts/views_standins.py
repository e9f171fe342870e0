"""The page of stand-ins: who does my work while I am away, for whom I do it, and stepping into that seat and back.

Enters: anybody with an account. Leaves: pages; the rules are in `accounts.standins`. Letters to the account, and to
those it stands in for, are read here too.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from marketplace import notices
from marketplace.accounts import standins
from marketplace.accounts.blueprint import bp
from marketplace.accounts.cookies import cookie_name, home_address
from marketplace.accounts.models import Account, StandIn
from marketplace.calendar import utc_now
from marketplace.errors import DomainError, NotFound
from marketplace.guards import current_actor, guard
from marketplace.web import DayField, Form, OneField, _, _l, confirm, current_session, done, refuse, render, writes
from marketplace.web.codes import word

STAND_IN_SENTENCES: dict[str, Any] = {
    "span_backwards": _l("The last day must not lie before the first, and the first not before today."),
    "span_too_long": _l("At most three months at once."),
    "not_of_this_house": _l("Choose a colleague from the list."),
    "stand_in_overlap": _l("You have a stand-in for a part of these days already. End that one first."),
    "deputy_away": _l("This colleague has named a stand-in for a part of these days. Choose another."),
    "stands_in_itself": _l("You stand in for a colleague on some of these days. End that first."),
    "acts_for_another": _l("You act for a colleague now. Step back first."),
    "stand_in_over": _l("This period is over, or has not begun."),
}


class StandInForm(Form):
    """Who, and from which day to which."""

    deputy = OneField(_l("Who stands in?"), select=True)
    first_on = DayField(_l("First day"))
    last_on = DayField(_l("Last day"))


@bp.route("/stand-in/", methods=["GET", "POST"])
@guard("standin:view")
@writes
def stand_in() -> ResponseReturnValue:
    """Mine, and those in which I am one; a form to name somebody."""
    session, actor, now = current_session(), current_actor(), utc_now()
    me = session.get(Account, actor.id)
    if me is None:
        raise NotFound("account")
    form = StandInForm()
    form.deputy.choices = [(one.id, one.display_name) for one in standins.colleagues(session, me)]
    if form.validate_on_submit():
        try:
            days: dict[str, Any] = {"first_on": form.first_on.data, "last_on": form.last_on.data}
            standins.name(session, str(form.deputy.data), **days, actor=actor, now=now)
        except DomainError as error:
            field: Any = form[str(error.facts.get("field", "deputy"))]
            field.errors = [STAND_IN_SENTENCES[error.code]]
        else:
            return done(_("Your stand-in is named."), to=url_for(".stand_in"))
    letters = notices.of_accounts(session, standins.seats_of(session, actor, now=now), limit=10)
    return render(
        "accounts/stand_in.html",
        layout=f"layout/{'charity' if actor.org_id else 'staff'}.html",
        rows=[_row(row, me, now=now) for row in standins.rows_of(session, me.id, now=now)],
        form=form,
        acting=session.get(Account, actor.on_behalf_of) if actor.on_behalf_of else None,
        home=home_address(actor.role),
        letters=letters,
        days={one.id: date.fromisoformat(one.params["by"]) for one in letters if one.params.get("by")},
    )


def _row(row: StandIn, me: Account, *, now: Any) -> dict[str, Any]:
    session, mine = current_session(), row.head_id == me.id
    other = session.get_one(Account, row.deputy_id if mine else row.head_id)
    runs = row.starts_at <= now
    may_step_in = runs and not mine and current_actor().on_behalf_of != row.head_id
    return {"row": row, "mine": mine, "other": other, "runs": runs, "may_step_in": may_step_in}


@bp.route("/stand-in/for/<account_id>", methods=["GET", "POST"])
@guard("standin:name")
@writes
def stand_in_for(account_id: str) -> ResponseReturnValue:
    """Name somebody for a colleague who cannot do it."""
    session, actor, form = current_session(), current_actor(), StandInForm()
    head = standins.head_of(session, account_id, actor=actor)
    form.deputy.choices = [(one.id, one.display_name) for one in standins.colleagues(session, head)]
    back = url_for(".team_index" if actor.org_id else ".accounts_index")
    if form.validate_on_submit():
        days: dict[str, Any] = {"first_on": form.first_on.data, "last_on": form.last_on.data}
        try:
            standins.name(session, str(form.deputy.data), **days, head_id=head.id, actor=actor, now=utc_now())
        except DomainError as error:
            field: Any = form[str(error.facts.get("field", "deputy"))]
            field.errors = [STAND_IN_SENTENCES[error.code]]
        else:
            return done(_("The stand-in is named."), to=back)
    return confirm(
        layout="charity" if actor.org_id else "staff",
        title=_("Name a stand-in for %(name)s", name=head.display_name),
        intro=_("For a colleague who cannot do it, such as somebody who fell ill. It is written down who named it."),
        facts=[{"label": _("Role"), "value": word(head.role.value, "role")}],
        button=_("Name a stand-in"),
        back=back,
        form=form,
    )


@bp.post("/stand-in/<row_id>/end")
@guard("standin:name")
@writes
def stand_in_end(row_id: str) -> ResponseReturnValue:
    """End a period now."""
    try:
        standins.end(current_session(), row_id, actor=current_actor(), now=utc_now())
    except DomainError as error:
        return _refused(error)
    return done(_("Ended."), to=url_for(".stand_in"))


@bp.post("/stand-in/<row_id>/step-in")
@guard("standin:view")
@writes
def stand_in_begin(row_id: str) -> ResponseReturnValue:
    """Act for the head from now on."""
    session, token = current_session(), request.cookies.get(cookie_name(), "")
    try:
        row = standins.step_in(session, token, row_id, actor=current_actor(), now=utc_now())
    except DomainError as error:
        return _refused(error)
    head = session.get_one(Account, row.head_id)
    return done(_("You act for %(name)s now, under your own name.", name=head.display_name), to=home_address(head.role))


@bp.post("/stand-in/step-back")
@guard("standin:view")
@writes
def stand_in_leave() -> ResponseReturnValue:
    """Act for oneself again."""
    token = request.cookies.get(cookie_name(), "")
    standins.step_back(current_session(), token, actor=current_actor(), now=utc_now())
    return done(_("You act for yourself again."), to=url_for(".stand_in"))


def _refused(error: DomainError) -> ResponseReturnValue:
    if error.code not in STAND_IN_SENTENCES:
        raise error
    return refuse(str(STAND_IN_SENTENCES[error.code]), to=url_for(".stand_in"))
