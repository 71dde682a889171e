"""What the web server is given: the API, with its places of death armed before anything else."""

from tests.chaos import child
from tests.chaos.api import app

__all__ = ["app", "child"]
