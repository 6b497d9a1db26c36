"""Tenant Admin: look after the tenants of a platform on Cloudflare D1."""

__version__ = "0.1.0"
"""The only place of it, which pyproject.toml reads; its newest release in the AppStream metadata is equal."""
