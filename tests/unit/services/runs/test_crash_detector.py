"""Which leases that look over are deaths, when the database was away or the clock was set."""

from datetime import UTC, datetime, timedelta

import pytest

from app.services.runs.recovery import crash_detector
from app.services.runs.recovery.crash_detector import CrashDetector, ObservedLease

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = ObservedLease("run_1", 1, BEGAN)
RENEWED = ObservedLease("run_1", 1, BEGAN + timedelta(seconds=2))


class Machine:
    """A machine whose clock can be set, and a sweeper on it that looks each half second."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.watch, self.now, self.ahead = CrashDetector(), 100.0, 0.0
        monkeypatch.setattr(crash_detector.time, "monotonic", lambda: self.now)

    def look(self, *over: ObservedLease, after: float = 0.5) -> list[str]:
        self.now += after
        return self.watch.judge(BEGAN + timedelta(seconds=self.now + self.ahead), over)

    def looks(self, seconds: float, *over: ObservedLease) -> list[list[str]]:
        return [self.look(*over) for _ in range(round(seconds / 0.5))]


@pytest.fixture
def machine(monkeypatch):
    made = Machine(monkeypatch)
    made.looks(6)
    return made


def test_who_looked_all_the_time_knows_at_once(machine):
    assert machine.look(LEASE) == ["run_1"]


def test_a_lease_that_lies_ahead_may_be_of_one_who_heard_of_the_new_time_before_us(machine):
    ahead = ObservedLease("run_1", 1, BEGAN + timedelta(hours=1))
    assert machine.looks(2, ahead) == [[], [], [], []]
    assert machine.look(ahead) == ["run_1"]


def test_who_has_just_begun_waits_for_as_long_as_a_lease_lasts(machine):
    machine.watch = CrashDetector()
    assert machine.looks(2.5, LEASE) == [[], [], [], [], ["run_1"]]


def test_who_has_just_begun_knows_as_soon_as_a_lease_is_over_that_it_saw_long_enough(machine):
    machine.watch = CrashDetector()
    lease = ObservedLease("run_1", 1, BEGAN + timedelta(seconds=machine.now + 2.2))
    assert machine.looks(2.5, lease) == [[], [], [], [], ["run_1"]]


def test_a_lease_that_is_not_over_is_no_death_however_long_it_stays(machine):
    lease = ObservedLease("run_1", 1, BEGAN + timedelta(seconds=machine.now + 25))
    assert machine.looks(20, lease) == [[]] * 40


@pytest.mark.parametrize("began", ["just", "stood still"])
def test_a_machine_that_stands_still_again_kills_nobody(machine, began):
    """After it the sweeper may look before the keeper has renewed the leases."""
    if began == "just":
        machine.watch = CrashDetector()
    else:
        assert machine.look(after=2.6) == []
    leases = [
        ObservedLease("run_1", 1, BEGAN + timedelta(seconds=machine.now + n)) for n in (2.4, 2.9)
    ]
    assert [machine.look(lease) for lease in leases] == [[], []]
    assert machine.look(leases[-1], after=2.6) == []
    assert machine.looks(2, leases[-1])[-1] == ["run_1"]


def test_after_an_outage_living_processes_get_their_time(machine):
    machine.watch.lose_sight()
    assert machine.looks(2, LEASE) == [[], [], [], []]
    assert machine.looks(2, RENEWED) == [[], [], [], []]
    assert machine.looks(1, RENEWED) == [["run_1"], ["run_1"]]


def test_what_was_seen_before_an_outage_does_not_count(machine):
    machine.watch.lose_sight()
    machine.looks(1.5, LEASE)
    machine.watch.lose_sight()
    assert machine.looks(2, LEASE) == [[], [], [], []]


@pytest.mark.parametrize("ahead", [3_600, -3_600, 2])
def test_a_clock_that_was_set_kills_nobody(machine, ahead):
    machine.ahead = ahead
    assert machine.look(LEASE) == []
    assert machine.looks(2) == [[], [], [], []]  # they have renewed their leases
    assert machine.look(RENEWED) == [], "another process may hear of the new time a little later"
    assert machine.looks(2, RENEWED)[-1] == ["run_1"]


def test_a_machine_that_is_always_slow_notices_deaths_all_the_same(machine):
    looks = [machine.look(LEASE, after=2.5) for _ in range(2)]
    assert looks == [[], ["run_1"]]


def test_one_that_looks_seldom_and_finds_a_new_lease_each_time_sees_a_living_one(machine):
    leases = [ObservedLease("run_1", 1, BEGAN + timedelta(seconds=n)) for n in range(4)]
    assert [machine.look(lease, after=2.5) for lease in leases] == [[], [], [], []]
