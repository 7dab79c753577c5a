"""A version scored against what was registered before it ran."""

from sweeps.outcome.model import Achieved, Outcome, Registered
from sweeps.outcome.score import changes_that_follow, score, score_criteria

__all__ = ["Achieved", "Outcome", "Registered", "changes_that_follow", "score", "score_criteria"]
