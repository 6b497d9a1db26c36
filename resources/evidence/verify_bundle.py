"""Re-checks an evidence bundle with nothing but Python 3.8 or later: python verify_bundle.py [FOLDER]

Every file against manifest.json, every row of rows.jsonl against its hash and the row before it, every
checkpoint's Ed25519 signature (RFC 8032), and each checkpoint's last rows against rows.jsonl.
Exit code 0: all holds. 1: something does not. The hash of a row is
SHA-256(previous_hash ":" event_type ":" payload ":" created_at), lower-case hex, the text as stored.
"""

import hashlib
import json
import sys
from pathlib import Path

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if (x * x - xx) % P == 0 else x * ROOT % P
    if (x * x - xx) % P or y >= P:
        raise ValueError("not a point")
    return (P - x, y) if x & 1 != sign else (x, y)


def add(a, b):
    (x1, y1), (x2, y2) = a, b
    k = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + k, P - 2, P) % P, (y1 * y2 + x1 * x2) * pow(1 - k, P - 2, P) % P


def times(n, point):
    total = (0, 1)
    while n:
        total = add(total, point) if n & 1 else total
        point, n = add(point, point), n >> 1
    return total


def point(data):
    value = int.from_bytes(data, "little")
    return recover(value & (1 << 255) - 1, value >> 255)


def signed(key, message, signature):
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    base = recover(4 * pow(5, P - 2, P) % P, 0)
    return s < L and times(s, base) == add(point(signature[:32]), times(h, point(key)))


def raw(value):
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return b"" if value is None else str(value).encode()


def main(folder):
    problems = []
    manifest = json.loads((folder / "manifest.json").read_bytes())
    for name, digest in manifest["sha256"].items():
        file = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if file != digest:
            problems.append(f"{name} is not the file that the manifest names")
    heads, hashes, count = {}, {}, 0
    checkpoints = json.loads((folder / "checkpoints.json").read_bytes())["checkpoints"]
    wanted = {(row["last_seq"], tenant) for item in checkpoints for tenant, row in item["tenants"].items()}
    with (folder / "rows.jsonl").open("rb") as rows:
        for line in rows:
            count += 1
            row = json.loads(line)
            tenant, stored, previous = (raw(row[name]) for name in ("tenant_id", "hash", "previous_hash"))
            parts = (previous, raw(row["event_type"]), raw(row["payload"]), raw(row["created_at"]))
            if hashlib.sha256(b":".join(parts)).hexdigest().encode() != stored:
                problems.append(f"entry {row['seq']} does not match its hash")
            if heads.get(tenant, previous) != previous:
                problems.append(f"entry {row['seq']} does not continue the entry before it")
            heads[tenant] = stored
            key = (row["seq"], tenant.decode("utf-8", "backslashreplace"))
            if key in wanted:
                hashes[key] = stored.decode("ascii", "replace")
    for item in checkpoints:
        body = json.dumps({**item, "signature": ""}, sort_keys=True, separators=(",", ":")).encode()
        if not signed(bytes.fromhex(item["key"]), body, bytes.fromhex(item["signature"])):
            problems.append(f"checkpoint {item['number']} was changed after it was signed")
        for tenant, sealed in item["tenants"].items():
            if hashes.get((sealed["last_seq"], tenant), sealed["head"]) != sealed["head"]:
                problems.append(f"checkpoint {item['number']} knew another entry {sealed['last_seq']}")
    said = f"{count} entries, {len(checkpoints)} checkpoints: {len(problems) or 'no'} problems"
    sys.stdout.write("\n".join([said, *problems[:1000], ""]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
