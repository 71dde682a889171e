"""Tries a test that failed once more, and says so: `pytest -p tests.second_try`.

Tests with real processes and clocks may fail where nothing is wrong, on a machine that stood still for a moment. What
needed a second try is listed at the end, with what went wrong first. More than a few of them are no accident: then the
run has failed.
"""

from collections.abc import Generator

import pytest

MOST = 3
AGAIN = "tried again"
"""Outcome of a failure after which the test is tried once more; the closing line counts them."""

_TRY = pytest.StashKey[int]()
_COUNT = pytest.StashKey[int]()


def failures(session: pytest.Session) -> int:
    """How many failures there were so far, with those of first tries."""
    return session.testsfailed + session.stash.get(_COUNT, 0)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Leave each try to pytest, so that a second one has a time limit of its own."""
    if _TRY in item.stash:
        return None
    before = failures(item.session)
    item.stash[_TRY] = 1
    item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
    if failures(item.session) > before:
        item.stash[_TRY] = 2
        _forget_failed_fixtures(item)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=nextitem)
    return True


def _forget_failed_fixtures(item: pytest.Item) -> None:
    """What could not be made for a whole module is made again, instead of failing with the same words."""
    if not isinstance(item, pytest.Function):
        return
    item._initrequest()
    for fixtures in item._fixtureinfo.name2fixturedefs.values():
        for fixture in fixtures:
            if fixture.cached_result is not None and fixture.cached_result[2] is not None:
                fixture.finish(item._request)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Give what fails in a first try an outcome of its own."""
    report = yield
    if report.failed and item.stash.get(_TRY, 0) == 1:
        report.outcome = AGAIN  # type: ignore[assignment]
        item.session.stash[_COUNT] = item.session.stash.get(_COUNT, 0) + 1
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """Count it under its own name."""
    return (AGAIN, "R", "TRIED AGAIN") if report.outcome == AGAIN else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what needed a second try; too many of them are failures."""
    reports = terminalreporter.stats.get(AGAIN, [])
    if not reports:
        return
    terminalreporter.section(f"needed a second try (at most {MOST} may)")
    for report in reports:
        lines = str(report.longrepr).splitlines()
        why = next((line for line in lines if line.startswith("E ")), lines[-1] if lines else "")
        terminalreporter.line(f"{report.nodeid} ({report.when}): {why[1:].strip()}")
    if _too_many(terminalreporter):
        failed = terminalreporter.stats.setdefault("failed", [])
        known = {report.nodeid for report in failed}
        failed.extend(report for report in reports if report.nodeid not in known)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run when too many needed a second try."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and _too_many(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _too_many(reporter: pytest.TerminalReporter) -> bool:
    return len({report.nodeid for report in reporter.stats.get(AGAIN, [])}) > MOST
