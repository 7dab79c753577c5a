"""What the trials say of each parameter, as typed records: see :mod:`sweeps.evidence.model`."""

from sweeps.evidence.assess import assess
from sweeps.evidence.model import Evidence, Noise, ParameterEvidence, Settings

__all__ = ["Evidence", "Noise", "ParameterEvidence", "Settings", "assess"]
