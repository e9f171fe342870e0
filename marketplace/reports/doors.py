"""The blueprint of the reports' pages, and what its modules share: whose layout, and who opens rows."""

from __future__ import annotations

from flask import Blueprint

from marketplace.actors import GIVERS, Actor
from marketplace.guards import current_actor
from marketplace.policy import may

bp = Blueprint("reports", __name__, url_prefix="/reports")


def layout() -> str:
    """Givers and staff have each their own."""
    return "charity" if current_actor().role in GIVERS else "staff"


def may_open_rows(actor: Actor, /) -> bool:
    """Rows are for those who may see the matches behind them: not for auditors, who see numbers."""
    return may(actor, "report:rows").allow
