"""The launch checklist, measured before the first trial."""
