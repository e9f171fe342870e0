"""The pages of proofs: deliveries by list, code, table and slip; the file of a grant; numbers of papers."""

from marketplace.proofs import (
    views_deliveries,
    views_donors,
    views_grant,
    views_papers,
    views_papers_table,
    views_project_changes,
    views_projects,
    views_publicity,
    views_table,
)
from marketplace.proofs.doors import SENTENCES, bp

__all__ = [
    "SENTENCES",
    "bp",
    "views_deliveries",
    "views_donors",
    "views_grant",
    "views_papers",
    "views_papers_table",
    "views_project_changes",
    "views_projects",
    "views_publicity",
    "views_table",
]
