"""The one page that our mini program shows in WeChat, and the tie of a WeChat to a telephone.

Enters: the code that the shell put into the address. Leaves: a household's session where this WeChat is tied; else the
way to the telephone's code, and after it one question. A page that is only looked at signs nobody in and uses no code
up. The platform is asked outside every transaction.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from flask import current_app, make_response, request, url_for
from flask import session as form_session
from flask.typing import ResponseReturnValue
from werkzeug.utils import redirect
from wtforms import HiddenField

from adapters.openid import OpenIdDoor
from adapters.ports import TryAgainLater, WillNeverWork
from marketplace.accounts import service as accounts
from marketplace.accounts.cookies import cookie_name, settings, with_cookie
from marketplace.calendar import utc_now
from marketplace.errors import NotAllowed
from marketplace.guards import current_actor, guard
from marketplace.households import wechat
from marketplace.households.doors import bp
from marketplace.web import Form, _, current_database, current_session, done, refuse, render, writes

WAITING = "wechat"
APPLY_FOR = "apply_for"
"""The item for which somebody came who is not signed in yet."""
LASTS = timedelta(minutes=30)
INSIDE = "miniprogram"
"""What the browser of a mini program says of itself. Only our own mini program may show our pages (its platform sees
to that), and its shell takes no code from outside; so nobody can send a reader a link with somebody else's code."""


class ShellForm(Form):
    """The code of the shell."""

    code = HiddenField()


def openid_door() -> OpenIdDoor | None:
    """WeChat's platform; None where we have no mini program."""
    found: OpenIdDoor | None = current_app.extensions.get("wechat")
    return found


def inside() -> bool:
    """Whether the page stands in a mini program; a demonstration has none."""
    return settings().demo or INSIDE in request.user_agent.string.lower()


@bp.get("/wechat")
@guard("account:sign_in")
def shell() -> ResponseReturnValue:
    """What the shell opens first; who is signed in goes on at once."""
    if current_actor().household_id is not None:
        return redirect(url_for("portal.household_home"))
    code = request.args.get("code", "")
    if not code and settings().demo:
        code = f"demo.{secrets.token_hex(8)}"
    ready = bool(code) and inside() and openid_door() is not None
    return render("households/wechat.html", form=ShellForm(data={"code": code}), ready=ready)


@bp.post("/wechat")
@guard("account:sign_in")
def shell_enter() -> ResponseReturnValue:
    """Exchange the code; sign in, or go on to the telephone."""
    form, door, now = ShellForm(), openid_door(), utc_now()
    if door is None or not inside() or not form.validate_on_submit():
        return _again()
    try:
        with current_database().transaction() as session:
            accounts.count_try(session, "wechat", network=request.remote_addr or "", now=now, crowd=True)
        openid = door.openid_of(form.code.data or "")
    except (WillNeverWork, NotAllowed):
        return _again()
    except TryAgainLater:
        return refuse(_("WeChat does not answer now. Sign in with your telephone instead."), to=url_for(".enter"))
    with current_database().transaction() as session:
        index = wechat.index_of(session, openid)
        if token := wechat.enter(session, index, now=now):
            accounts.sign_out(session, request.cookies.get(cookie_name(), ""))
    if token:
        return with_cookie(make_response(redirect(url_for("portal.household_home"), code=303)), token)
    form_session[WAITING] = {"index": index, "until": (now + LASTS).isoformat()}
    return done(_("This WeChat is new to us. Prove your telephone once."), to=url_for(".enter"))


def _again() -> ResponseReturnValue:
    text = _("This did not work. Close the page and open it again in WeChat, or sign in with your telephone.")
    return refuse(text, to=url_for(".enter"))


def after_code() -> str:
    """Where somebody goes whose telephone was just proved: to the question, if a WeChat waits for it; to the item whose
    code it scanned; else home."""
    if _waiting():
        return url_for(".wechat_ties")
    wanted = form_session.pop(APPLY_FOR, None)
    if wanted is None:
        return url_for("portal.household_home")
    return url_for("cases.entry_of", code=wanted) if wanted else url_for("cases.entry")


def _waiting() -> str:
    """The index of a WeChat that this browser showed a short while ago; else nothing."""
    held = form_session.get(WAITING)
    if not isinstance(held, dict) or utc_now() >= datetime.fromisoformat(str(held["until"])):
        return ""
    return str(held["index"])


@bp.get("/wechat/tie")
@guard("account:wechat")
def wechat_ties() -> ResponseReturnValue:
    """The question, or what is tied."""
    ties = wechat.list_ties(current_session(), actor=current_actor(), now=utc_now())
    waits = _waiting()
    known = waits in {row.openid_index for row in ties}
    return render("households/wechat_ties.html", ties=ties, asks=bool(waits) and not known)


@bp.post("/wechat/tie")
@guard("account:wechat")
@writes
def wechat_tie() -> ResponseReturnValue:
    """Yes: this WeChat signs me in from now on."""
    waits = _waiting()
    if not waits:
        return refuse(_("Open the page in WeChat first."), to=url_for(".wechat_ties"))
    wechat.tie(current_session(), waits, actor=current_actor(), now=utc_now())
    form_session.pop(WAITING, None)
    return done(_("From now on this WeChat opens your page."), to=after_code())


@bp.post("/wechat/untie")
@guard("account:wechat")
@writes
def wechat_untie() -> ResponseReturnValue:
    """No WeChat any more."""
    wechat.untie(current_session(), actor=current_actor(), now=utc_now())
    return done(_("No WeChat opens your page any more."), to=url_for(".wechat_ties"))
