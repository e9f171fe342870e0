"""Closing accounts as pages: a manager for its team, the security administrator for everybody, with the desk shown.

Enters: requests of these two. Leaves: the list of all accounts, and one page that shows everything that lies on a desk,
asks who takes it over, and closes. The rules are in `accounts.closing` and `accounts.desks`.
"""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from marketplace.accounts import closing, desks, standins
from marketplace.accounts.blueprint import bp
from marketplace.accounts.desks import Piece
from marketplace.accounts.views_team import TEAM_SENTENCES
from marketplace.calendar import local_day, utc_now
from marketplace.clocks.steps import STEPS
from marketplace.errors import DomainError
from marketplace.guards import current_actor, guard
from marketplace.web import Form, OneField, Page, _, _l, confirm, current_session, done, page_number, render, writes
from marketplace.web.codes import word
from marketplace.web.formats import day

MOST_SHOWN = 200


class CloseForm(Form):
    """Who takes over what is open."""

    heir = OneField(_l("Who takes over the open work?"), required=False, select=True)


@bp.get("/accounts/")
@guard("account:list")
def accounts_index() -> ResponseReturnValue:
    """Every account, what lies on its desk, and who stands in for it."""
    session, actor, now = current_session(), current_actor(), utc_now()
    page = Page(page_number(), closing.count_accounts(session))
    rows = closing.list_accounts(session, actor=actor, offset=page.offset, limit=page.size)
    return render(
        "accounts/accounts.html",
        rows=rows,
        page=page,
        work={one.id: len(desks.pieces_of(session, one, now=now)) for one in rows if one.active},
        deputies=standins.deputies(session, [one.id for one in rows], now=now),
        me=actor.id,
    )


@bp.route("/team/<account_id>/close", methods=["GET", "POST"])
@guard("team:change")
@writes
def team_close(account_id: str) -> ResponseReturnValue:
    """A manager lets somebody of the team go."""
    return _close(account_id, layout="charity", back=url_for(".team_index"))


@bp.route("/accounts/<account_id>/close", methods=["GET", "POST"])
@guard("account:close")
@writes
def account_close(account_id: str) -> ResponseReturnValue:
    """The security administrator closes any account."""
    return _close(account_id, layout="staff", back=url_for(".accounts_index"))


def _close(account_id: str, *, layout: str, back: str) -> ResponseReturnValue:
    """Show the desk, ask for the heir, close: one press."""
    session, actor, now, form = current_session(), current_actor(), utc_now(), CloseForm()
    account = closing.to_close(session, account_id, actor=actor)
    form.heir.choices = [(one.id, one.display_name) for one in standins.colleagues(session, account)]
    if form.validate_on_submit():
        try:
            closing.close_account(session, account_id, heir_id=str(form.heir.data or ""), actor=actor, now=now)
        except DomainError as error:
            if error.code not in TEAM_SENTENCES:
                raise
            form.heir.errors = [TEAM_SENTENCES[error.code]]
        else:
            return done(_("The account is closed."), to=back)
    pieces = desks.pieces_of(session, account, now=now)
    return confirm(
        layout=layout,
        title=_("Close this account?"),
        intro=_("Whoever holds it is signed out at once. Everything below passes to the colleague you choose."),
        facts=[
            {"label": _("Name"), "value": account.display_name},
            {"label": _("Role"), "value": word(account.role.value, "role")},
            {"label": _("Open work"), "value": str(len(pieces))},
        ],
        items=[_in_words(piece) for piece in pieces[:MOST_SHOWN]],
        button=_("Hand over and close") if pieces else _("Close"),
        back=back,
        form=form,
        danger=True,
    )


def _in_words(piece: Piece) -> str:
    kind = word(piece.kind, "step" if piece.kind in STEPS else "desk_piece")
    number = _("Number %(n)s", n=piece.ref.rpartition(":")[2][:8].upper())
    until = [_("until %(day)s", day=day(local_day(piece.due_at)))] if piece.due_at else []
    return " · ".join([kind, number, *until])
