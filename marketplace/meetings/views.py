"""The room's pages, one module for each kind of paper; `bp` carries them all."""

from marketplace.meetings import (
    desk,
    upload,
    views_duties,
    views_file,
    views_papers,
    views_phones,
    views_reclaims,
    views_row,
    views_sheet,
    views_sheet_table,
    views_urgent,
)
from marketplace.meetings.doors import bp

__all__ = [
    "bp",
    "desk",
    "upload",
    "views_duties",
    "views_file",
    "views_papers",
    "views_phones",
    "views_reclaims",
    "views_row",
    "views_sheet",
    "views_sheet_table",
    "views_urgent",
]
