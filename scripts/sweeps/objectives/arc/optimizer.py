"""AdamW without the second and more in which torch loads its compiler for it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch.optim import Adam, AdamW, Optimizer


class EagerAdamW(AdamW):
    """Torch's fused AdamW (Loshchilov and Hutter 2019) for programs that compile nothing.

    Torch keeps its compiler out of an optimizer's methods, and imports the whole of it at their first call to find out
    how. A job that trains one small configuration would spend more on that than on the first epoch.
    """

    def __init__(self, groups: list[dict[str, Any]], lr: float) -> None:
        _mark_as_never_compiled()
        super().__init__(groups, lr=lr, fused=True)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One update of all parameters from their gradients; the result of ``closure``, if there is one."""
        return inspect.unwrap(Adam.step)(self, closure)


def _mark_as_never_compiled() -> None:
    """Leave the mark that torch would leave itself, were its compiler loaded.

    Where torch knows no such mark any more, the import comes back and nothing else changes.
    """
    for method in (Optimizer.add_param_group, Optimizer.zero_grad, Optimizer.state_dict, Optimizer.load_state_dict):
        function = inspect.unwrap(method)
        function.__dict__.setdefault("__dynamo_disable", function)
