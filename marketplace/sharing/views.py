"""The doors of this room's pages, for the factory: each module hangs its views onto one blueprint."""

from marketplace.sharing import views_books, views_deletions, views_emergency, views_machines, views_machines_staff
from marketplace.sharing.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "views_books",
    "views_deletions",
    "views_emergency",
    "views_machines",
    "views_machines_staff",
]
