import pytest

from app.kernel.clock import now
from app.services.models.views import ModelView, PullView
from app.state.models.list import ModelsState, download, model_row
from tests.unit.state.conftest import fire, open_tab


async def test_a_model_that_is_not_here_says_how_to_get_it(app, token):
    tab = open_tab(ModelsState, token)
    await fire(tab, "load")
    assert tab.ready
    row = next(one for one in tab.rows if one.pull == "smollm2-135m")
    assert row.demo
    assert not row.available
    assert "models pull smollm2-135m" in row.how


async def test_search_looks_in_titles_and_names(app, token):
    tab = open_tab(ModelsState, token)
    await fire(tab, "load")
    await fire(tab, "look_for", "QWEN")
    assert tab.rows
    assert all("qwen" in one.ref for one in tab.rows)


def test_a_download_shows_how_far_it_is():
    shown = download(
        PullView(
            name="x", title="X", status="running", done_bytes=30_000_000, total_bytes=90_000_000,
            message="Downloading X", at=now(),
        )
    )  # fmt: skip
    assert shown.percent == 33
    assert shown.progress == "30 MB of 90 MB"


def test_a_model_of_unknown_size_has_no_size():
    row = model_row(
        ModelView(
            ref="openai/x", title="X", provider="openai", local=False, demo=False, available=True,
            default=False, note="",
        )
    )  # fmt: skip
    assert row.size == ""
    assert row.pull == ""


@pytest.mark.parametrize(
    ("price", "words"),
    [
        ({"price": "free", "input_usd_per_mtok": 0, "output_usd_per_mtok": 0}, ""),
        ({"price": "unknown"}, "no price known"),
        ({"price": "known", "input_usd_per_mtok": 0.15, "output_usd_per_mtok": 0.6},
         "$0.15 in, $0.6 out per million tokens"),
    ],
)  # fmt: skip
def test_a_model_says_what_it_costs(price, words):
    view = ModelView(
        ref="x/x", title="X", provider="x", local=False, demo=False, available=True, default=False,
        note="", **price,
    )  # fmt: skip
    assert model_row(view).price == words
