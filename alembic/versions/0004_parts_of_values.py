"""Large values are stored in parts; those there are stay whole, as the first and only part."""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("blob") as table:
        table.add_column(sa.Column("part", sa.Integer(), nullable=False, server_default="0"))
        table.drop_constraint("pk_blob", type_="primary")
        table.create_primary_key("pk_blob", ["id", "part"])


def _join_parts() -> None:
    connection = op.get_bind()
    blob = sa.table("blob", sa.column("id"), sa.column("part"), sa.column("data", sa.LargeBinary()))
    divided = sa.select(blob.c.id).where(blob.c.part == 1)
    for blob_id in connection.execute(divided).scalars().all():
        of_it = blob.c.id == blob_id
        parts = sa.select(blob.c.data).where(of_it).order_by(blob.c.part)
        whole = b"".join(connection.execute(parts).scalars())
        connection.execute(sa.update(blob).where(of_it, blob.c.part == 0).values(data=whole))
        connection.execute(sa.delete(blob).where(of_it, blob.c.part > 0))


def downgrade() -> None:
    _join_parts()
    with op.batch_alter_table("blob") as table:
        table.drop_constraint("pk_blob", type_="primary")
        table.create_primary_key("pk_blob", ["id"])
        table.drop_column("part")
