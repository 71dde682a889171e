"""Vectors that put like texts near each other, the same in any batch."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from app.adapters.models.embeddings import DIMENSIONS, embed


async def test_one_unit_vector_per_text() -> None:
    vectors = np.array(await embed(["a guitar", "", "x" * 20_000, "日本語"]))
    assert vectors.shape == (4, DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert await embed([]) == []


@pytest.mark.parametrize(("one", "other", "least", "most"), [
    ("guitar", "instrument", 0.5, 0.8),
    ("guitar", "stock market", -0.2, 0.2),
    ("I want to cancel my subscription", "How do I stop paying?", 0.4, 0.8),
    ("cat", "kitten", 0.6, 0.9),
])  # fmt: skip
async def test_like_texts_are_near(one: str, other: str, least: float, most: float) -> None:
    first, second = np.array(await embed([one, other]))
    assert least < float(first @ second) < most


async def test_order_is_kept_whatever_the_lengths() -> None:
    texts = ["word " * (1 + n * 7 % 11) + str(n) for n in range(30)]
    together = np.array(await embed(texts))
    for text, vector in zip(texts, together, strict=True):
        alone = np.array((await embed([text]))[0])
        assert float(alone @ vector) > 0.99


async def test_text_beyond_the_limit_of_the_model_does_not_count() -> None:
    same, longer = np.array(await embed(["alpha " * 300, "alpha " * 300 + "and an end"]))
    assert float(same @ longer) > 0.9999


async def test_the_loop_stays_free_while_it_works() -> None:
    ticks = [asyncio.get_running_loop().time()]
    task = asyncio.create_task(embed(["a longer text about many things " * 20] * 64))
    while not task.done():
        await asyncio.sleep(0.005)
        ticks.append(asyncio.get_running_loop().time())
    assert len(ticks) > 5
    assert max(after - before for before, after in pairwise(ticks)) < 0.5
