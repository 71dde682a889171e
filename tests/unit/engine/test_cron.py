"""Cron rules: clocks put forward and back, ends of months, words, and what cannot be read."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from app.engine.cron import NAMES, Rule, read_rule, read_zone
from app.kernel.errors import InvalidInput

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
LORD_HOWE, KATHMANDU = "Australia/Lord_Howe", "Asia/Kathmandu"  # half an hour of summer; +05:45

# zone, rule, from (local), then what the clocks there show, with their distance from UTC
TABLE = [
    # a time that does not exist: 02:30 on the night the clocks go forward
    (BERLIN, "30 2 * * *", "2026-03-28T03:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
    (NEW_YORK, "30 2 * * *", "2026-03-07T03:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
    (LORD_HOWE, "15 2 * * *", "2026-10-03T03:00", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
    (BERLIN, "0,15,30 2 * * *", "2026-03-28T03:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "*/15 2 * * *", "2026-03-28T03:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "30 */2 * * *", "2026-03-29T00:45", ["2026-03-29T03:00+02:00", "2026-03-29T04:30+02:00"]),
    (BERLIN, "0,30 2,3 * * *", "2026-03-28T12:00", ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
    # a time that comes twice: 02:30 on the night the clocks go back
    (BERLIN, "30 2 * * *", "2026-10-24T03:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
    (NEW_YORK, "30 1 * * *", "2026-10-31T03:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
    (LORD_HOWE, "45 1 * * *", "2026-04-04T03:00", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
    (BERLIN, "*/30 2 * * *", "2026-10-24T03:00",
     ["2026-10-25T02:00+02:00", "2026-10-25T02:30+02:00", "2026-10-26T02:00+01:00"]),
    # every hour: as many as the day has
    (BERLIN, "0 * * * *", "2026-03-29T00:30", ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"]),
    (BERLIN, "0 * * * *", "2026-10-25T01:30",
     ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00", "2026-10-25T03:00+01:00"]),
    (BERLIN, "0 0-23 * * *", "2026-10-25T01:30", ["2026-10-25T02:00+02:00", "2026-10-25T02:00+01:00"]),
    (NEW_YORK, "@hourly", "2026-11-01T00:30",
     ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"]),
    (LORD_HOWE, "*/30 * * * *", "2026-04-05T01:15",
     ["2026-04-05T01:30+11:00", "2026-04-05T01:30+10:30", "2026-04-05T02:00+10:30"]),
    (KATHMANDU, "0 * * * *", "2026-05-01T11:10", ["2026-05-01T12:00+05:45", "2026-05-01T13:00+05:45"]),
    # days and months
    (KATHMANDU, "@daily", "2026-05-01T11:10", ["2026-05-02T00:00+05:45", "2026-05-03T00:00+05:45"]),
    ("UTC", "@daily", "2026-12-31T00:00", ["2027-01-01T00:00+00:00", "2027-01-02T00:00+00:00"]),
    (BERLIN, "@daily", "2026-03-28T12:00", ["2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"]),
    (NEW_YORK, "0 9 1 * *", "2026-10-15T00:00", ["2026-11-01T09:00-05:00", "2026-12-01T09:00-05:00"]),
    (BERLIN, "0 0 L * *", "2026-01-31T12:00",
     ["2026-02-28T00:00+01:00", "2026-03-31T00:00+02:00", "2026-04-30T00:00+02:00"]),
    ("UTC", "0 0 31 * *", "2026-01-31T12:00", ["2026-03-31T00:00+00:00", "2026-05-31T00:00+00:00"]),
    ("UTC", "0 0 29 2 *", "2026-01-01T00:00", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
    (BERLIN, "0 9 * * 1-5", "2026-11-20T10:00", ["2026-11-23T09:00+01:00", "2026-11-24T09:00+01:00"]),
    (BERLIN, "0 9 * * MON#1", "2026-11-20T10:00", ["2026-12-07T09:00+01:00", "2027-01-04T09:00+01:00"]),
    # a whole day that was left out: Samoa crossed the date line
    ("Pacific/Apia", "0 12 * * *", "2011-12-29T13:00", ["2011-12-31T00:00+14:00", "2011-12-31T12:00+14:00"]),
]  # fmt: skip


@pytest.mark.parametrize(("zone", "cron", "start", "expected"), TABLE)
def test_moments_as_the_clocks_of_the_zone_show_them(zone, cron, start, expected):
    begin = datetime.fromisoformat(start).replace(tzinfo=ZoneInfo(zone))
    found = read_rule(cron, zone).upcoming(begin, len(expected))
    shown = [at.astimezone(ZoneInfo(zone)).isoformat(timespec="minutes") for at in found]
    assert shown == expected
    assert all(at.tzinfo is UTC for at in found)


def test_a_moment_in_the_second_of_two_equal_hours_does_not_bring_back_the_first():
    """At 02:10 for the second time, 02:30 has been already."""
    second = datetime(2026, 10, 25, 2, 10, tzinfo=ZoneInfo(BERLIN), fold=1)
    at = Rule("30 2 * * *", BERLIN).next(second)
    assert at == datetime(2026, 10, 26, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)]
)
def test_every_hour_comes_as_often_as_the_day_has_hours(day, hours):
    midnight = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(BERLIN))
    found = Rule("30 * * * *", BERLIN).upcoming(midnight, 30)
    assert sum(at.astimezone(ZoneInfo(BERLIN)).date() == midnight.date() for at in found) == hours


def _reference(
    zone: ZoneInfo, minutes: set[int], hours: set[int], days: list[date]
) -> set[datetime]:
    """All moments on these days, slowly: look what the clock shows in each minute."""
    start = datetime(days[0].year, days[0].month, days[0].day, tzinfo=UTC) - timedelta(days=1)
    clock = [start + timedelta(minutes=n) for n in range((len(days) + 2) * 1440)]
    shows = [at.astimezone(zone).replace(tzinfo=None) for at in clock]
    if len(hours) == 24:
        return {
            at
            for at, seen in zip(clock, shows, strict=True)
            if seen.date() in days and seen.minute in minutes
        }
    first: dict[datetime, datetime] = {}
    for at, seen in zip(clock, shows, strict=True):
        first.setdefault(seen, at)
    found = set()
    for day in days:
        for hour in hours:
            for minute in minutes:
                wanted = datetime.combine(day, time(hour, minute))
                while wanted not in first:  # skipped: the next that exists
                    wanted += timedelta(minutes=1)
                found.add(first[wanted])
    return found


CHANGES = [
    (BERLIN, date(2026, 3, 29)), (BERLIN, date(2026, 10, 25)), (NEW_YORK, date(2026, 3, 8)),
    (NEW_YORK, date(2026, 11, 1)), (LORD_HOWE, date(2026, 10, 4)), (LORD_HOWE, date(2026, 4, 5)),
    (KATHMANDU, date(2026, 4, 5)), ("UTC", date(2026, 3, 29)),
]  # fmt: skip
CLOCK = some.one_of(some.just(set(range(24))), some.sets(some.integers(0, 4), min_size=1))


@settings(max_examples=150)
@given(some.sampled_from(CHANGES), some.sets(some.integers(0, 59), min_size=1, max_size=6), CLOCK)
def test_rules_agree_with_a_slow_look_at_the_clock(change, minutes, hours):
    zone, day = change
    days = [day, day + timedelta(days=1)]
    cron = f"{','.join(map(str, minutes))} {','.join(map(str, hours))} * * *"
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    expected = sorted(_reference(ZoneInfo(zone), minutes, hours, days))
    found = Rule(cron, zone).upcoming(midnight - timedelta(seconds=1), len(expected))
    assert list(found) == expected
    assert Rule(cron, zone).last(expected[-1]) == expected[-1]


@given(some.text(alphabet="0123456789*/-,#LW MONSUJA@", max_size=40))
def test_any_text_is_a_rule_or_is_refused_with_its_field(text):
    try:
        rule = read_rule(text, "UTC")
    except InvalidInput as error:
        refused = error.context["field"]

    else:
        refused = ""
        assert rule.words
        assert rule.next(datetime.now(UTC)) > datetime.now(UTC)
    assert refused in ("", "cron")


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("61 * * * *", "minute, '61'"),
        ("0 24 * * *", "hour, '24'"),
        ("0 0 32 * *", "day of the month, '32'"),
        ("0 0 * 13 *", "month, '13'"),
        ("0 0 * * MOO", "day of the week, 'MOO'"),
        ("*/0 * * * *", "minute, '*/0'"),
        ("* * * *", "has 4"),
        ("0 0 * * * *", "has 6"),
        ("", "has 0"),
        ("@reboot", "@daily"),
        ("0 0 30 2 *", "never comes"),
        ("0 0 31 4,6 *", "never comes"),
        ("0," * 120 + "0 * * * *", "longer than 200"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_way_to_mend_it(cron, said):
    with pytest.raises(InvalidInput, match=said.replace("*", r"\*")) as caught:
        read_rule(cron, "UTC")
    assert caught.value.context["field"] == "cron"


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("*/5 * * * *", "Every 5 minutes"),
        ("0 * * * *", "Every hour"),
        ("* * * * *", "Every minute"),
        ("@daily", "At 00:00 every day"),
        ("0 9 * * 1-5", "At 09:00 on Monday through Friday"),
        ("0 9 31 * *", "At 09:00 on the 31st day of every month"),
        ("0 9 11,22 * *", "At 09:00 on the 11th and the 22nd day of month"),
        ("30 8 L * *", "At 08:30 on the last day of every month"),
    ],
)
def test_rules_in_words(cron, words):
    assert read_rule(cron, "UTC").words == words


def test_names_stand_for_rules():
    assert all(read_rule(name.upper(), "UTC").words for name in NAMES)


@pytest.mark.parametrize(
    ("written", "zone"),
    [("europe/berlin", BERLIN), ("America/New York", NEW_YORK), (" UTC ", "UTC")],
)
def test_zones_are_found_whatever_their_case(written, zone):
    assert read_zone(written) == zone


@pytest.mark.parametrize(
    ("written", "said"), [("Berlin", BERLIN), ("Europ/Berlin", BERLIN), ("../etc", "IANA")]
)
def test_an_unknown_zone_is_refused_with_one_that_looks_like_it(written, said):
    with pytest.raises(InvalidInput, match=said) as caught:
        read_zone(written)
    assert caught.value.context["field"] == "timezone"


@pytest.mark.parametrize(
    ("cron", "field"),
    [
        ("*/90 * * * *", "minute"), ("*/60 * * * *", "minute"), ("1/70 * * * *", "minute"),
        ("5,*/61 * * * *", "minute"), ("0 */24 * * *", "hour"), ("0 0 */32 * *", "day of the month"),
        ("0 0 1 */13 *", "month"), ("0 0 * * */8", "day of the week"),
    ],
)  # fmt: skip
def test_a_step_larger_than_its_field_is_refused(cron, field):
    with pytest.raises(InvalidInput, match=f"field for the {field}.* is larger than the field"):
        read_rule(cron, "UTC")


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("*/45 * * * *", "minutes 0, 45"), ("7/25 * * * *", "minutes 7, 32, 57"),
        ("0 */5 * * *", "hours 0, 5, 10, 15, 20"), ("0 0 */2 * *", "days 1, 3, 5, 7, 9, 11 and so on"),
        ("0 0 1 */5 *", "months 1, 6, 11"), ("0 0 * * */3", "days of the week 0, 3, 6"),
    ],
)  # fmt: skip
def test_a_step_that_does_not_go_round_evenly_is_warned_of(cron, told):
    [warning] = read_rule(cron, "UTC").warnings
    assert told in warning
    assert "begins anew" in warning


@pytest.mark.parametrize(
    "cron",
    ["*/15 * * * *", "10/30 * * * *", "0 */6 * * *", "0 0 1 */3 *", "10-40/7 * * * *", "0 9 1,15 * *", "0 0 L * *",
     "0 0 * * MON#1", "*/1 * * * *", "@weekly"],
)  # fmt: skip
def test_what_goes_round_evenly_is_not_warned_of(cron):
    assert read_rule(cron, "UTC").warnings == ()


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("0 0 1 * 1", "At 00:00 on the first day of month or on Monday"),
        ("0 0 L * 5", "At 00:00 on the last day of the month or on Friday"),
        ("0 0 1,15 6 1-5", "At 00:00 on the first and the 15th day of month or on Monday through Friday in June"),
        ("0 0 */2 * 1", "At 00:00 on every second day of month if it's on Monday"),
        ("*/45 * * * *", "At minutes 0 and 45 of every hour"),
    ],
)  # fmt: skip
def test_words_say_what_the_times_are(cron, words):
    assert read_rule(cron, "UTC").words == words


def test_either_of_two_kinds_of_days_is_enough():
    """What `or` in the words means."""
    begin = datetime(2026, 5, 30, tzinfo=UTC)  # a Saturday; the first of June is a Monday
    found = read_rule("0 0 2 * 1", "UTC").upcoming(begin, 3)
    assert [at.day for at in found] == [1, 2, 8]
