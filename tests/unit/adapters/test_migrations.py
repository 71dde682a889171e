"""The migrations and the models describe the same schema, up and down, on both databases."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect

from app.adapters.sql import migrations
from app.kernel.clock import now
from app.kernel.errors import InvalidInput, StorageDown
from app.models import metadata


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/deep/empty.db"
    return request.getfixturevalue("postgres_url")


def _drift(connection):
    options = {"compare_type": True, "compare_server_default": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_up_gives_the_schema_of_the_models_and_down_leaves_nothing(empty_url):
    migrations.upgrade(empty_url)
    assert migrations.current(empty_url) == migrations.head()
    assert migrations._within(empty_url, _drift) == []
    migrations.upgrade(empty_url)  # again: nothing to do

    migrations.downgrade(empty_url)
    left = migrations._within(empty_url, lambda connection: inspect(connection).get_table_names())
    assert left == ["alembic_version"]
    assert migrations.current(empty_url) is None

    migrations.upgrade(empty_url)
    assert migrations._within(empty_url, _drift) == []
    migrations.downgrade(empty_url)


def test_a_wrong_address_is_told_in_one_sentence():
    with pytest.raises(StorageDown, match=r"^The database cannot be opened: .*DATABASE_URL\.$"):
        migrations.current("postgresql+asyncpg://nobody@127.0.0.1:1/none")


def test_a_file_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageDown):
        migrations.upgrade(f"sqlite+aiosqlite:///{tmp_path}/file/x.db")


def test_an_unknown_revision_is_told_in_one_sentence(tmp_path):
    for move in (migrations.upgrade, migrations.downgrade):
        with pytest.raises(InvalidInput, match="'nope'"):
            move(f"sqlite+aiosqlite:///{tmp_path}/x.db", "nope")


def test_values_in_parts_are_whole_again_in_the_older_schema(empty_url):
    migrations.upgrade(empty_url)

    def store(connection):
        tables = metadata.tables
        connection.execute(tables["workspace"].insert().values(id="w", name="w", created_at=now()))
        for part, data in ((0, b"[1,"), (1, b"2]")):
            connection.execute(
                tables["blob"]
                .insert()
                .values(
                    id="b",
                    part=part,
                    workspace_id="w",
                    sha256="s",
                    size_bytes=5,
                    data=data,
                    created_at=now(),
                )
            )

    migrations._within(empty_url, store)
    migrations.downgrade(empty_url, "0003")

    def stored(connection):
        return [bytes(row[0]) for row in connection.exec_driver_sql("SELECT data FROM blob")]

    assert migrations._within(empty_url, stored) == [b"[1,2]"]
    migrations.upgrade(empty_url)
    assert migrations._within(empty_url, stored) == [b"[1,2]"]
    migrations.downgrade(empty_url)


def test_the_oldest_account_administers_an_installation_that_is_there(empty_url):
    migrations.upgrade(empty_url, "0004")

    def sign_up(connection):
        for email, day in (("local@agentloom.invalid", 1), ("ada@x.org", 2), ("eve@x.org", 3)):
            connection.exec_driver_sql(
                "INSERT INTO user_account (id, email, name, password_hash, created_at)"
                f" VALUES ('{email}', '{email}', 'A', 'x', '2026-01-0{day} 00:00:00')"
            )

    def administrators(connection):
        query = "SELECT email FROM user_account WHERE is_installation_admin"
        return list(connection.exec_driver_sql(query).scalars())

    migrations._within(empty_url, sign_up)
    migrations.upgrade(empty_url)
    assert migrations._within(empty_url, administrators) == ["ada@x.org"]
    migrations.downgrade(empty_url)
