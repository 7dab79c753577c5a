"""From evidence to the next version's space: policies, decisions, proposals.

:func:`decide` and :func:`propose` are the public interface; ``docs/decisions.md`` shows them at work.
"""

from sweeps.decisions.comparison import Comparison, compare
from sweeps.decisions.engine import decide, decide_on
from sweeps.decisions.limits import Limit, read_limits
from sweeps.decisions.model import Decision, NewRange, Refused
from sweeps.decisions.policy import Policy, load_policy
from sweeps.decisions.proposal import propose

__all__ = [
    "Comparison",
    "Decision",
    "Limit",
    "NewRange",
    "Policy",
    "Refused",
    "compare",
    "decide",
    "decide_on",
    "load_policy",
    "propose",
    "read_limits",
]
