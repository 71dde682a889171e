from app.services import health
from app.state.health import HealthState
from tests.unit.state.conftest import fire, open_tab


async def test_every_part_says_how_it_is(app, token):
    tab = open_tab(HealthState, token)
    await fire(tab, "look")
    assert (tab.looked, tab.looking, tab.well) == (True, False, True)
    assert [(part.name, part.well) for part in tab.parts] == [("database", True), ("redis", True)]


async def test_a_part_that_is_away_says_so(app, token, monkeypatch):
    async def away(_):
        return False

    monkeypatch.setattr(health, "_answers", away)
    tab = open_tab(HealthState, token)
    await fire(tab, "look")
    assert not tab.well
    assert tab.parts[1].message == "Redis does not answer."
