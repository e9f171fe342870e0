"""What every view needs between the request and the page: words, formats, forms, pages, live progress.

Views import from here (`from marketplace.web import Form, YuanField, render`); `marketplace.app` calls
`install` once. Nothing here knows a room, a table or a rule.
"""

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from marketplace.web.display import remember_display
from marketplace.web.fields import (
    CodeField,
    CountField,
    DayField,
    Form,
    ManyField,
    OneField,
    TextField,
    TickField,
    UploadField,
    YuanField,
)
from marketplace.web.live import Event, stream
from marketplace.web.pages import confirm, done, refuse, render
from marketplace.web.paging import Page, page_number
from marketplace.web.transactions import current_database, current_session, writes

__all__ = [
    "CodeField",
    "CountField",
    "DayField",
    "Event",
    "Form",
    "ManyField",
    "OneField",
    "Page",
    "TextField",
    "TickField",
    "UploadField",
    "YuanField",
    "_",
    "_l",
    "confirm",
    "current_database",
    "current_session",
    "done",
    "ngettext",
    "page_number",
    "refuse",
    "remember_display",
    "render",
    "stream",
    "writes",
]
