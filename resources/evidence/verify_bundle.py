"""Re-checks an evidence bundle with nothing but Python 3.8 or later: python verify_bundle.py [FOLDER]

Every file against manifest.json. Every row of rows.jsonl: its types, its text, its JSON, its hash (SHA-256
of previous_hash ":" event_type ":" payload ":" created_at) and the row before it. Every chain's start: 64
zeros, or the furthest prune marker. Every checkpoint's place, its Ed25519 signature (RFC 8032), and what it
knew: last rows, numbers of rows, digests. Exit code 0: all holds. 1: something does not.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)
TEXTS = ("tenant_id", "event_type", "payload", "previous_hash", "hash")
GENESIS, HASH, BLOCK = b"0" * 64, re.compile("[0-9a-f]{64}"), 65536
ARCHIVE = re.compile(r"audit-[A-Za-z0-9._~%-]*--?[0-9]+--?[0-9]+\.jsonl\.gz")


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


def sha(data):
    return hashlib.sha256(data).hexdigest()


def no_number(word):
    raise ValueError(word)


def once(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def is_json(text):
    try:
        json.loads(text, parse_constant=no_number)
    except RecursionError:
        return True  # deeper than this can see
    except ValueError:
        return False
    return True


class Row:
    """One row as it was stored; what is no plain text stands in the bundle as hex."""

    def __init__(self, values):
        self.seq, self.problems = values["seq"], []
        data = {}
        for name in (*TEXTS, "created_at"):
            value = values[name]
            data[name] = bytes.fromhex(value["hex"]) if isinstance(value, dict) else str(value).encode()
            if type(value) is not (int if name == "created_at" else str):
                self.problems.append(
                    f"entry {self.seq} holds something else in {name} than the platform writes"
                )
        self.tenant, self.event, self.payload, self.previous, self.hash, self.time = data.values()
        text = b":".join((self.previous, self.event, self.payload, self.time))
        if sha(text).encode() != self.hash:
            self.problems.append(f"entry {self.seq} does not match its hash")
        elif not is_json(self.payload.decode("utf-8", "replace")):
            self.problems.append(f"entry {self.seq} has a payload that is not JSON")
        length = len(self.event.decode("utf-8", "replace"))
        self.record = b"%d:%d:%s\n" % (self.seq, length, self.hash)  # of a row that holds
        self.name = self.tenant.decode("utf-8", "backslashreplace")
        self.marker = self.read_marker() if self.event == b"audit_pruned" and not self.problems else None

    def read_marker(self):
        """From, to, count and last hash of a prune marker that can be true."""
        try:
            value = json.loads(self.payload.decode(), object_pairs_hook=once)
            first, last, count, cutoff = (value[name] for name in ("fromSeq", "toSeq", "count", "cutoff"))
            whole = all(type(item) is int for item in (first, last, count, cutoff))
            fits = whole and 1 <= first <= last < self.seq and 1 <= count <= last - first + 1
            at = int(self.time) // (1000 if int(self.time) >= 10**11 else 1)  # or it is in milliseconds
            kept = "archive" not in value or (
                ARCHIVE.fullmatch(value["archive"]["file"]) and HASH.fullmatch(value["archive"]["sha256"])
            )
            if fits and kept and cutoff <= at and HASH.fullmatch(value["lastHash"]):
                return first, last, count, value["lastHash"].encode()
        except (KeyError, TypeError, ValueError, RecursionError):
            pass
        self.problems.append(f"entry {self.seq} is a prune marker that cannot be true")
        return None


class Chain:
    """A tenant's rows, one after the other."""

    def __init__(self, first):
        self.first, self.head, self.rows, self.markers, self.sound = first, None, {}, [], True

    def take(self, row):
        problems = row.problems
        if self.head not in (None, row.previous):
            problems = [*problems, f"entry {row.seq} does not continue the entry before it"]
        if row.marker is not None and self.markers and row.marker[0] <= self.markers[-1][1]:
            problems = [*problems, f"entry {row.seq} is a prune marker out of order"]
        elif row.marker is not None:
            self.markers.append(row.marker)
        self.head, self.rows[row.seq] = row.hash, (len(self.rows) + 1, row.hash, row.record)
        self.sound = self.sound and not problems
        return problems

    def starts(self, accepted):
        seq, previous = self.first.seq, self.first.previous
        if self.markers and (previous == GENESIS or seq <= self.markers[-1][1]):
            return False
        by_marker = bool(self.markers) and self.markers[-1][3] == previous
        return previous == GENESIS or by_marker or accepted == f"adopted:{seq}"

    def knew(self, known, after, starts):
        """What a checkpoint knew of the tenant against the rows: a sentence, or None.

        `starts` are the first numbers that any checkpoint knew of it.
        """
        last, pruned = known["last_seq"], self.markers[-1][1] if self.markers else 0
        told = [start for start, end, _, _ in self.markers if start <= last and end >= known["first_seq"]]
        early = told and told[0] < known["first_seq"]
        late = told and told[0] > known["first_seq"] and pruned <= last and told[0] not in starts
        if early or late:
            return f"entry {told[0]}, from which on the first prune marker tells what was removed,"
        if pruned == last and self.markers[-1][3].decode() != known["head"]:
            return "its last entry"
        if pruned >= last:
            return None
        if last not in self.rows or self.rows[last][1].decode("ascii", "replace") != known["head"]:
            return f"entry {last}"
        if self.first.seq == known["first_seq"] and self.rows[last][0] != known["entries"]:
            return f"the number of entries up to {last}"
        if self.sound and (self.first.seq == known["first_seq"] or self.first.seq <= after + 1):
            blocks = {}
            for seq, (_, _, record) in self.rows.items():
                if seq <= last and (after == 0 or seq > after):
                    blocks.setdefault(seq // BLOCK, hashlib.sha256()).update(record)
            if sha("\n".join(block.hexdigest() for block in blocks.values()).encode()) != known["digest"]:
                return f"a number, a type or a boundary up to entry {last}"
        return None


def line_begins(checkpoints):
    return max((item["number"] for item in checkpoints if item["reason"] in ("restore", "anew")), default=0)


def check_checkpoints(checkpoints, chains, manifest):
    before, begins = None, line_begins(checkpoints)
    whole = manifest["seqFrom"] is None and manifest["seqTo"] is None
    starts, owners = {}, {}  # the first numbers that any knew of a tenant; who began with an entry
    for item in checkpoints:
        for tenant, known in item["tenants"].items():
            starts.setdefault(tenant, set()).add(known["first_seq"])
            if item["number"] >= begins:
                owners.setdefault(known["first_hash"], []).append(tenant)
    for item in checkpoints:
        what, body = f"checkpoint {item['number']}", canonical({**item, "signature": ""})
        if not signed(bytes.fromhex(item["key"]), body, bytes.fromhex(item["signature"])):
            yield f"{what} was changed after it was signed"
        if item["previous"] != before:
            yield f"{what} does not follow from the one before it"
        before = sha(canonical(item))
        for tenant, known in item["tenants"].items() if whole and item["number"] >= begins else ():
            if manifest["tenant"] in (None, tenant):
                chain = chains.get(tenant)
                gone = f"entry {known['last_seq']}"
                other = gone if chain is None else chain.knew(known, item["after"], starts[tenant])
                if other is not None:
                    yield f"{other} of {tenant} is not the one that {what} knew"
    firsts = {name: chain.first.hash.decode("ascii", "replace") for name, chain in chains.items()}
    for name, chain in chains.items() if whole and manifest["tenant"] is None else ():
        had = owners.get(firsts[name], [name])
        if name not in had and firsts.get(had[0]) != firsts[name]:
            yield f"entry {chain.first.seq} of {name} is the one that {had[0]} began with"


def main(folder):
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    found = {name: sha(data) for name, data in files.items()}
    manifest, report = json.loads(files["manifest.json"]), json.loads(files["findings.json"])
    checkpoints, verdict = json.loads(files["checkpoints.json"])["checkpoints"], report["verdict"]
    wrong = {name for name, _ in found.items() ^ manifest["sha256"].items()} - {"manifest.json"}
    problems = [f"{name} is not the file that was written" for name in sorted(wrong)]
    if not manifest["verdict"] == verdict in ["CONSISTENT", *["VERIFIED"] * bool(checkpoints)]:
        problems.append(f"the report's own verdict is {verdict}")
    chains, count = {}, 0
    for line in files["rows.jsonl"].splitlines():
        row, count = Row(json.loads(line)), count + 1
        problems += chains.setdefault(row.name, Chain(row)).take(row)
    if not count == manifest["entries"] == report["entries"]:
        problems.append(f"{report['entries']} entries were verified, {count} are here")
    anchors = {tenant["tenant"]: tenant["anchor"] for tenant in report["tenants"]}
    for name, chain in chains.items() if manifest["seqFrom"] is None else ():
        if not chain.starts(anchors.get(name)):
            problems.append(f"nothing proves what came before entry {chain.first.seq} of {name}")
    problems += check_checkpoints(checkpoints, chains, manifest)
    said = [f"{count} entries, {len(checkpoints)} checkpoints: {len(problems) or 'no'} problems"]
    said += [ascii(problem)[1:-1] for problem in problems[:1000]]
    said.append(
        f"The report says {verdict}; by this bundle alone, it {'does not hold' if problems else 'holds'}."
    )
    for key in sorted({item["key"] for item in checkpoints}):
        said.append(f"Signed with key {key}: whose that is, and that it was not stolen, this cannot know.")
    begins = line_begins(checkpoints)
    ended = {item["key"] for item in checkpoints if item["number"] < begins}
    ended -= {item["key"] for item in checkpoints if item["number"] >= begins}
    for key in sorted(ended):
        said.append(f"By checkpoint {begins} another key began anew: what key {key} signed was not asked.")
    if not checkpoints:
        said.append("No checkpoint is here: whether the chains were rewritten as a whole, this cannot know.")
    if any((anchor or "").startswith("adopted:") for anchor in anchors.values()):
        said.append("Some starts were accepted by a person; what came before them, this cannot know.")
    if manifest["seqFrom"] is not None or manifest["seqTo"] is not None:
        said.append("These are some of the entries; what lies outside of them, this cannot know.")
    sys.stdout.write("\n".join([*said, ""]))
    return 1 if problems else 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)))
    except (OSError, LookupError, TypeError, ValueError, AttributeError) as error:
        sys.exit(f"This bundle cannot be checked, because it was changed: {error!r}")
