"""Drafts of offers, and the weekly counts of open needs"""

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
        "offer_draft",
        sa.Column("id", sqlmodel.sql.sqltypes.AutoString(length=32), nullable=False),
        sa.Column("org_id", sqlmodel.sql.sqltypes.AutoString(), nullable=False),
        sa.Column("offer_id", sqlmodel.sql.sqltypes.AutoString(), nullable=True),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("created_by", sqlmodel.sql.sqltypes.AutoString(length=64), nullable=False),
        sa.Column("updated_at", marketplace.db.UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["offer_id"], ["offer.id"], name=op.f("fk_offer_draft_offer_id")),
        sa.ForeignKeyConstraint(["org_id"], ["organisation.id"], name=op.f("fk_offer_draft_org_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_offer_draft")),
    )
    with op.batch_alter_table("offer_draft", schema=None) as batch_op:
        for column in ("offer_id", "org_id", "updated_at"):
            batch_op.create_index(batch_op.f(f"ix_offer_draft_{column}"), [column], unique=False)
    op.create_table(
        "demand_snapshot",
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("taken_at", marketplace.db.UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("week_on", name=op.f("pk_demand_snapshot")),
    )


def downgrade() -> None:
    op.drop_table("demand_snapshot")
    op.drop_table("offer_draft")
