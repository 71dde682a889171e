"""What lasts ends within seconds of the right it stands on."""

import asyncio
import time
from dataclasses import replace

import pytest
from sqlalchemy import delete, update
from sqlmodel import col

from app.kernel.clock import now
from app.kernel.errors import Unauthenticated
from app.kernel.settings import Settings
from app.models import Member, User
from app.services import authority
from app.services.composition import close_app, open_app
from app.services.identity.commands import logout
from tests.services.people import person


@pytest.fixture
async def app(database_url, tmp_path):
    opened = await open_app(
        Settings(data_dir=tmp_path / "data", database_url=database_url, redis_url="none")
    )
    yield opened
    await close_app()


async def _ends(app, loss) -> str:
    """How a watch ends after a loss; a neighbour's stays."""
    ada, eve = await person(app.database, "Ada"), await person(app.database, "Eve")
    async with app.authority.watched(ada) as mine, app.authority.watched(eve) as neighbours:
        await loss(app.database, ada)
        began = time.monotonic()
        await asyncio.wait_for(mine.ended.wait(), 5)
        assert time.monotonic() - began < 3
        assert not neighbours.ended.is_set()
        return mine.reason


async def _sign_out(database, ada):
    async with database.work() as uow:
        await logout(uow, ada.session_id)


async def _remove(database, ada):
    async with database.work() as uow:
        await uow.session.execute(delete(Member).where(col(Member.user_id) == ada.user_id))


async def _demote(database, ada):
    async with database.work() as uow:
        mine = col(Member.user_id) == ada.user_id
        await uow.session.execute(update(Member).where(mine).values(role="viewer"))


async def _disable(database, ada):
    async with database.work() as uow:
        mine = col(User.id) == ada.user_id
        await uow.session.execute(update(User).where(mine).values(disabled_at=now()))


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        (_sign_out, "Your session has ended. Sign in again."),
        (_disable, "Your session has ended. Sign in again."),
        (_remove, "What you may do in this workspace has changed."),
        (_demote, "What you may do in this workspace has changed."),
    ],
)
async def test_a_watch_ends_with_the_right_and_a_neighbours_stays(app, loss, reason):
    assert await _ends(app, loss) == reason


async def test_a_session_nobody_has_gives_no_right(app):
    ada = await person(app.database)
    async with app.authority.watched(replace(ada, session_id="ses_none")) as watch:
        await asyncio.wait_for(watch.ended.wait(), 5)


async def test_what_cannot_be_confirmed_for_long_ends(app, monkeypatch):
    monkeypatch.setattr(authority, "PERIOD_S", 0.05)
    monkeypatch.setattr(authority, "PATIENCE_S", 0.2)
    ada = await person(app.database)
    async with app.authority.watched(ada) as watch:
        await app.database.close()

        async def away(*_):
            raise authority.StorageDown("away")

        monkeypatch.setattr(authority, "_judge", away)
        began = time.monotonic()
        await asyncio.wait_for(watch.ended.wait(), 5)
        assert time.monotonic() - began > 0.15


async def test_a_wait_ends_with_the_right_to_it_and_what_was_waited_for_with_it(app):
    ada = await person(app.database)
    ended = asyncio.Event()

    async def work(seconds):
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ended.set()
            raise
        return "done"

    assert await app.authority.kept(ada, work(0)) == "done"
    assert await app.authority.kept(ada, work(2.5)) == "done"  # judged anew, and allowed
    waiting = asyncio.create_task(app.authority.kept(ada, work(60)))
    await asyncio.sleep(1.5)
    await _sign_out(app.database, ada)
    with pytest.raises(Unauthenticated, match="session has ended"):
        await asyncio.wait_for(waiting, 5)
    await asyncio.wait_for(ended.wait(), 1)
    with pytest.raises(ValueError, match="broken"):
        await app.authority.kept(ada, failing())


async def failing():
    raise ValueError("broken")
