from app.services.templates.queries import get_template
from app.services.workflows.queries import get_workflow
from app.state.identity import actor
from app.state.templates import GalleryState, TemplateState
from tests.unit.state.conftest import fire, open_tab, said


async def test_gallery_shows_every_template_with_a_small_picture(app, token):
    tab = open_tab(GalleryState, token)
    await fire(tab, "load")
    assert tab.ready
    assert len(tab.cards) == 9
    assert tab.categories[0] == ("all", "All 9")
    for card in tab.cards:
        assert card.graph["nodes"]
        assert "config" not in card.graph["nodes"][0]


async def test_chips_count_what_search_and_switch_leave(app, token):
    tab = open_tab(GalleryState, token)
    tab.search = "invoice"
    await fire(tab, "load")
    assert any(card.id == "invoice-extract" for card in tab.cards)
    assert tab.categories[0] == ("all", f"All {len(tab.cards)}")


async def test_a_category_shows_its_own(app, token):
    tab = open_tab(GalleryState, token)
    tab.category = "Support"
    await fire(tab, "load")
    assert tab.cards
    assert {card.category for card in tab.cards} == {"Support"}


async def test_a_category_without_results_gives_way_to_all(app, token):
    tab = open_tab(GalleryState, token)
    tab.category, tab.search = "Support", "invoice to structured"
    await fire(tab, "load")
    assert tab.category == "all"
    assert tab.cards


async def test_a_template_that_needs_the_internet_says_so(app, token):
    tab = open_tab(GalleryState, token)
    await fire(tab, "load")
    needs = {card.id: card.needs for card in tab.cards}
    assert needs["web-report"] == ["needs the internet"]
    assert needs["ticket-triage"] == []


async def test_use_makes_a_workflow_and_opens_it(app, token):
    tab = open_tab(GalleryState, token)
    events = await fire(tab, "use", "ticket-triage")
    workflow_id = said(events).split("/workflows/")[1][:30]
    async with app.database.read() as uow:
        workflow = await get_workflow(uow, await actor(tab), workflow_id)
        template = await get_template(uow, "ticket-triage")
    assert workflow.graph == template.graph
    assert tab.using == ""


async def test_template_page_shows_description_and_example(app, token):
    tab = open_tab(TemplateState, token, "/templates/ticket-triage/")
    await fire(tab, "load")
    assert tab.ready
    assert tab.card.title == "Ticket triage with approval"
    assert tab.description_html.startswith("<p>")
    assert tab.example["input"]["customer"]


async def test_template_page_of_nothing_says_so(app, token):
    tab = open_tab(TemplateState, token, "/templates/nope")
    await fire(tab, "load")
    assert tab.error == "There is no such template."
    assert not tab.ready
