"""Cron rules in a time zone: when they come next, and what they say in words. Pure arithmetic.

A rule has five fields (minute, hour, day of the month, month, day of the week) or is one of the
names in NAMES. Clocks that are put forward or back decide as in Debian's cron, a little stricter:

* A rule for certain hours, such as `30 2 * * *`: a local time that is skipped comes at the next
  moment that exists (03:00), once; a local time that comes twice counts the first time only.
* A rule for every hour, such as `*/15 * * * *` or `0 * * * *`, comes whenever the clock shows such
  a minute: it neither pauses nor makes up for anything, so a day of 25 hours has 25 full hours.
"""

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from cronsim import CronSim, CronSimError

from app.kernel.errors import InvalidInput

NAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
MAX_CRON = 200
_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31, L for the last day, LW for the last weekday"),
    ("month", "1 to 12, or JAN to DEC"),
    ("day of the week", "0 to 7 (0 and 7 are Sunday), or SUN to SAT, MON#1 for the first, 5L for the last"),
)  # fmt: skip
_LARGEST = (59, 23, 31, 12, 7)
_AGAIN = (
    ("hour", 60, "minutes"),
    ("day", 24, "hours"),
    ("month", 31, "days"),
    ("year", 12, "months"),
    ("week", 7, "days of the week"),
)
"""With what each field begins anew, how many values it has until then, and what they are called."""

_TOLD = 6
"""So many values of a step are listed; of more, the first few."""

_ORDINAL = re.compile(r"\b([23]?[123])th\b")  # CronSim says 21th
_ENDINGS = {"1": "st", "2": "nd", "3": "rd"}
_LOOK_BACK = tuple(timedelta(days=days) for days in (1 / 24, 1, 8, 32, 367, 3_000))


