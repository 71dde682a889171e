"""The gallery over HTTP."""


async def test_gallery_lists_nine_and_says_what_each_needs(ada):
    items = (await ada.get("/api/templates")).json()["items"]
    assert len(items) == 9
    assert [item["needs"] for item in items if item["needs"]] == [["internet"]]
    assert all(item["graph"]["nodes"] for item in items)


async def test_filters(ada):
    async def ids(**params):
        found = await ada.get("/api/templates", params=params)
        return {item["id"] for item in found.json()["items"]}

    everything = await ids()
    assert await ids(search="triage") < everything
    assert await ids(category="no such category") == set()
    assert await ids(keyless="true") == everything


async def test_using_a_template_makes_a_workflow_that_can_run(ada):
    template = (await ada.get("/api/templates")).json()["items"][0]
    page = (await ada.get(f"/api/templates/{template['id']}")).json()
    used = await ada.post(f"/api/templates/{template['id']}/use")
    assert used.status_code == 201
    assert set(used.json()) == {"workflow_id"}
    flow = (await ada.get(f"/api/workflows/{used.json()['workflow_id']}")).json()
    assert (flow["name"], flow["template_id"]) == (page["title"], page["id"])
    assert flow["example_input"] == page["example_input"] is not None
    assert (await ada.post(f"/api/workflows/{flow['id']}/compile")).json()["ok"]


async def test_template_into_a_named_workspace(ada, bob):
    mine = (await ada.get("/api/me")).json()["workspace_id"]
    his = (await bob.get("/api/me")).json()["workspace_id"]
    template = (await ada.get("/api/templates")).json()["items"][0]["id"]
    for workspace_id, status in ((mine, 201), (None, 201), (his, 404), ("wsp_none", 404)):
        body = {"workspace_id": workspace_id}
        answer = await ada.post(f"/api/templates/{template}/use", json=body)
        assert answer.status_code == status


async def test_unknown_template_is_not_found(ada):
    assert (await ada.get("/api/templates/none")).status_code == 404
    assert (await ada.post("/api/templates/none/use")).status_code == 404
