from app.state.workflows.list import WorkflowsState
from tests.unit.state.conftest import fire, open_tab, said, sign_up


async def make(app, token, *names):
    for name in names:
        tab = open_tab(WorkflowsState, token)
        created = said(await fire(tab, "create"))
        tab.renaming = created.split("/workflows/")[1][:30]
        await fire(tab, "rename", {"name": name})


async def loaded(token):
    tab = open_tab(WorkflowsState, token)
    await fire(tab, "load")
    return tab


async def test_list_has_the_last_changed_first(app, token):
    await make(app, token, "Beta", "alpha")
    tab = await loaded(token)
    assert [row.name for row in tab.rows] == ["alpha", "Beta"]
    assert tab.ready
    assert not tab.has_next


async def test_headers_sort_and_sort_back(app, token):
    await make(app, token, "Beta", "alpha", "Gamma")
    tab = await loaded(token)
    await fire(tab, "sort", "name")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["alpha", "Beta", "Gamma"]
    await fire(tab, "sort", "name")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["Gamma", "Beta", "alpha"]


async def test_the_order_is_of_the_whole_list_and_begins_at_its_first_page(app, token, monkeypatch):
    monkeypatch.setattr("app.state.workflows.list.PAGE", 2)
    await make(app, token, "Beta", "Gamma", "alpha", "delta")
    tab = await loaded(token)
    await fire(tab, "older")
    await fire(tab, "sort", "name")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["alpha", "Beta"]
    await fire(tab, "older")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["delta", "Gamma"]


async def test_search_looks_in_names(app, token):
    await make(app, token, "Beta", "alpha")
    tab = open_tab(WorkflowsState, token)
    await fire(tab, "look_for", "ALP")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["alpha"]


async def test_pages_go_on_and_back(app, token, monkeypatch):
    monkeypatch.setattr("app.state.workflows.list.PAGE", 2)
    await make(app, token, "one", "two", "three")
    tab = await loaded(token)
    first = [row.name for row in tab.rows]
    assert tab.has_next
    await fire(tab, "older")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["one"]
    assert (tab.has_next, tab.has_previous) == (False, True)
    await fire(tab, "newer")
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == first


async def test_a_name_that_will_not_do_stays_open_with_the_reason(app, token):
    await make(app, token, "Beta")
    tab = await loaded(token)
    await fire(tab, "start_rename", tab.rows[0].id, "Beta")
    await fire(tab, "rename", {"name": "   "})
    assert tab.renaming
    assert "name of 1 to 200" in tab.name_error


async def test_delete_offers_the_way_back(app, token):
    await make(app, token, "Beta")
    tab = await loaded(token)
    workflow_id = tab.rows[0].id
    events = said(await fire(tab, "delete", workflow_id, "Beta"))
    assert "Undo" in events
    await fire(tab, "load")
    assert tab.rows == []
    await fire(tab, "restore", workflow_id)
    await fire(tab, "load")
    assert [row.name for row in tab.rows] == ["Beta"]


async def test_a_workflow_of_others_is_not_in_the_list(app, token):
    await make(app, token, "Beta")
    tab = await loaded(await sign_up(app, "Bob"))
    assert tab.rows == []
