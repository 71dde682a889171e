"""How the template *Questions about a document* answers with the local model: its example, and questions of our own.

    .venv/bin/python bench/answers.py [--model local/qwen2.5-coder-1.5b] [--data DIR with the model's weights]

Starts the product, makes the workflow from its template and runs it once a question. Takes a minute or two on two idle
cores, so it is no part of the suite. The figures stand in docs/performance.md.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import httpx  # noqa: E402

from tests.conftest import free_port  # noqa: E402
from tests.e2e.product import Product  # noqa: E402

KETTLE = """Warranty of the kettle

The warranty lasts two years from the day of purchase. Keep the receipt: without it a repair cannot be accepted.

Limescale is not covered. Descale the kettle every four weeks with citric acid, one spoon on half a litre of water.

To return a kettle write to service@kettle.example or call the workshop in Graz. The workshop answers within three working days and pays the postage.

Spare lids cost 8 euros, spare filters 3 euros. They are sent within a week."""
MINUTES = """Minutes of the board, 14 March

Present: Ms Okafor (chair), Mr Lindqvist, Ms Haddad. Mr Silva sent his apologies.

The budget for 2027 was approved with 1.2 million euros, 80,000 more than last year. The increase pays for two new nurses.

The renovation of the east wing begins on 3 June and ends in October. The architect is Studio Brandt. Visitors use the north entrance meanwhile.

Ms Haddad proposed a children's library. The board will decide in May, after a survey among parents.

The next meeting is on 11 May at 18:00 in the town hall."""

QUESTIONS: list[tuple[str, str, tuple[str, ...]]] = [
    ("", "How many days a year may I work from another country?", ("20",)),
    ("", "How often can an office chair be ordered?", ("five years", "5 years")),
    ("", "How much of the internet costs is refunded?", ("25",)),
    ("", "What are the core hours?", ("10:00",)),
    ("", "Are meetings scheduled on Friday afternoons?", ("no",)),
    ("", "How many days of parental leave does the company provide?", ()),
    (KETTLE, "How long does the warranty last?", ("two years", "2 years")),
    (KETTLE, "What does a spare filter cost?", ("3 euro",)),
    (KETTLE, "How often should I descale the kettle?", ("four weeks", "4 weeks")),
    (KETTLE, "What is the colour of the kettle?", ()),
    (KETTLE, "How much does the kettle cost?", ()),
    (MINUTES, "Who is the architect of the renovation?", ("brandt",)),
    (MINUTES, "When does the renovation of the east wing begin?", ("3 june",)),
    (MINUTES, "What does the budget increase pay for?", ("nurse",)),
    (MINUTES, "How much does the renovation of the east wing cost?", ()),
    (MINUTES, "Who wrote the minutes of the board?", ()),
]
"""Document (empty: the template's), question, and words of which the answer must have one; none: it is not said."""


def is_right(output: dict[str, Any], words: tuple[str, ...]) -> bool:
    """Whether an answer is what the document says."""
    if not words:
        return not output["found"]
    return output["found"] and any(word in output["answer"].lower() for word in words)


def main() -> None:
    """Ask all questions and print what came."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--model", default="local/qwen2.5-coder-1.5b")
    options.add_argument("--data", type=Path, default=ROOT / "data")
    wanted = options.parse_args()
    data = Path(tempfile.mkdtemp(prefix="agentloom-answers-"))
    (data / "models").mkdir(parents=True)
    for weights in (wanted.data / "models").glob("*.gguf"):
        (data / "models" / weights.name).symlink_to(weights.resolve())
    product = Product(data, free_port(), {"AGENTLOOM_MODEL": wanted.model})
    product.start()
    right = 0
    try:
        with httpx.Client(base_url=product.url, timeout=300) as client:
            account = {"name": "Ada", "email": "ada@example.com", "password": "copper kettle 9"}
            signed = client.post("/api/auth/register", json=account).raise_for_status().json()
            client.headers["Authorization"] = f"Bearer {signed['access_token']}"
            used = client.post("/api/templates/document-questions/use", json={})
            workflow = used.raise_for_status().json()
            example = client.get("/api/templates/document-questions").json()["example_input"]
            for document, question, words in QUESTIONS:
                given = {"document": document or example["document"], "question": question}
                began = time.monotonic()
                started = client.post(
                    f"/api/workflows/{workflow['workflow_id']}/runs",
                    json={"input": given, "wait": 30},
                )
                address = started.raise_for_status().headers["Location"]
                run = client.get(address).json()
                while run["status"] in ("pending", "running"):
                    time.sleep(0.5)
                    run = client.get(address).raise_for_status().json()
                fits = run["status"] == "succeeded" and is_right(run["output"], words)
                right += fits
                said = run["output"]["answer"] if run["output"] else run["error"]
                print(
                    f"{'right' if fits else 'WRONG'}  {time.monotonic() - began:5.1f} s  {question}  {said}",
                    flush=True,
                )
    finally:
        product.stop()
        shutil.rmtree(data, ignore_errors=True)
    print(f"{right} of {len(QUESTIONS)} right")


if __name__ == "__main__":
    main()
