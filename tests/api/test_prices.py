"""Prices of models over REST."""

WISH = {"model": "compatible/llama-3", "input_usd_per_mtok": 0.5, "output_usd_per_mtok": 2}


async def test_who_set_the_installation_up_sets_prices(site, ada):
    made = await ada.put("/api/models/prices", json=WISH)
    assert made.status_code == 200
    assert {key: made.json()[key] for key in WISH} == WISH
    (one,) = (await ada.get("/api/models/prices")).json()["items"]
    assert one == made.json()
    gone = await ada.delete("/api/models/prices", params={"model": WISH["model"]})
    assert gone.status_code == 204
    assert (await ada.get("/api/models/prices")).json()["items"] == []
    again = await ada.delete("/api/models/prices", params={"model": WISH["model"]})
    assert (again.status_code, again.json()["code"]) == (404, "not_found")


async def test_what_is_no_price_says_which_field(site, ada):
    for change, field in (
        ({"model": "llama-3"}, "model"),
        ({"model": "ollama/llama-3"}, "model"),
        ({"input_usd_per_mtok": -1}, "input_usd_per_mtok"),
        ({"output_usd_per_mtok": "much"}, "output_usd_per_mtok"),
    ):
        answer = await ada.put("/api/models/prices", json={**WISH, **change})
        assert (answer.status_code, answer.json()["field"]) == (422, field)


async def test_others_only_read_them(site, ada, bob):
    await ada.put("/api/models/prices", json=WISH)
    assert len((await bob.get("/api/models/prices")).json()["items"]) == 1
    assert (await bob.put("/api/models/prices", json=WISH)).status_code == 403
    gone = await bob.delete("/api/models/prices", params={"model": WISH["model"]})
    assert gone.status_code == 403
