"""The form of a schedule and its times, written in JavaScript: rules are chosen while one looks on."""

import reflex as rx

from app.components.assets import library

_DEPENDENCIES = ["lucide-react@1.26.0"]


class ScheduleForm(rx.Component):
    """Makes a schedule, or changes the one with this id, over REST; shows the next times meanwhile.

    `workflow_id` is chosen at the start. `on_saved` gets the schedule's name.
    """

    library = library("triggers/form.jsx")
    tag = "ScheduleForm"
    lib_dependencies: list[str] = _DEPENDENCIES
    schedule_id: rx.Var[str]
    workflow_id: rx.Var[str]
    on_saved: rx.EventHandler[lambda name: [name]]
    on_close: rx.EventHandler[rx.event.no_args_event_spec]


class NextTime(rx.Component):
    """A moment to come (ISO 8601): how long until then, here and on the clock of the zone."""

    library = library("triggers/next_time.jsx")
    tag = "NextTime"
    at: rx.Var[str]
    zone: rx.Var[str]


class Moment(rx.Component):
    """A moment (ISO 8601) on the clock here."""

    library = library("triggers/next_time.jsx")
    tag = "Moment"
    at: rx.Var[str]


schedule_form = ScheduleForm.create
next_time = NextTime.create
moment = Moment.create
