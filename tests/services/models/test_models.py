"""The model picker's entries, and downloads that are started from a page."""

import asyncio
from pathlib import Path

import pytest

from app.adapters.models.registry import ModelRegistry
from app.adapters.models.weights import SMOLLM2, Part, Weights, WeightStore
from app.kernel.errors import Denied, NotFound
from app.kernel.settings import Settings
from app.services.access import Actor
from app.services.models.commands import cancel_pull, start_pull
from app.services.models.queries import list_models, pulls

OPERATOR = Actor("usr_1", "wsp_1", "member", is_installation_admin=True)
OWNER = Actor("usr_2", "wsp_2", "owner")
MEMBER = Actor("usr_3", "wsp_1", "member")


def registry(data: Path, *known: Weights) -> ModelRegistry:
    settings = Settings(data_dir=data, ollama_url="http://127.0.0.1:9", model="", openai_api_key="", model_file="",
                        anthropic_api_key="", compatible_url="")  # fmt: skip
    return ModelRegistry(settings, store=WeightStore(data, known) if known else None)


async def test_the_picker_marks_the_default_and_says_how_to_get_the_rest(tmp_path: Path) -> None:
    models = registry(tmp_path)
    models.store.path(SMOLLM2).parent.mkdir(parents=True)
    models.store.path(SMOLLM2).touch()
    small, better = await list_models(models, MEMBER)
    assert (small.default, small.demo, small.available, small.how) == (True, True, True, "")
    assert (better.default, better.available) == (False, False)
    assert better.pull in better.how


async def test_without_a_model_nothing_is_default(tmp_path: Path) -> None:
    assert not any(view.default for view in await list_models(registry(tmp_path), MEMBER))


async def test_a_download_runs_in_the_background_and_its_end_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    models = registry(
        tmp_path, Weights("tiny", "Tiny", "", "", 10, "0", (Part("not-there", "1.0", "*"),))
    )
    started = await start_pull(models, OPERATOR, "tiny")
    assert (started.status, started.percent) == ("running", 0)
    again = await start_pull(models, OPERATOR, "tiny")
    assert again.status == "running"
    async with asyncio.timeout(30):
        while not (found := await pulls(models, MEMBER)) or found[0].status == "running":
            await asyncio.sleep(0.05)
    assert found[0].status == "failed"
    assert "not-there" in found[0].message


async def test_what_is_here_is_not_downloaded_again(tmp_path: Path) -> None:
    models = registry(tmp_path)
    models.store.path(SMOLLM2).parent.mkdir(parents=True)
    models.store.path(SMOLLM2).touch()
    assert (await start_pull(models, OPERATOR, "smollm2")).percent == 100


async def test_only_administrators_of_the_installation_download(tmp_path: Path) -> None:
    models = registry(tmp_path)
    for nobody in (MEMBER, OWNER):
        with pytest.raises(Denied):
            await start_pull(models, nobody, "smollm2")
        with pytest.raises(Denied):
            await cancel_pull(models, nobody, "smollm2")
    await cancel_pull(models, OPERATOR, "smollm2")
    with pytest.raises(NotFound):
        await start_pull(models, OPERATOR, "../../etc/passwd")
