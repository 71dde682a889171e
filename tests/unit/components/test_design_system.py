import json

import pytest
import reflex as rx

from app.components import lists, shell, ui
from app.components.ui.buttons import button_class
from app.gallery.specimens import CARDS, GRAPH, QUESTION, ROWS
from app.layouts.page import section_of


def drawn(component):
    """What a component becomes, as one text."""
    return json.dumps(component.render(), default=str)


def quiet(*_):
    return rx.console_log("x")


def test_a_button_that_loads_cannot_be_pressed():
    busy = rx.Var("busy").to(bool)
    text = drawn(ui.button("Save", loading=busy, icon="plus"))
    assert "disabled:pyOr(busy" in text
    assert "LucideLoaderCircle" in text


def test_a_button_is_no_submit_button_unless_told():
    assert '"button\\"' in drawn(ui.button("Save")).replace("type:", "")
    assert "submit" in drawn(ui.button("Save", type="submit"))


def test_an_icon_button_has_a_name():
    text = drawn(ui.icon_button("ellipsis", "More actions"))
    assert text.count("More actions") >= 2


@pytest.mark.parametrize(
    ("variant", "size", "classes"),
    [("default", "md", "btn"), ("primary", "sm", "btn btn-primary btn-sm")],
)
def test_classes_of_a_button(variant, size, classes):
    assert button_class(variant, size) == classes


def test_a_field_ties_label_and_error_to_its_control():
    text = drawn(
        ui.field(ui.text_input(id="mail"), label="E-mail", name="mail", error="Not an address.")
    )
    assert '"mail\\"' in text
    assert "mail-error" in text
    assert "alert" in text


def test_a_sorted_column_says_so_to_screen_readers():
    columns = [
        ui.Column("Name", lambda row: row["name"], sort="name"),
        ui.Column("", lambda row: row["status"]),
    ]
    sorting = ui.Sorting(rx.Var.create("name"), rx.Var.create(value=True), quiet)
    text = drawn(ui.table(rx.Var.create(ROWS), columns, label="Example", sorting=sorting))
    assert "descending" in text
    assert "sort-name" in text
    assert "sr-only" in text  # the column without a title has a name all the same


def test_a_list_is_error_or_skeleton_or_content():
    text = drawn(
        ui.loaded(
            ready=rx.Var("ready").to(bool), error=rx.Var("problem").to(str),
            on_retry=quiet(), skeleton=ui.skeleton_lines(1), content=rx.el.p("content"),
        )
    )  # fmt: skip
    assert "problem" in text
    assert "Try again" in text
    assert "content" in text
    assert "skeleton" in text


def test_an_unknown_progress_names_no_value():
    assert "undefined" in drawn(ui.progress_bar(0, label="x", unknown=True)) or "null" in drawn(
        ui.progress_bar(0, label="x", unknown=True)
    )


def test_a_picture_leaves_configurations_behind():
    document = {
        "nodes": [
            {"id": "each", "kind": "logic.for_each", "position": {"x": 1, "y": 2}, "size": [5, 6]},
            {"id": "inner_one", "kind": "model.chat", "config": {"prompt": "p"}, "parent": "each"},
        ],
        "edges": [
            {"id": "e", "source": "inner_one", "source_port": "tool", "target": "each",
             "target_port": "tools"}
        ],
    }  # fmt: skip
    small = ui.preview(document)
    each, inner = small["nodes"]
    assert (each["container"], inner["container"]) == (True, False)
    assert (inner["category"], inner["label"]) == ("model", "inner one")
    assert small["edges"][0]["tool"]
    assert "prompt" not in json.dumps(small)


def test_a_picture_of_nothing_is_empty():
    assert ui.preview({}) == {"nodes": [], "edges": []}


def test_a_template_card_leads_to_its_page_and_can_be_used():
    text = drawn(lists.template_cards(rx.Var.create(CARDS), using=rx.Var.create(""), on_use=quiet))
    assert "/templates/" in text
    assert "Use template" in text


def test_a_question_has_a_button_for_each_choice():
    question = rx.Var.create(QUESTION)
    asks = {"answering": rx.Var.create(""), "on_answer": quiet}
    form = lists.ResultForm(rx.Var.create(""), rx.Var.create(""), quiet, quiet)
    for card in (
        lists.question_row(question, **asks),
        lists.question_card(question, on_comment=quiet, on_edit=quiet, form=form, **asks),
    ):
        assert "answer-" in drawn(card)


def test_the_picture_of_the_gallery_is_whole():
    ids = {node["id"] for node in GRAPH["nodes"]}
    assert all({edge["source"], edge["target"]} <= ids for edge in GRAPH["edges"])


@pytest.fixture
def around():
    words, number = rx.Var("words").to(str), rx.Var("number").to(int)
    return shell.Surroundings(
        workspace=words, name=words, email=words, live_runs=number, open_approvals=number,
        workflow_count=number, offline=rx.Var("away").to(bool), on_sign_out=quiet(),
        on_action=quiet,
    )  # fmt: skip


def test_navigation_marks_the_page_one_is_on(around):
    text = drawn(shell.navigation("runs", around))
    assert text.count('\\"page\\"') == 1
    for section in ("home", "workflows", "templates", "runs", "approvals", "models", "settings"):
        assert f"nav-side-{section}" in text


def test_navigation_has_no_entry_of_what_does_not_exist_yet(around):
    text = drawn(shell.navigation("", around))
    for later in ("Agents", "Knowledge", "Deployments", "Alerts", "Members", "Integrations"):
        assert later not in text


@pytest.mark.parametrize(
    ("route", "section"),
    [("/", ""), ("/runs", "runs"), ("/runs/[run_id]", "runs"), ("/templates/[id]", "templates")],
)
def test_a_page_belongs_to_the_entry_of_its_first_part(route, section):
    assert section_of(route) == section
