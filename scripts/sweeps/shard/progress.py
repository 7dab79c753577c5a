"""One line now and then about how a sweep stands, for a person who looks at the log or the console."""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

from sweeps.store.trials import Trials

log = logging.getLogger("sweeps.progress")


@dataclass
class Progress:
    """Tells of the whole version, not of this job alone."""

    trials: Trials
    side_by_side: int
    """Trials that train at once, in all shards."""
    quiet: float = 60.0
    _told: float = field(default_factory=time.monotonic)

    def tell(self) -> None:
        """``v2  12/24 trials  best 0.412 (slot 7)  3 pruned  about 2 min left``."""
        plan = self.trials.study.plan
        counts = Counter(self.trials.states().values())
        done = counts["COMPLETE"] + counts["PRUNED"] + counts["FAIL"]
        best = self.trials.best(1)
        parts = [f"{plan.version}  {done}/{plan.n_trials} trials"]
        parts += [f"best {best[0][1]:.4g} (slot {best[0][0]})"] if best else []
        parts += [f"{counts['PRUNED']} pruned"] if counts["PRUNED"] else []
        parts += [f"{counts['FAIL']} failed"] if counts["FAIL"] else []
        if 2 <= done < plan.n_trials:
            left = self.trials.seconds() / done * (plan.n_trials - done) / self.side_by_side
            parts.append(f"about {duration(left)} left")
        log.info("  ".join(parts))
        self._told = time.monotonic()

    def tell_epoch(self, slot: int, epoch: int, epochs: int, value: float) -> None:
        """A line on a long trial, when nothing was told for a while."""
        if time.monotonic() - self._told >= self.quiet:
            log.info("%s  slot %d  epoch %d/%d  %.4g", self.trials.study.plan.version, slot, epoch, epochs, value)
            self._told = time.monotonic()


def duration(seconds: float) -> str:
    """``40 s``, ``2 min``, ``3.5 h``."""
    if seconds < 90:
        return f"{max(5, round(seconds / 5) * 5)} s"
    if seconds < 5400:
        return f"{round(seconds / 60)} min"
    return f"{seconds / 3600:.1f} h"
