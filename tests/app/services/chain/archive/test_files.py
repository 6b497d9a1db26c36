"""An archived entry is judged by the rules that judge it in the file."""

import gzip
import json
from hashlib import sha256
from pathlib import Path

import pytest

from app.services.chain.archive.files import ArchiveReading
from app.services.chain.reading import chunks, reading
from app.services.chain.rules import Marker, Reference, archive_name
from tests.app.services.chain.verify.chains import ChainFile, codes
from tests.conftest import NOW

TENANT = "tenant-00"


def archived(chain: ChainFile, folder: Path) -> set[str]:
    """The codes of what is found in an archive of all that the file holds."""
    last = chain.seqs()[-1]
    with reading(chain.path) as database:
        rows = [row for chunk in chunks(database, tenant=None, first=1, last=last) for row in chunk]
    packed = gzip.compress(b"".join(line for _, line in rows))
    reference = Reference(archive_name(TENANT, 1, last), sha256(packed).hexdigest())
    (folder / reference.file).write_bytes(packed)
    claim = Marker(last + 1, 1, last, len(rows), "0" * 64, NOW, reference)
    found = ArchiveReading(TENANT, reference, [claim])
    found.read(folder, lambda entries: False)
    assert found.entries == len(rows)
    return {str(finding.code) for finding in found.findings}


def errors(chain: ChainFile) -> set[str]:
    """The codes of what is wrong with the same entries in the file."""
    return {str(finding.code) for finding in chain.verify().findings if finding.is_error}


@pytest.fixture
def chain(tmp_path: Path) -> ChainFile:
    return ChainFile.build(tmp_path / "a.db", rows=6)


@pytest.mark.parametrize(
    "payload",
    ["{}", "no JSON", '{"a":NaN}', "[" * 2_000 + "]" * 2_000, '"\\u0000"', "1" * 5_000, "{", '{"a":1,}', ""],
)
def test_a_payload(chain: ChainFile, tmp_path: Path, payload: str) -> None:
    chain.append(TENANT, payload=payload)
    assert archived(chain, tmp_path) == errors(chain)


@pytest.mark.parametrize(
    "change",
    [
        "payload = CAST(x'7b227f00227d' AS TEXT)",
        "payload = CAST(x'ff00' AS TEXT)",
        "payload = CAST(payload AS BLOB)",
        "event_type = 'not a word'",
        "created_at = 1790000000.5",
        "hash = upper(hash)",
        "hash = CAST(hash AS BLOB)",
        "previous_hash = NULL",
    ],
)
def test_a_value_of_another_kind(chain: ChainFile, tmp_path: Path, change: str) -> None:
    if "NULL" in change:
        chain.run("PRAGMA writable_schema = 1")
        chain.run(
            "UPDATE sqlite_schema SET sql = replace(sql, 'previous_hash TEXT NOT NULL', 'previous_hash TEXT')"
            " WHERE name = 'audit_chain'"
        )
        chain.run("PRAGMA writable_schema = RESET")
    chain.run(f"UPDATE audit_chain SET {change} WHERE seq = 6")
    assert archived(chain, tmp_path) == errors(chain)


@pytest.mark.parametrize("change", [{"toSeq": 99}, {"count": 0}, {"lastHash": "A" * 64}, {"cutoff": 2**62}])
def test_a_marker_that_cannot_be_true(chain: ChainFile, tmp_path: Path, change: dict[str, object]) -> None:
    marker = {"fromSeq": 1, "toSeq": 2, "count": 2, "lastHash": "0" * 64, "cutoff": NOW - 90} | change
    chain.append(TENANT, "audit_pruned", json.dumps(marker))
    assert "MARKER" in codes(chain.verify())
    assert archived(chain, tmp_path) == {"MARKER"}


def test_a_sound_chain(chain: ChainFile, tmp_path: Path) -> None:

    assert archived(chain, tmp_path) == codes(chain.verify()) == set()
