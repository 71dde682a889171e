"""Schedules: which times are listed, which one gets a run, and zones that are gone."""

from datetime import UTC, datetime, timedelta

from app.engine.catalog import trigger_types
from app.engine.triggers.schedule import LATE, LISTED, Config, trouble

SCHEDULE = trigger_types()["schedule"]
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_of_very_many_missed_times_the_first_ones_and_the_last_are_listed():
    due = SCHEDULE.due(Config(cron="@hourly"), NINE, NINE + 500 * HOUR)
    assert (len(due.times), due.is_cut, due.fires) == (LISTED + 2, True, True)
    assert due.times[-2:] == (NINE + LISTED * HOUR, NINE + 500 * HOUR)


def test_a_time_is_kept_for_a_minute_when_missed_ones_are_skipped():
    skips = Config(cron="@hourly", missed="skip")
    assert SCHEDULE.due(skips, NINE, NINE + LATE).fires
    assert not SCHEDULE.due(skips, NINE, NINE + LATE + timedelta(seconds=1)).fires


def test_a_planned_time_that_the_rule_does_not_know_comes_all_the_same():
    """The rule was changed by an update of the time zones after it was planned."""
    odd = NINE + timedelta(minutes=7)
    assert SCHEDULE.due(Config(cron="@hourly"), odd, odd).times == (odd,)


def test_a_zone_that_is_gone_is_told():
    assert "'Europe/Atlantis'" in trouble(Config(cron="@daily", timezone="Europe/Atlantis"))
    assert trouble(Config(cron="@daily", timezone="Europe/Berlin")) == ""
