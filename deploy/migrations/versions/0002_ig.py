"""What IG staff search decisions by, and the cases of their queue."""

import sqlalchemy as sa
from alembic import op

revision = "0002_ig"
down_revision = "0001"
branch_labels = None
depends_on = None
_COLUMNS = (
    ("ground", sa.String(length=64)),
    ("law", sa.Text()),
    ("rules", sa.Text()),
    ("agreement_state", sa.String(length=64)),
    ("decided_by", sa.String(length=160)),
)


def upgrade() -> None:
    """Add the columns. The decisions are read anew from their topics, so that the old ones have them too."""
    op.execute("DELETE FROM decisions")
    op.execute("DELETE FROM positions WHERE topic IN ('decisions', 'decisions.sealed')")
    with op.batch_alter_table("decisions") as table:
        for name, kind in _COLUMNS:
            table.add_column(sa.Column(name, kind, nullable=False))
        table.create_index("decisions_by_time", ["decided_at", "id"], unique=False)
    few = sa.text("recipient <> 'hub'")
    op.create_index(
        "decisions_by_recipient", "decisions", ["recipient", "decided_at"], sqlite_where=few, postgresql_where=few
    )
    op.create_table(
        "ig_cases",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case", sa.String(length=64), nullable=False),
        sa.Column("log", sa.String(length=64), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", "place"),
    )
    op.create_index("ig_cases_by_case", "ig_cases", ["case"], unique=False)


def downgrade() -> None:
    """Drop them."""
    op.drop_index("ig_cases_by_case", table_name="ig_cases")
    op.drop_table("ig_cases")
    op.drop_index("decisions_by_recipient", table_name="decisions")
    with op.batch_alter_table("decisions") as table:
        table.drop_index("decisions_by_time")
        for name, _ in reversed(_COLUMNS):
            table.drop_column(name)
