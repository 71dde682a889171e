"""How the web process imports."""

import importlib
import sys

import pytest

from app.cli.web import hidden


def test_what_is_hidden_cannot_be_imported_until_the_block_ends(monkeypatch):
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with pytest.raises(ImportError), hidden(("colorsys",)):
        importlib.import_module("colorsys")
    assert importlib.import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0.0, 0.0, 0)


def test_what_was_there_before_stays():
    before = sys.modules["json"]
    with hidden(("json",)):
        assert sys.modules["json"] is before
    assert sys.modules["json"] is before
