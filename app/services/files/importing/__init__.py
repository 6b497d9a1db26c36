"""SQL dumps, as `wrangler d1 export` and `sqlite3 … .dump` write them, made into database files."""
