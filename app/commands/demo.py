"""Make a file with sample data."""

import argparse
import time
from pathlib import Path

from app import paths
from app.commands.common import EXIT_INTACT, positive, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=positive, default=5000, help="audit entries (default: 5000)")
    parser.add_argument("--tenants", type=positive, default=6, help="default: 6")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same data (default: 1)")


def run(options: argparse.Namespace) -> int:
    from app.services.demo import demo  # noqa: PLC0415

    summary = demo.create_demo(
        options.file,
        paths.migrations_dir(),
        rows=options.rows,
        tenants=options.tenants,
        seed=options.seed,
        now=int(time.time()),
    )
    counts = ", ".join(f"{count:,} {table}" for table, count in summary.rows.items())
    say(f"{options.file}: {len(summary.tenants):,} tenants; {counts}")
    return EXIT_INTACT
