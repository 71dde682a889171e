"""Which pending run a worker executes next, and claiming it."""

from app.services.runs.claiming.claim import claim_runs
from app.services.runs.claiming.claim_sql import LEVELS, ClaimRequest, is_over, let_lost_go
from app.services.runs.claiming.fairness import max_concurrent_of

__all__ = [
    "LEVELS",
    "ClaimRequest",
    "claim_runs",
    "is_over",
    "let_lost_go",
    "max_concurrent_of",
]
