"""An input that its trigger cannot take is refused with the field's title and what to do."""

import pytest

from app.engine.catalog import catalog
from app.engine.runtime.inputs import check_input
from app.engine.sdk import InvalidInput

FORM = (
    catalog()
    .get("trigger.manual")
    .input_schema_for(
        {
            "fields": [
                {"name": "message", "title": "Customer message", "required": True},
                {"name": "amount", "title": "Amount", "type": "number"},
                {"name": "urgent", "title": "Urgent", "type": "boolean"},
                {"name": "plan", "title": "Plan", "type": "choice", "choices": ["free", "paid"]},
                {"name": "days", "title": "Days", "type": "number", "required": True, "default": 3},
                {"name": "more", "title": "More", "type": "json"},
            ]
        }
    )
)
CHAT = catalog().get("trigger.chat").input_schema_for({})


@pytest.mark.parametrize(
    "given",
    [
        {"message": "Hi"},
        {"message": "Hi", "unlisted": [1]},
        {"message": 5, "amount": "7.5", "urgent": "no", "plan": "paid", "more": {"a": 1}},
        {"message": "Hi", "amount": "", "urgent": False, "plan": None},
    ],
)
def test_what_the_form_can_take_passes(given):
    check_input(FORM, given)


@pytest.mark.parametrize(
    ("given", "field", "sentence"),
    [
        (None, "message", "'Customer message' is required. Give it a value and run again."),
        ({"message": " "}, "message", "'Customer message' is required"),
        ({"message": {"a": 1}}, "message", "'Customer message' must be text"),
        ({"message": "Hi", "amount": "many"}, "amount", "'Amount' must be a number"),
        ({"message": "Hi", "amount": True}, "amount", "'Amount' must be a number"),
        ({"message": "Hi", "amount": "inf"}, "amount", "'Amount' must be a number"),
        ({"message": "Hi", "urgent": "perhaps"}, "urgent", "'Urgent' must be yes or no"),
        ({"message": "Hi", "plan": "gold"}, "plan", "'Plan' must be one of free, paid"),
        (["Hi"], "input", "must be a JSON object"),
        ("Hi", "input", "must be a JSON object"),
    ],
)
def test_what_it_cannot_take_is_refused_by_the_fields_title(given, field, sentence):
    with pytest.raises(InvalidInput, match=sentence) as refusal:
        check_input(FORM, given)
    assert refusal.value.context == {"field": field}


def test_a_chat_takes_a_message_alone_or_plain_text():
    check_input(CHAT, {"message": "Hi"})
    check_input(CHAT, "Hi")
    for nothing in ({"history": []}, " "):
        with pytest.raises(InvalidInput, match="'Message' is required"):
            check_input(CHAT, nothing)
    with pytest.raises(InvalidInput, match="'Earlier messages' must be a list"):
        check_input(CHAT, {"message": "Hi", "history": "none"})


def test_without_a_form_any_object_passes():
    check_input({}, "anything")
    check_input(catalog().get("trigger.manual").input_schema_for({}), {"a": 1})
