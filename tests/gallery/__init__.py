"""Renders every screen to PNG files, light and dark: `python -m tests.gallery OUT_DIR`."""
