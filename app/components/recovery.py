"""What a person may decide about a step that failed or was cut off, in words: for the inbox and, through
`canvas.protocol`, for the drawer.
"""

from typing import NamedTuple


class Way(NamedTuple):
    """What its button says, and what happens then."""

    word: str
    what: str

    @property
    def sentence(self) -> str:
        """Both, as a sentence."""
        return f"{self.word} {self.what}"


RECOVERY = {
    "retry": Way("Retry", "runs the step again with its input."),
    "skip": Way("Skip", "goes on without its output."),
    "stop": Way("Stop the run", "ends the run as failed."),
    "done": Way("Give the result", "takes the step for done, with an output that you enter."),
}
