"""A SQLite file as the engine of a database."""
