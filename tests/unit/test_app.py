from app.app import forget_stored_tabs


def test_tabs_that_earlier_versions_stored_are_removed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    states = tmp_path / ".states"
    states.mkdir()
    (states / "0cc175b9.pkl").write_bytes(b"cookie")
    (states / "notes.txt").write_text("not ours")
    forget_stored_tabs()
    assert [path.name for path in states.iterdir()] == ["notes.txt"]
