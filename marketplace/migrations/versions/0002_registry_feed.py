"""How far a registry was pulled, and what it was told back"""

import sqlalchemy as sa
import sqlmodel
from alembic import op

import marketplace.db


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "registry_feed",
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("cursor", sqlmodel.sql.sqltypes.AutoString(length=200), nullable=False),
        sa.Column("pulled_at", marketplace.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_registry_feed")),
    )
    op.create_table(
        "registry_report",
        sa.Column("object_ref", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("source", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("state", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("error_code", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("sent_at", marketplace.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("object_ref", name=op.f("pk_registry_report")),
    )
    op.create_index(op.f("ix_registry_report_source"), "registry_report", ["source"])


def downgrade() -> None:
    op.drop_table("registry_report")
    op.drop_table("registry_feed")
