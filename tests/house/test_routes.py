"""Default deny: every route of the API is in the reviewed table, and nothing else is."""

import re

from app.api.app import build
from tests.house.inventory import found, needs_sign_in, reviewed


def test_routes_are_exactly_the_reviewed_ones():
    code = {(verb, path) for verb, path, _ in found(build())}
    table = [(line.verb, line.path) for line in reviewed()]
    assert len(table) == len(set(table))
    assert code == set(table), "tests/house/routes.txt lists who may use each route"


def test_only_routes_reviewed_as_public_answer_to_nobody():
    who = {(line.verb, line.path): line.who for line in reviewed()}
    for verb, path, route in found(build()):
        assert needs_sign_in(route) == (who.get((verb, path)) != "public"), f"{verb} {path}"


def test_who_is_a_word_we_know():
    assert {line.who for line in reviewed()} <= {
        "public",
        "signed-in",
        "viewer",
        "member",
        "admin",
        "installation",
    }


def test_executions_mirror_runs():
    def under(prefix):
        pattern = re.compile(rf"^/api/{prefix}(/|$)")
        return {
            (line.verb, pattern.sub(r"\1", line.path), line.who)
            for line in reviewed()
            if pattern.match(line.path)
        }

    assert under("executions") == under("runs")
