"""A live D1 database as an engine, over Cloudflare's HTTP API (models/README.md, D1 over HTTP)."""
