"""Long tables for Qt: columns, pages and roles, never SQL."""

from app.overrides import guard

guard()
