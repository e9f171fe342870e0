"""Which tabs each kind of page shows. Rooms are named by endpoint only; what is not built yet is not shown.

The layouts `household`, `charity` and `staff` ask `tabs(kind)`; the current tab is the one whose room serves the page.
"""

from dataclasses import dataclass
from typing import Any

from flask import Flask, current_app, request, url_for
from flask_babel import lazy_gettext as _l
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RoutingException

from marketplace import policy
from marketplace.guards import current_actor


@dataclass(frozen=True, slots=True)
class Tab:
    """One tab: where it leads, what it says, its icon."""

    endpoint: str
    label: Any
    icon: str


TABS: dict[str, tuple[Tab, ...]] = {
    "household": (
        Tab("portal.household_home", _l("My progress"), "path"),
        Tab("decisions.household_offers", _l("Offers to me"), "gift"),
        Tab("portal.my_consents", _l("My consents"), "key"),
        Tab("portal.household_messages", _l("Messages"), "letter"),
    ),
    "charity": (
        Tab("portal.charity_home", _l("Home"), "home"),
        Tab("offers.mine", _l("Our resources"), "box"),
        Tab("offers.demand", _l("Demand"), "eye"),
        Tab("decisions.charity_matches", _l("Matches"), "link"),
        Tab("decisions.charity_deliveries", _l("Deliveries"), "truck"),
        Tab("claims.index", _l("Insurance cases"), "check"),
        Tab("appointments.week", _l("Visits"), "clock"),
        Tab("reports.index", _l("Reports"), "paper"),
        Tab("organisations.ours", _l("Our organisation"), "people"),
        Tab("payments.index", _l("Payments"), "book"),
    ),
    "staff": (
        Tab("portal.staff_home", _l("Home"), "home"),
        Tab("cases.board_page", _l("Applications"), "paper"),
        Tab("needs.index", _l("Needs"), "list"),
        Tab("offers.index", _l("Resources"), "box"),
        Tab("organisations.index", _l("Organisations"), "people"),
        Tab("proposals.index", _l("Runs"), "scale"),
        Tab("decisions.queue", _l("Decisions"), "check"),
        Tab("decisions.deadlines", _l("Deadlines"), "clock"),
        Tab("ledger.index", _l("Ledger"), "book"),
        Tab("reports.index", _l("Reports"), "paper"),
        Tab("portal.audit", _l("Audit"), "eye"),
        Tab("portal.dead_letters", _l("Letters"), "letter"),
        Tab("accounts.accounts_index", _l("Accounts"), "people"),
    ),
    "public": (),
}


def install(app: Flask) -> None:
    """Give the layouts their tabs and who is signed in."""
    app.jinja_env.globals.update(tabs=tabs, exists=exists, opens=opens, actor=current_actor)


def exists(endpoint: str) -> bool:
    """Whether this app has a view of that name."""
    return endpoint in current_app.view_functions


def way_back(path: str) -> str:
    """The nearest page at or above this address that can be looked at; the start page if there is none."""
    routes = current_app.url_map.bind("localhost")
    parts = path.strip("/").split("/")
    for length in range(len(parts), 0, -1):
        for end in ("", "/"):
            address = "/" + "/".join(parts[:length]) + end
            try:
                routes.match(address, method="GET")
            except (HTTPException, RoutingException):
                continue
            return address
    return "/"


def opens(endpoint: str) -> bool:
    """Whether there is such a view and its guard lets the actor in."""
    action = getattr(current_app.view_functions.get(endpoint), "guarded_action", None)
    return action is not None and policy.may(current_actor(), action).allow


def tabs(kind: str) -> list[dict[str, Any]]:
    """The tabs that this actor may open; the one that serves this page, or whose room does, is marked."""
    shown = [tab for tab in TABS[kind] if opens(tab.endpoint)]
    here = _here(shown)
    return [
        {"href": url_for(tab.endpoint), "label": tab.label, "icon": tab.icon, "current": _mark(tab, here)}
        for tab in shown
    ]


def _here(shown: list[Tab]) -> Tab | None:
    """The tab of this very page, else the first of its room (the portal's pages belong to no other)."""
    exact = [tab for tab in shown if tab.endpoint == request.endpoint]
    room = [tab for tab in shown if tab.endpoint.split(".")[0] == request.blueprint != "portal"]
    return next(iter(exact + room), None)


def _mark(tab: Tab, here: Tab | None) -> str:
    if tab is not here:
        return ""
    return "page" if tab.endpoint == request.endpoint else "true"
