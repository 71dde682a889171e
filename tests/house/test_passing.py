"""What a process has is passed to whoever needs it, not fetched."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ROOT / "app/services"
COMPOSITION = {"app_context.py", "composition.py"}


def test_services_fetch_no_context():
    """Entry points do; services are given the context, or what of it they need."""
    fetching = [
        str(path.relative_to(ROOT))
        for path in SERVICES.rglob("*.py")
        if path.name not in COMPOSITION and "current_app" in path.read_text()
    ]
    assert not fetching


def test_contexts_are_put_together_in_one_place():
    made = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "app").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "AppContext"
    ]
    assert [one.partition(":")[0] for one in made] == ["app/services/composition.py"]
