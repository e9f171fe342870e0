"""What stands out among approvals, and the matches behind one number.

Enters: approvers of a district, or the auditor. Leaves: a table and its rows; small numbers are on neither page.
"""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue
from sqlmodel import col, select

from marketplace.accounts.models import Account
from marketplace.boards import outliers
from marketplace.boards.counting import Place
from marketplace.boards.doors import bp
from marketplace.boards.views_board import name_of
from marketplace.calendar import utc_now
from marketplace.guards import current_actor, guard
from marketplace.needs.models import Need
from marketplace.organisations.models import Organisation
from marketplace.web import current_session, render


@bp.get("/outliers")
@guard("board:outliers")
def outlying() -> ResponseReturnValue:
    """The cells that stand out."""
    by = "village" if request.args.get("by") == "village" else "street"
    look = outliers.outliers(current_session(), by=by, actor=current_actor(), now=utc_now())
    people = _names([cell.approver_id for cell in look.cells])
    givers = _givers([cell.org_id for cell in look.cells])
    return render("boards/outliers.html", look=look, by=by, people=people, givers=givers, place=_place)


@bp.get("/outliers/rows")
@guard("board:outliers")
def outlying_rows() -> ResponseReturnValue:
    """The matches of one cell."""
    session = current_session()
    key = tuple(request.args.get(name, "") for name in ("approver", "giver", "district", "street"))
    approver, giver, district, street = key
    place = (approver, giver, district, street)
    rows, total = outliers.rows_of(session, place, actor=current_actor(), now=utc_now())
    needs = session.exec(select(Need).where(col(Need.id).in_([row.need_id for row in rows])))
    return render(
        "boards/outlier_rows.html",
        rows=rows,
        total=total,
        needs={need.id: need for need in needs},
        who=_names([approver]).get(approver, "") if rows else "",
        giver=_givers([giver]).get(giver, "") if rows else "",
        place=_place(district, street) if rows else "",
    )


def _place(district: str, street: str) -> str:
    if len(street) == outliers.VILLAGE:
        return f"{name_of(Place(district, street[:9]))} {street[9:]}"
    return name_of(Place(district, street)) if street else name_of(Place(district))


def _names(ids: list[str]) -> dict[str, str]:
    asked = select(Account.id, Account.display_name).where(col(Account.id).in_(ids))
    return dict(current_session().exec(asked).all())


def _givers(ids: list[str]) -> dict[str, str]:
    asked = select(Organisation.id, Organisation.name).where(col(Organisation.id).in_(ids))
    return dict(current_session().exec(asked).all())
