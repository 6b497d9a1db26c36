"""Tenants as wholes: how each of them stands, and what is done with all that one of them has."""
