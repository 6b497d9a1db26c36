"""The planning runs: statuses, phases, artifacts, parked ideas."""
