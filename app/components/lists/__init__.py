"""Rows and cards of the product's lists: templates, questions, runs, schedules. They know no state."""

from app.components.lists.approvals import ResultForm, answer_buttons, question_card, question_row
from app.components.lists.runs import run_table
from app.components.lists.templates import keys_badges, template_cards
from app.components.lists.triggers import fire_list, schedule_table

__all__ = [
    "ResultForm", "answer_buttons", "fire_list", "keys_badges", "question_card", "question_row",
    "run_table", "schedule_table", "template_cards",
]  # fmt: skip
