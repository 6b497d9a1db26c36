"""Re-checks an evidence bundle with nothing but Python 3.8 or later: python verify_bundle.py [FOLDER]

Every file against manifest.json, every row of rows.jsonl against its hash (SHA-256 of previous_hash ":"
event_type ":" payload ":" created_at) and the row before it, every checkpoint's place and Ed25519 signature
(RFC 8032), and what each of them knew against rows.jsonl. Exit code 0: all holds. 1: something does not.
"""

import hashlib
import json
import sys
from pathlib import Path

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)


def point(data):
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if (x * x - xx) % P == 0 else x * ROOT % P
    return (P - x if x & 1 != sign else x), y  # one that is on no curve makes the equation fail


def add(a, b):
    k, across = D * a[0] * b[0] * a[1] * b[1] % P, a[0] * b[1] + b[0] * a[1]
    return across * pow(1 + k, P - 2, P) % P, (a[1] * b[1] + a[0] * b[0]) * pow(1 - k, P - 2, P) % P


def times(n, what):
    rest = times(n >> 1, add(what, what)) if n else (0, 1)
    return add(rest, what) if n & 1 else rest


def signed(key, message, signature):
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    return s < L and times(s, base) == add(point(signature[:32]), times(h, point(key)))


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def raw(it):
    return bytes.fromhex(it["hex"]) if isinstance(it, dict) else b"" if it is None else str(it).encode()


def main(folder):
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    found = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest, report = json.loads(files["manifest.json"]), json.loads(files["findings.json"])
    checkpoints = json.loads(files["checkpoints.json"])["checkpoints"]
    heads, hashes, pruned, count = {}, {}, {}, 0
    wrong = {name for name, _ in found.items() ^ manifest["sha256"].items()} - {"manifest.json"}
    problems = [f"{name} is not the file that was written" for name in sorted(wrong)]
    intact = manifest["verdict"] == report["verdict"] in ["CONSISTENT", *["VERIFIED"] * bool(checkpoints)]
    problems += [] if intact else [f"the report's own verdict is {report['verdict']}"]
    for line in files["rows.jsonl"].splitlines():
        count, row = count + 1, json.loads(line)
        tenant, stored, previous = (raw(row[name]) for name in ("tenant_id", "hash", "previous_hash"))
        parts = (previous, raw(row["event_type"]), raw(row["payload"]), raw(row["created_at"]))
        holds = hashlib.sha256(b":".join(parts)).hexdigest().encode() == stored
        linked = heads.get(tenant, previous) == previous
        problems += [] if holds else [f"entry {row['seq']} does not match its hash"]
        problems += [] if linked else [f"entry {row['seq']} does not continue the entry before it"]
        name, heads[tenant] = tenant.decode("utf-8", "backslashreplace"), stored
        hashes[name, row["seq"]] = stored.decode("ascii", "replace")
        if parts[1] == b"audit_pruned" and b'"toSeq":' in parts[2]:
            pruned[name] = int(parts[2].split(b'"toSeq":')[1].split(b",")[0])
    same = count == manifest["entries"] == report["entries"]
    problems += [] if same else [f"{report['entries']} entries were verified, {count} are here"]
    first, last, before = manifest["seqFrom"] or 0, manifest["seqTo"] or 2**63, None
    restored = max([0, *(it["number"] for it in checkpoints if it["reason"] in ("restore", "anew"))])
    for item in checkpoints:
        what, body = item["number"], canonical({**item, "signature": ""})
        holds = signed(bytes.fromhex(item["key"]), body, bytes.fromhex(item["signature"]))
        problems += [] if holds else [f"checkpoint {what} was changed after it was signed"]
        follows = item["previous"] == before
        problems += [] if follows else [f"checkpoint {what} does not follow from the one before it"]
        before = hashlib.sha256(canonical(item)).hexdigest()
        for tenant, known in item["tenants"].items() if what >= restored else ():
            seq = known["last_seq"]
            asked = (
                manifest["tenant"] in (None, tenant) and max(first, pruned.get(tenant, 0) + 1) <= seq <= last
            )
            if asked and hashes.get((tenant, seq)) != known["head"]:
                problems.append(f"entry {seq} of {tenant} is not the one that checkpoint {what} knew")
    said = f"{count} entries, {len(checkpoints)} checkpoints: {len(problems) or 'no'} problems"
    sys.stdout.write("\n".join([said, *(ascii(problem)[1:-1] for problem in problems[:1000]), ""]))
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        sys.exit(f"This bundle cannot be checked, because it was changed: {error!r}")
