"""Fault drills: what is killed, lost, filled up or started twice, and what is left of the budget afterwards."""
