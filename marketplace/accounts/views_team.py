"""The team's pages: who is in it, inviting, changing a role; and the public page to join by code.

Enters: requests of a giver's managers, and of somebody who holds a code. Leaves: pages; the rules are in
`accounts.team`. The code is typed in, never part of an address.
"""

from __future__ import annotations

from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue
from wtforms import PasswordField
from wtforms.validators import InputRequired

from marketplace.accounts import desks, team
from marketplace.accounts.blueprint import bp
from marketplace.accounts.models import Account
from marketplace.accounts.trying import TOO_MANY, may_try
from marketplace.accounts.views_password import WEAK
from marketplace.actors import Role
from marketplace.calendar import utc_now
from marketplace.errors import DomainError, WrongState
from marketplace.guards import current_actor, guard
from marketplace.web import (
    Form,
    OneField,
    TextField,
    _,
    _l,
    confirm,
    current_database,
    current_session,
    done,
    render,
    writes,
)
from marketplace.web.codes import word

TEAM_SENTENCES: dict[str, Any] = {
    "invitation_unknown": _l("This code does not work. Copy it again, or ask for a new one: a code works once."),
    "login_taken": _l("Somebody has this user name already. Choose another."),
    "password_short": _l("Use at least 12 characters."),
    "password_weak": WEAK,
    "last_manager": _l("The last manager cannot leave: make somebody else a manager first."),
    "open_work": _l("This account has open work: choose who takes it over."),
    "work_on_desk": _l("This account has open work. Close it, and let somebody take the work over; or wait."),
    "nobody_takes_over": _l("Nobody of this house could take over what it holds. Open another account first."),
    "own_account": _l("You cannot close your own account. Ask a colleague."),
    "heir_unfit": _l("This colleague cannot take over everything: on a shift it would be both people at once."),
    "invitation_over": _l("This invitation has been used or withdrawn."),
    "role_not_here": _l("This role does not exist in your team."),
}


class InviteForm(Form):
    """Which place, and a note by which the team knows for whom it is."""

    role = OneField(_l("Role"))
    note = TextField(_l("A note for your team, such as the department"), required=False, longest=64)


class RoleForm(Form):
    """Another role."""

    role = OneField(_l("Role"))


class JoinForm(Form):
    """The code and the new account."""

    code = TextField(_l("Code of the invitation"), longest=40)
    display_name = TextField(_l("Your name, as colleagues see it"), longest=64)
    login = TextField(_l("User name to sign in with"), longest=64)
    password = PasswordField(_l("Password"), validators=[InputRequired(message=_l("Please fill this in"))])


@bp.get("/team/")
@guard("team:view")
def team_index() -> ResponseReturnValue:
    """Everybody in the team, and the invitations that wait."""
    session, actor = current_session(), current_actor()
    people = team.list_team(session, actor=actor)
    work = {one.id: len(desks.pieces_of(session, one, now=utc_now())) for one in people if one.active}
    waiting = team.list_invitations(session, actor=actor, now=utc_now())
    return render("accounts/team.html", people=people, work=work, waiting=waiting)


@bp.route("/team/invite", methods=["GET", "POST"])
@guard("team:change")
@writes
def team_invite() -> ResponseReturnValue:
    """Make a place; the answer shows its code, once."""
    form = InviteForm()
    form.role.choices = _roles()
    if form.validate_on_submit():
        role, note = Role(str(form.role.data)), form.note.data or ""
        made, code = team.invite(current_session(), role=role, note=note, actor=current_actor(), now=utc_now())
        response = render("accounts/invited.html", invitation=made, code=code)
        response.headers["Cache-Control"] = "no-store"
        return response
    return render("accounts/invite.html", form=form)


@bp.post("/team/invitations/<invitation_id>/withdraw")
@guard("team:change")
@writes
def team_uninvite(invitation_id: str) -> ResponseReturnValue:
    """The code works no more."""
    team.withdraw_invitation(current_session(), invitation_id, actor=current_actor(), now=utc_now())
    return done(_("The invitation is withdrawn."), to=url_for(".team_index"))


@bp.route("/team/<account_id>/role", methods=["GET", "POST"])
@guard("team:change")
@writes
def team_role(account_id: str) -> ResponseReturnValue:
    """Ask, then change."""
    account, form = _colleague(account_id), RoleForm(data={"role": _colleague(account_id).role.value})
    form.role.choices = _roles()
    if form.validate_on_submit():
        try:
            team.change_role(
                current_session(), account_id, role=Role(str(form.role.data)), actor=current_actor(), now=utc_now()
            )
        except WrongState as error:
            form.role.errors = [TEAM_SENTENCES[error.code]]
        else:
            return done(_("The role is changed."), to=url_for(".team_index"))
    return _ask(account, form, title=_("Change the role?"), button=_("Change"))


@bp.get("/join")
@guard("account:join")
def join() -> ResponseReturnValue:
    """Whoever holds a code takes a place in a team."""
    return render("accounts/join.html", form=JoinForm())


@bp.post("/join")
@guard("account:join")
def join_submit() -> ResponseReturnValue:
    """Check the code. The count of tries is kept even when the answer is no."""
    form = JoinForm()
    if not may_try("join"):
        form.code.errors = [TOO_MANY]
        return render("accounts/join.html", form=form)
    if form.validate_on_submit():
        given = {name: form[name].data for name in ("login", "display_name", "password")}
        try:
            with current_database().transaction() as session:
                team.join(session, form.code.data, **given, now=utc_now())
        except DomainError as error:
            form[str(error.facts.get("field", "code"))].errors = [TEAM_SENTENCES[error.code]]
        else:
            return done(_("Your account is ready. Sign in with it."), to=url_for(".sign_in"))
    return render("accounts/join.html", form=form)


def _ask(account: Account, form: Form, *, title: str, button: str) -> ResponseReturnValue:
    facts = [
        {"label": _("Name"), "value": account.display_name},
        {"label": _("Role"), "value": word(account.role.value, "role")},
    ]
    return confirm(layout="charity", title=title, button=button, back=url_for(".team_index"), facts=facts, form=form)


def _colleague(account_id: str) -> Account:
    return team.colleague(current_session(), account_id, actor=current_actor())


def _roles() -> list[tuple[str, str]]:
    return [(role.value, word(role.value, "role")) for role in team.roles_in(current_session(), current_actor())]