@dataclass(frozen=True)
class Rule:
    """A cron rule that can be read, in a zone that existed when it was: make one with `read_rule`. Its times
    need the zone still: see `zone_known`.
    """

    cron: str
    timezone: str

    @property
    def zone(self) -> ZoneInfo:
        """The zone whose clock the rule goes by."""
        return ZoneInfo(self.timezone)

    @property
    def zone_known(self) -> bool:
        """Whether this system knows the zone: one that was stored may be gone after an update or a move."""
        try:
            return bool(self.zone.key)
        except (ZoneInfoNotFoundError, ValueError):
            return False

    @cached_property
    def fields(self) -> str:
        """The five fields; what a name such as `@daily` stands for."""
        return NAMES.get(self.cron.lower(), self.cron)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The rule's moments later than this one, in UTC, without end (at most 50 years apart)."""
        for found in CronSim(_by_clock(self.fields), moment.astimezone(self.zone)):
            at = found.astimezone(UTC)
            if at > moment:  # in the second of two equal hours the rule looks from the first one
                moment = at
                yield at

    def next(self, moment: datetime) -> datetime | None:
        """The first moment after this one; None when there is none within 50 years."""
        return next(self.after(moment), None)

    def upcoming(self, moment: datetime, count: int) -> tuple[datetime, ...]:
        """The first moments after this one."""
        return tuple(islice(self.after(moment), count))

    def last(self, moment: datetime) -> datetime | None:
        """The latest moment not after this one; None when there is none within eight years."""
        for span in _LOOK_BACK:
            found = None
            for at in self.after(moment - span):
                if at > moment:
                    break
                found = at
            if found is not None:
                return found
        return None

    @cached_property
    def words(self) -> str:
        """The rule for people, such as `At 09:00 on Monday through Friday`."""
        minute, *rest = self.fields.split()
        if rest == ["*"] * 4 and minute in ("0", "*/60"):
            return "Every hour"
        step = minute.removeprefix("*/")
        if rest == ["*"] * 4 and step != minute and 60 % int(step) == 0 and int(step) > 1:
            return f"Every {step} minutes"
        parts = [
            ",".join(_listed(one.values) if one.place in (0, 1, 3) and one.is_uneven and len(one.values) <= _TOLD
                     else one.text for one in terms)
            for terms in _terms(self.fields)
        ]  # fmt: skip
        words = CronSim(" ".join(parts), datetime.now(UTC)).explain()
        if not (
            parts[2].startswith("*") or parts[4].startswith("*")
        ):  # either of the two is enough
            before, _, day = words.rpartition(" and on ")
            words = f"{before} or on {day}" if before else words
        return _ORDINAL.sub(lambda found: f"{found[1]}{_ENDINGS[found[1][-1]]}", words)

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What a rule does not mean, though its author may think so: steps that do not go round evenly."""
        said = []
        for one in (term for terms in _terms(self.fields) for term in terms if term.is_uneven):
            whole, _, names = _AGAIN[one.place]
            some = [str(value) for value in sorted(one.values)]
            listed = ", ".join(some[:_TOLD]) + (" and so on" if len(some) > _TOLD else "")
            said.append(
                f"'{one.text}' begins anew with every {whole}: it means the {names} {listed}, and is not "
                f"every {one.step} {names} throughout."
            )
        return tuple(said)


@dataclass(frozen=True)
class _Term:
    """A part of a field between commas, and what it means."""

    place: int
    text: str
    values: frozenset[int]

    @property
    def step(self) -> int:
        """The number behind the slash; 0 without one."""
        text = self.text.partition("/")[2]
        return int(text) if text.isdecimal() else 0

    @property
    def is_uneven(self) -> bool:
        """Whether its step goes through the whole field, and comes round to a gap of another length."""
        if self.step < 2 or "-" in self.text or not self.values:
            return False
        _, size, _ = _AGAIN[self.place]
        places = sorted({value % size for value in self.values})
        gaps = {(after - before) % size for before, after in pairwise([*places, places[0]])}
        return len(gaps) > 1 or (self.place == 2 and len(places) > 1)


def _terms(fields: str) -> tuple[tuple[_Term, ...], ...]:
    """The terms of each field of a rule that can be read."""
    return tuple(_terms_of(place, part) for place, part in enumerate(fields.split()))


def _terms_of(place: int, part: str) -> tuple[_Term, ...]:
    return tuple(_Term(place, text, _values(place, text)) for text in part.split(","))


def _values(place: int, text: str) -> frozenset[int]:
    """The numbers that a term stands for; none for the last day, or for the first Monday."""
    parsed = CronSim(_alone(place, text), datetime.now(UTC))
    sets = (parsed.minutes, parsed.hours, parsed.days, parsed.months, parsed.weekdays)
    return frozenset(one for one in sets[place] if isinstance(one, int) and one >= 0)


def _alone(place: int, text: str) -> str:
    fields = ["*"] * 5
    fields[place] = text
    return " ".join(fields)


def read_rule(cron: str, timezone: str) -> Rule:
    """Read a rule as a person wrote it.

    Raises:
        InvalidInput: `context["field"]` is `cron` or `timezone`; the message says how to mend it.
    """
    clean = " ".join(cron.split())
    zone = read_zone(timezone)
    rule = Rule(clean, zone)
    _check(rule)
    if rule.next(datetime.now(UTC)) is None:
        raise _never(clean)
    return rule


def read_zone(name: str) -> str:
    """Return the IANA name of a time zone, whatever its case.

    Raises:
        InvalidInput: There is no such zone; the message names ones that look like it.
    """
    zones = _zones()
    clean = name.strip().replace(" ", "_").casefold()
    if clean in zones:
        return zones[clean]
    cities = {key.rpartition("/")[2]: key for key in zones}
    near = [zones[cities[clean]]] if clean in cities else []
    near += [zones[key] for key in difflib.get_close_matches(clean, zones, 3, 0.7)]
    hint = f" Did you mean {' or '.join(dict.fromkeys(near))}?" if near else ""
    raise InvalidInput(
        f"There is no time zone '{name.strip()[:80]}'.{hint} Use an IANA name such as "
        "Europe/Berlin, America/New_York or UTC.",
        field="timezone",
    )


@lru_cache(1)
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}


def _check(rule: Rule) -> None:
    if len(rule.cron) > MAX_CRON:
        raise _unreadable(f"The cron rule is longer than {MAX_CRON} characters.")
    if rule.cron.startswith("@") and rule.cron.lower() not in NAMES:
        raise _unreadable(f"There is no rule named '{rule.cron}'. Use one of {', '.join(NAMES)}.")
    parts = rule.fields.split()
    if len(parts) != 5:
        raise _unreadable(
            f"A cron rule has five fields: minute, hour, day of the month, month, day of the week. "
            f"'{rule.cron}' has {len(parts)}. Nine o'clock every morning is '0 9 * * *'."
        )
    for place, part in enumerate(parts):
        name, range_ = _FIELDS[place]
        if not _is_readable(_alone(place, part)):
            raise _unreadable(
                f"The field for the {name}, '{part}', cannot be read. It takes {range_}; also "
                "lists (1,3), ranges (1-5), steps (*/2) and * for every one."
            )
        largest = max(one.step for one in _terms_of(place, part))
        if largest > _LARGEST[place]:
            raise _unreadable(
                f"The step {largest} in the field for the {name}, '{part}', is larger than the field: it goes "
                f"up to {_LARGEST[place]}. For longer times between, use the fields to the right."
            )
    if not _is_readable(rule.fields):
        raise _never(rule.cron)


def _is_readable(fields: str) -> bool:
    try:
        CronSim(fields, datetime.now(UTC)).explain()
    except (CronSimError, ValueError, AssertionError):
        return False
    return True


def _by_clock(fields: str) -> str:
    """Write the rule so that CronSim treats changed clocks as this module says.

    It goes by elapsed time whenever minute or hour begin with a star; we do so exactly when every
    hour is meant.
    """
    minute, _hour, *days = fields.split()
    parsed = CronSim(fields, datetime.now(UTC))
    if len(parsed.hours) == 24:
        return " ".join([minute, "*", *days])
    return " ".join([_listed(parsed.minutes), _listed(parsed.hours), *days])


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, sorted(numbers)))


def _unreadable(message: str) -> InvalidInput:
    return InvalidInput(message, field="cron")


def _never(cron: str) -> InvalidInput:
    return _unreadable(
        f"The cron rule '{cron}' never comes: no such day exists. Change the day or month."
    )
