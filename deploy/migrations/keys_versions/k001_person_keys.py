"""Person keys, wrapped, and which persons' keys were destroyed."""

import sqlalchemy as sa
from alembic import op

revision = "k001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "destructions",
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number"),
        sa.UniqueConstraint("person"),
    )
    op.create_table(
        "person_keys",
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("person", "version"),
    )


def downgrade() -> None:
    """Drop the tables."""
    op.drop_table("person_keys")
    op.drop_table("destructions")
