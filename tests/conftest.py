"""Shared fixtures: everything a test keeps lives in its own tmp_path, and no display is needed."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
