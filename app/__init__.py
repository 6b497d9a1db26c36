"""Tenant Admin: look after the tenants of a platform on Cloudflare D1."""

__version__ = "0.1.0"
