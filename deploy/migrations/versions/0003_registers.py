"""Where each family's register changed last, so that what it overtook is told as withheld."""

import sqlalchemy as sa
from alembic import op

revision = "0003_registers"
down_revision = "0002_ig"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table. Decisions from before say no place, and are not judged: nothing is read anew."""
    op.create_table(
        "registers",
        sa.Column("log", sa.String(length=64), nullable=False),
        sa.Column("family", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("log", "family"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("registers")
