import pytest
from sqlalchemy import update

from app.kernel.errors import Denied
from app.models import User
from app.state.models.prices import PricesState
from tests.unit.state.conftest import fire, open_tab


async def test_an_administrator_of_the_installation_sets_a_price(app, token):
    tab = open_tab(PricesState, token)
    await fire(tab, "load")
    assert (tab.may_set, tab.rows) == (True, [])
    wrong = {"model": "compatible/llama-3", "input": "much", "output": "1"}
    await fire(tab, "save", wrong)
    assert "no amount of dollars" in tab.error
    await fire(tab, "save", {**wrong, "model": "llama-3", "input": "1"})
    assert "names no model" in tab.error
    await fire(tab, "save", {**wrong, "input": " $0,5 "})
    await fire(tab, "load")
    assert tab.error == ""
    (row,) = tab.rows
    assert (row.model, row.words) == ("compatible/llama-3", "$0.5 in, $1 out per million tokens")
    await fire(tab, "remove", row.model)
    await fire(tab, "load")
    assert tab.rows == []


async def test_others_see_prices_and_set_none(app, token):
    async with app.database.work() as uow:
        await uow.session.execute(update(User).values(is_installation_admin=False))
    tab = open_tab(PricesState, token)
    await fire(tab, "load")
    assert not tab.may_set
    with pytest.raises(Denied):
        await fire(tab, "save", {"model": "compatible/llama-3", "input": "1", "output": "1"})
