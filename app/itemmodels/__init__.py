"""Long tables for Qt: columns, pages and roles, never SQL."""
