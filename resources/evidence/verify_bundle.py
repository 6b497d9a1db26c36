"""Re-checks an evidence bundle with Python 3.8 or later alone: verify_bundle.py [FOLDER] [--key FINGERPRINT]

Every file against manifest.json. Every row of rows.jsonl: its types, its text, its JSON, its hash (SHA-256
of previous_hash ":" event_type ":" payload ":" created_at) and the row before it. Every chain's start: 64
zeros, or the furthest prune marker. Every checkpoint's place, its Ed25519 signature (RFC 8032), and what it
knew: last rows, numbers of rows, digests, what markers say. Around it, the other files of a tenant's export
against that one's manifest. Prints the verdict that follows, VERIFIED only where --key gives who signed it:
anybody can sign it again. Exit code 0: nothing here denies what the report says, and it is signed as --key
wants. 3: nothing denies it, but nobody vouches for it: no --key was given.
2: nothing denies it, but a range lacks known entries, untold. 1: else.
"""

from __future__ import annotations  # Python 3.8 does not know the types as they are written here

import hashlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:  # none of it is there when this runs
    from collections.abc import Iterator, Mapping, Sequence

    Point = tuple[int, int]
    Item = dict[str, Any]
    """A checkpoint, as checkpoints.json has it."""
    Chains = dict[str, "Chain"]
    Links = dict[bytes, set[str]]
    Marker = tuple[int, int, int, str, int]

P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)
TEXTS = ("tenant_id", "event_type", "payload", "previous_hash", "hash")
GENESIS, HASH, BLOCK = b"0" * 64, re.compile("[0-9a-f]{64}"), 65536
TIME = re.compile(r"([0-9]+\.[0-9]+)|[0-9]{4}(-[0-9]{2}){2}[T ][0-9]{2}:[0-9:.]+(Z|[+-][0-9]{2}:?[0-9]{2})?")
ARCHIVE = re.compile(r"audit-[A-Za-z0-9._~%-]*--?[0-9]+--?[0-9]+\.jsonl\.gz")


def point(data: bytes) -> Point:
    sign, y = divmod(int.from_bytes(data, "little"), 2**255)
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    x = x if (x * x - xx) % P == 0 else x * ROOT % P
    return (P - x if x & 1 != sign else x), y  # one that is on no curve makes the equation fail


def add(a: Point, b: Point) -> Point:
    k, across = D * a[0] * b[0] * a[1] * b[1] % P, a[0] * b[1] + b[0] * a[1]
    inverse = pow(1 - k * k, -1, P)  # of both denominators at once
    return across * (1 - k) * inverse % P, (a[1] * b[1] + a[0] * b[0]) * (1 + k) * inverse % P


def times(n: int, what: Point) -> Point:
    rest = times(n >> 1, add(what, what)) if n else (0, 1)
    return add(rest, what) if n & 1 else rest


def signed(key: bytes, message: bytes, signature: bytes) -> bool:
    s = int.from_bytes(signature[32:], "little")
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    base = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    return s < L and times(s, base) == add(point(signature[:32]), times(h, point(key)))


def canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def no_number(word: str) -> NoReturn:
    raise ValueError(word)


def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    return dict(pairs) if len(dict(pairs)) == len(pairs) else no_number("a name twice")


def is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=no_number, parse_int=str)
    except RecursionError:
        return True  # deeper than this can see
    except ValueError:
        return False
    return True


def seconds(at: int) -> int:
    return at // 1000 if at >= 253402300800 else at  # the platform's first days wrote milliseconds


class Row:
    """One row as it was stored; what is no plain text stands in the bundle as hex."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.seq: int = values["seq"]
        self.problems: list[str] = []
        odd, data = None, dict.fromkeys((*TEXTS, "created_at"), b"")
        for name in (*TEXTS, "created_at"):
            value = values[name]
            data[name] = bytes.fromhex(value["hex"]) if isinstance(value, dict) else str(value).encode()
            time = TIME.fullmatch(value) if name == "created_at" and type(value) is str else None
            if time:
                odd = b"real" if time[1] else b"text"  # as some clients write it, hashed so
            elif type(value) is not (int if name == "created_at" else str) or b"\0" in data[name]:
                self.problems += [f"entry {self.seq} holds something else in {name} than the platform writes"]
        self.tenant, self.event, self.payload, self.previous, self.hash, self.time = data.values()
        text = b":".join((self.previous, self.event, self.payload, self.time))
        if sha(text).encode() != self.hash:
            self.problems.append(f"entry {self.seq} does not match its hash")
        elif not is_json(self.payload.decode("utf-8", "replace")):
            self.problems.append(f"entry {self.seq} has a payload that is not JSON")
        self.record = b"%d:%d:%s\n" % (self.seq, len(self.event.decode("utf-8", "replace")), self.hash)
        if odd:
            kinds = {**dict.fromkeys(TEXTS, b"text"), "created_at": odd}
            parts = b"".join(b"%s %d:%s\n" % (kinds[name], len(data[name]), data[name]) for name in data)
            self.record = b"%d!%s\n" % (self.seq, parts)
        self.name = self.tenant.decode("utf-8", "surrogateescape")  # which is no other tenant's
        self.marker = self.read_marker() if self.event == b"audit_pruned" and not self.problems else None

    def read_marker(self) -> Marker | None:
        """From, to, count, last hash and cutoff of a prune marker that can be true."""
        try:
            value = json.loads(self.payload.decode(), object_pairs_hook=once)
            first, last, count, cutoff = (value[name] for name in ("fromSeq", "toSeq", "count", "cutoff"))
            whole = all(type(item) is int for item in (first, last, count, cutoff))
            fits = whole and 1 <= first <= last < self.seq and 1 <= count <= last - first + 1
            kept = "archive" not in value or (
                ARCHIVE.fullmatch(value["archive"]["file"]) and HASH.fullmatch(value["archive"]["sha256"])
            )
            if fits and kept and cutoff <= seconds(int(self.time)) and HASH.fullmatch(value["lastHash"]):
                return first, last, count, value["lastHash"], cutoff
        except (KeyError, TypeError, ValueError, RecursionError):
            pass
        self.problems.append(f"entry {self.seq} is a prune marker that cannot be true")
        return None


class Chain:
    """A tenant's rows, one after the other; `rows` are count, hash and record by number."""

    def __init__(self, first: Row) -> None:
        self.first, self.last, self.head, self.time = first, first.seq - 1, b"", b""
        self.rows: dict[int, tuple[int, str, bytes]] = {}
        self.times: dict[int, int] = {}  # in seconds, of those that are whole numbers
        self.markers: list[Marker] = []
        self.sound, self.told = True, 0  # of those rows that are markers

    def take(self, row: Row) -> list[str]:
        problems = row.problems
        if self.rows and self.head != row.previous:
            problems = [*problems, f"entry {row.seq} does not continue the entry before it"]
        if type(row.seq) is not int or row.seq <= self.last:
            problems = [*problems, f"entry {row.seq} is not numbered behind the entry before it"]
        if row.marker is not None and self.markers and row.marker[0] <= self.markers[-1][1]:
            problems = [*problems, f"entry {row.seq} is a prune marker out of order"]
        elif row.marker is not None:
            self.markers.append(row.marker)
        self.told += row.event == b"audit_pruned"
        self.last, self.head, self.time = row.seq, row.hash, row.time
        self.rows[row.seq] = len(self.rows) + 1, row.hash.decode("ascii", "replace"), row.record
        if row.time.isdigit() and int(row.time) < 253402300800000:
            self.times[row.seq] = seconds(int(row.time))
        self.sound = self.sound and not problems
        return problems

    def start(self) -> str | None:
        """What proves it: "genesis", "marker", None; or "denied", where a marker contradicts it."""
        seq, previous = self.first.seq, self.first.previous
        if self.markers and (previous == GENESIS or seq <= self.markers[-1][1]):
            return "denied"
        marked = bool(self.markers) and self.markers[-1][3].encode() == previous
        return "genesis" if previous == GENESIS else "marker" if marked else None

    def up_to(self, last: int) -> tuple[int, int | None, str | None]:
        """Number of rows, and the number and hash of the last of them."""
        there = [last] if last in self.rows else [seq for seq in self.rows if seq <= last]
        return (self.rows[there[-1]][0], there[-1], self.rows[there[-1]][1]) if there else (0, None, None)

    def ends_as(self, known: Item) -> bool:
        ends = self.first.seq, self.last, len(self.rows), self.head.decode("ascii", "replace")
        return ends == tuple(known[name] for name in ("first_seq", "last_seq", "entries", "head"))

    def is_later(self, item: Item) -> bool:
        """Whether it begins, by its own time, after the checkpoint was made."""
        return self.first.time.isdigit() and seconds(int(self.first.time)) >= item["at"]

    def came_after(self, item: Item) -> bool:
        """Whether all of it came after what the checkpoint knew: by its number, or by its time."""
        known = item["tenants"][self.first.name]
        same = self.up_to(known["last_seq"])[2] == known["head"]
        same = same or self.first.hash == known["first_hash"].encode()
        return self.first.seq > known["last_seq"] or (not same and self.is_later(item))

    def knew(self, item: Item, every: Sequence[Item]) -> str | None:
        """What a checkpoint, one of `every` that knew the tenant, knew of it: what is another, or None."""
        known, after, newest = item["tenants"][self.first.name], item["after"], every[-1] is item
        first, last, entries = known["first_seq"], known["last_seq"], known["entries"]
        count, end, head = self.up_to(last)
        through = self.markers[-1][1] if self.start() == "marker" else 0
        told = [item for item in self.markers if item[0] <= last and item[1] >= first]
        for begin, to, _, hashed, cutoff in told:
            ends = (first, known["first_at"]), (last, known["head_at"])
            early = [at for n, at in ends if begin <= n <= to and at is not None and seconds(at) >= cutoff]
            if begin < first or early or (to == last and hashed != known["head"]):
                return f"what a prune marker tells of entries {begin} to {to}"
        starts = [one["tenants"][self.first.name]["first_seq"] for one in every if told]
        if told and told[0][0] != first and self.markers[-1][1] <= last and told[0][0] not in starts:
            return f"entry {told[0][0]}, from which on the first prune marker tells what was removed,"
        if told and told[0][0] == first and through and self.sound and (not count or head == known["head"]):
            most = count + sum(item[2] for item in told)
            if not most - min(told[-1][2], max(0, told[-1][1] - last)) <= entries <= most:
                return f"the number of entries up to {last} that prune markers tell of"
        if self.first.seq > last or (self.sound and self.came_after(item)):
            if newest and (through or len(self.rows) == self.told):
                ended = [item for item in told if item[1] == last]
                agree = ended and told[0][0] == first and sum(item[2] for item in told) == entries
                return None if agree else f"what became of all entries up to {last}"
            return None if self.first.previous != GENESIS else f"entry {last}"
        if through >= last:
            return None
        if end != last or head != known["head"]:
            return f"entry {last}"
        if self.first.seq < first or (self.first.seq > first and self.first.previous == GENESIS):
            return f"the first entry, {self.first.seq},"
        if self.first.seq == first and count != entries:
            return f"the number of entries up to {last}"
        if self.sound and (self.first.seq == first or self.first.seq <= after + 1):
            blocks: dict[int, hashlib._Hash] = {}
            for seq, (_, _, record) in self.rows.items():
                if seq <= last and (after == 0 or seq > after):
                    blocks.setdefault(seq // BLOCK, hashlib.sha256()).update(record)
            if sha("\n".join(block.hexdigest() for block in blocks.values()).encode()) != known["digest"]:
                return f"a number, a type or a boundary up to entry {last}"
        return None


def line_begins(checkpoints: Sequence[Item]) -> int:
    """With which checkpoint a person said last that what the file holds is right, or another database."""
    begin = "restore", "start-over", "anew", "another-database"
    return max((item["number"] for item in checkpoints if item["reason"] in begin), default=0)


def check_signatures(checkpoints: Sequence[Item], entry: int | None) -> Iterator[str]:
    before = {one["database"]: one["previous"] for one in checkpoints[:1] if entry}  # which alone proves it
    for item in checkpoints:
        what, body = f"checkpoint {item['number']}", canonical({**item, "signature": ""})
        if not signed(bytes.fromhex(item["key"]), body, bytes.fromhex(item["signature"])):
            yield f"{what} was changed after it was signed"
        if item["previous"] != before.get(item["database"]):
            yield f"{what} does not follow from the one before it"
        before[item["database"]] = sha(canonical(item))


def who_knew(line: Sequence[Item]) -> list[tuple[str, Item, Item, list[Item]]]:
    """Each tenant with each checkpoint that knew it, what that knew, and all those checkpoints."""
    every: dict[str, list[Item]] = {}
    for name, item in [(key, one) for one in line for key in one["tenants"]]:
        every.setdefault(name, []).append(item)
    return [(name, item, item["tenants"][name], those) for name, those in every.items() for item in those]


def check_against(line: Sequence[Item], chains: Chains, tenant: str | None) -> Iterator[str]:
    """What the checkpoints of a line knew, against all rows, or all of a tenant's."""
    for name, item, known, those in who_knew(line):
        if tenant in (None, name):
            there = name in chains
            other = chains[name].knew(item, those) if there else f"entry {known['last_seq']}"
            if other is not None:
                yield f"{other} of {name} is not the one that checkpoint {item['number']} knew"
    yield from check_moved(line, chains, tenant)


def check_moved(line: Sequence[Item], chains: Chains, tenant: str | None) -> Iterator[str]:
    """Chains that begin with what was another's, or were put among what was known."""
    owners: dict[str, list[str]] = {}  # who began with an entry
    starts: dict[str, set[int]] = {}  # and with which numbers
    for name, _, known, _ in who_knew(line):
        owners.setdefault(known["first_hash"], []).append(name)
        starts.setdefault(name, set()).add(known["first_seq"])
    firsts = {name: chain.first.hash.decode("ascii", "replace") for name, chain in chains.items()}
    for name, chain in chains.items():
        like = owners.get(firsts[name], [name])
        had = [other for other in like if tenant is None or chain.first.seq in starts.get(other, ())]
        if had and name not in like and firsts.get(had[0]) != firsts[name]:
            yield f"entry {chain.first.seq} of {name} is the one that {had[0]} began with"
        strange = line and name not in starts and chain.first.previous != GENESIS
        if strange and chain.first.seq <= line[-1]["through"] and not chain.is_later(line[-1]):
            yield f"entry {chain.first.seq} of {name} was put among entries known without it"


def check_part(
    line: Sequence[Item], chains: Chains, asked: tuple[int, int, str | None], links: Links
) -> tuple[list[str], list[str], list[str], bool]:
    """Of some rows: which last known ones are others, which chains begin otherwise or lack what the latest
    knew, which others went untold, if all end before one. Markers are believed as what was known bears out.
    """
    wrong: list[str] = []
    unproven: dict[str, str] = {}
    gone: dict[str, str] = {}
    ends, (low, high, tenant) = False, asked
    top = max((chain.last for chain in chains.values()), default=0)
    begun = {(name, known["first_hash"]) for name, _, known, _ in who_knew(line)}
    for name, item, known, those in who_knew(line):
        chain, seq, what = chains.get(name), known["last_seq"], f"checkpoint {item['number']} knew"
        for other in links.get(known["head"].encode(), set()) - {name}:
            if chains[other].rows.get(seq, (0, None))[1] == known["head"]:
                wrong.append(f"entry {seq} of {other} is the one that {name} had")
        otherwise = pruned = later = False
        if chain:
            is_known = (name, chain.first.hash.decode("ascii", "replace")) in begun
            otherwise = chain.first.previous == GENESIS and not is_known
            pruned, later = chain.start() == "marker", otherwise and chain.is_later(item)
            if otherwise:
                unproven[name] = f"{name} begins with entry {chain.first.seq}, and not as {what}"
            if pruned and seq > high and chain.markers[-1][1] >= known["first_seq"]:
                wrong.append(f"a prune marker of {name} tells of entries that {what} later")
        if not low <= seq <= high or tenant not in (None, name) or later:
            continue
        if chain and seq > top:
            ends = True
        elif chain and pruned and (different := chain.knew(item, those)):
            wrong.append(f"{different} of {name} is not the one that {what}")
        elif chain is None or chain.first.seq > seq:
            told = pruned or seq <= max(one["tenants"][name].get("pruned_through", 0) for one in those)
            where = {} if told else gone if item is not those[-1] else unproven
            where[name] = f"Entry {seq} of {name}, which {what}, is not there: why, this cannot know."
        elif chain.rows.get(seq, (0, None))[1] != known["head"]:
            wrong.append(f"entry {seq} of {name} is not the one that {what}")
    return wrong, [*unproven.values()], [*gone.values()], ends


def is_nobodys(chain: Chain, chains: Chains, tenants: set[str]) -> bool:
    """Whether none of `tenants` had the entry before; who has the first, too, and went on later, had both."""
    first = chain.first
    for rows in [chains[name].rows for name in tenants - {first.name}]:
        same = [seq for seq, row in rows.items() if row[1].encode() == first.hash]
        gone_on = same and (same[0] < seq < first.seq for seq in rows)
        if not same or any(gone_on) or any(first.seq < seq < same[0] for seq in chain.rows):
            return False
    return all(row[1].encode() != first.previous for row in chain.rows.values())


def check_starts(
    line: Sequence[Item], chains: Chains, anchors: Mapping[str, str | None], links: Links
) -> tuple[list[str], list[str]]:
    """What is wrong with starts, and what is only unproven; one that was accepted has to be signed since.

    `links` are the tenants of each hash, and of what each row continues.
    """
    wrong, unproven = [], []
    for name, chain in chains.items():
        seq = chain.first.seq
        knew = [item["tenants"][name]["first_seq"] for item in line if name in item["tenants"]]
        if chain.start() == "denied":
            wrong.append(f"a prune marker of {name} denies its start with entry {seq}")
        elif chain.start() is None and not is_nobodys(chain, chains, links[chain.first.previous]):
            wrong.append(f"entry {seq} of {name} continues an entry that is another's, or comes later")
        elif chain.start() is None and (anchors.get(name) != f"adopted:{seq}" or knew[-1:] != [seq]):
            unproven.append(f"nothing proves what came before entry {seq} of {name}")
    return wrong, unproven


def is_exactly(item: Item, chains: Chains, tenant: str | None) -> bool:
    tenants = {name: known for name, known in item["tenants"].items() if tenant in (None, name)}
    return tenants.keys() == chains.keys() and not (
        [name for name, known in tenants.items() if not chains[name].ends_as(known)]
        or [*check_against([item], chains, tenant)]
    )


def gone_of(here: Chain | None, name: str, item: Item, end: int) -> int | None:
    """How many entries a later checkpoint knew behind the end; None where anything up to it is another."""
    knows = item["tenants"][name]
    first, last = knows["first_seq"], knows["last_seq"]
    if first > end:
        return int(knows["entries"]) if not here or knows["pruned_through"] >= here.last else None
    if here is None or here.rows.get(first, (0, ""))[1] != knows["first_hash"]:
        return None
    told_more = here.markers and here.markers[-1][1] > knows["pruned_through"]
    if last > end:
        gone = int(knows["entries"]) - (len(here.rows) - here.rows[first][0] + 1)
        return gone if gone > 0 and not told_more else None
    other = (
        here.knew(item, [item])
        if here.first.seq == first
        else here.rows.get(last, (0, ""))[1] != knows["head"]
    )
    return None if told_more or other or here.last > last else 0


class Ends:
    """Where all rows, or all of a tenant's, end: at `end`, and by checkpoint and tenant at its `own` last
    one, where what that knew is numbered apart: all that came since the checkpoint before follows on one
    another, below what somebody had by then.
    """

    def __init__(self, line: Sequence[Item], chains: Chains, tenant: str | None) -> None:
        self.end, self.tenant = max((chain.last for chain in chains.values()), default=0), tenant
        self.own: dict[tuple[int, str], int] = {}
        for count, item in enumerate([] if tenant is not None else line[1:]):
            before = line[count]
            highest = max((known["last_seq"] for known in before["tenants"].values()), default=-(2**63))
            for name, knows in item["tenants"].items():
                was, last = before["tenants"].get(name), knows["last_seq"]
                numbers, entries = last - knows["first_seq"] + 1, knows["entries"]
                if was and was["first_seq"] == knows["first_seq"]:
                    numbers, entries = last - was["last_seq"], entries - was["entries"]
                is_apart = last < highest and entries == numbers
                if was and was["last_seq"] >= last:
                    is_apart = was["last_seq"] == last and (before["number"], name) in self.own
                if is_apart:
                    self.own[item["number"], name] = chains[name].last if name in chains else -(2**63)
        for name, item, knows, _ in who_knew(line):
            if knows["last_seq"] > self.end:
                self.own.pop((item["number"], name), None)

    def of(self, item: Item, name: str) -> int:
        return self.own.get((item["number"], name), self.end)

    def are_before(self, item: Item) -> bool:
        """Whether the checkpoint knew more."""
        names = [name for name in item["tenants"] if self.tenant in (None, name)]
        more = any(item["tenants"][name]["last_seq"] > self.of(item, name) for name in names)
        return more or not (item["tenants"] or self.tenant is not None or item["through"] <= self.end)


def is_newer(chains: Chains, before: Sequence[Item], item: Item, ends: Ends) -> bool:
    """Whether what those before did not know was made, by its time, after the later checkpoint, which did not
    know it either, or after another's entry that is gone, whose number does not say when it came.
    """
    heads = [known["head_at"] for known in item["tenants"].values() if known["head_at"] is not None]
    ahead = max([60, *(seconds(at) - item["at"] for at in heads)])  # a writer's clock, as it knew itself
    gone: list[tuple[str, int]] = []
    for name, knows in item["tenants"].items():
        own = ends.own.get((item["number"], name))
        if own is not None and knows["last_seq"] > own:
            at = knows["head_at"] if knows["first_seq"] <= own else knows["first_at"]
            gone += [(name, seconds(at))] if at is not None else []
    for name, chain in chains.items():
        knew = [one for one in before if name in one["tenants"]]
        newest = max(knew, key=lambda one: int(one["tenants"][name]["last_seq"]), default=None)
        through = newest["tenants"][name]["last_seq"] if newest and not chain.came_after(newest) else -(2**63)
        at = max((at for seq, at in chain.times.items() if seq > through), default=-(2**63))
        ends_before = name in item["tenants"] and item["tenants"][name]["last_seq"] <= ends.of(item, name)
        if at > item["at"] + ahead and not ends_before:
            return True
        if any(at > first + ahead for other, first in gone if other != name):
            return True
    return False


def is_older(chains: Chains, before: Sequence[Item], item: Item, ends: Ends) -> bool:
    """Whether a later checkpoint denies only that the rows, which those before bear out, go on."""
    known = [name for one in (*before, item) for name in one["tenants"]]
    if chains.keys() - known or is_newer(chains, before, item, ends):
        return False
    behind: list[Point] = []  # up to which number how many of those that are gone had theirs
    for name, knows in item["tenants"].items():
        end, last = ends.of(item, name), knows["last_seq"]
        alone = ends.tenant not in (None, name) and knows["first_seq"] <= end  # of others one at least
        gone = int(last > end) if alone else gone_of(chains.get(name), name, item, end)
        if gone is None:
            return False
        began = knows["first_seq"] > end
        if (item["number"], name) in ends.own:  # all of its own numbers from there on, which nobody has
            after = max(end, knows["first_seq"] - 1)
            taken = any(after < seq <= last for chain in chains.values() for seq in chain.rows)
            if gone and (gone != last - after or taken):
                return False
            continue
        behind += [(knows["first_seq"], 1)] * began + [(last, gone - began)] * (gone > 0)
    count = 0
    for seq, gone in sorted(behind):
        count += gone
        if count > seq - ends.end:
            return False
    return True


def lies_between(line: Sequence[Item], chains: Chains, tenant: str | None) -> tuple[Item, Item] | None:
    """The checkpoints between which all rows, or all of a tenant's, end, where nothing contradicts that."""
    ends, count = Ends(line, chains, tenant), len(line)
    while count and ends.are_before(line[count - 1]):
        count -= 1
    before, later = line[:count], line[count:]
    if not (before and later and before[-1]["tenants"]) or [*check_against(before, chains, tenant)]:
        return None
    older = all(is_older(chains, before, item, ends) for item in later)
    return (before[-1], later[0]) if older and not [*check_moved(line, chains, tenant)] else None


def is_covered(latest: Item, chains: Chains) -> bool:
    """Whether the checkpoint knew all but the last rows of every tenant that it knows, and one at least."""
    known = [(chains[name], item["last_seq"]) for name, item in latest["tenants"].items() if name in chains]
    return bool(known or not chains) and all(
        not chain.came_after(latest) or [item[1] for item in chain.markers][-1:] == [last]
        for chain, last in known
    )


def check_beside(folder: Path) -> tuple[list[str], list[str]]:
    """Which files of a tenant's export around the bundle its manifest denies, and what is said of them."""
    try:
        told = json.loads((folder / "manifest.json").read_bytes())
        sums = dict(told["sha256"]) if told["format"].startswith("tenant-admin tenant ") else {}
    except (OSError, LookupError, TypeError, ValueError, AttributeError):
        return [], []
    every = (file for file in (folder.rglob("*") if sums else ()) if file.is_file())
    found = {file.relative_to(folder).as_posix(): file for file in every}
    wrong = [name for name in sums if name not in found or sha(found[name].read_bytes()) != sums[name]]
    said = [f"Beside it, {name!a} is not what the export's manifest tells of." for name in wrong]
    held = f"The {len(sums)} files of the export are as its manifest tells, which nobody has signed."
    return wrong, said or [held] * bool(sums)


def main(folder: Path, keys: Sequence[str] = ()) -> int:
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    manifest, report = json.loads(files["manifest.json"]), json.loads(files["findings.json"])
    checkpoints, says = json.loads(files["checkpoints.json"])["checkpoints"], report["verdict"]
    copies = json.loads(files.get("copies.json", b'{"checkpoints":[]}'))["checkpoints"]
    sums = {name: sha(data) for name, data in files.items() if name != "manifest.json"}.items()
    wrong = sorted(dict(sums ^ manifest["sha256"].items()))
    problems = [f"{name} is not the file that was written" for name in wrong]
    problems += [f"manifest.json says {manifest['verdict']}"] if manifest["verdict"] != says else []
    begins, tenant, entry = line_begins(checkpoints), manifest["tenant"], manifest.get("entry")
    line = [item for item in checkpoints if item["number"] >= begins]
    low, high = manifest["seqFrom"], manifest["seqTo"]
    whole, count = low is None and high is None, 0
    chains: Chains = {}
    links: Links = {}
    gone: list[str] = []
    low, high = -(2**63) if low is None else low, 2**63 - 1 if high is None else high
    for text in files["rows.jsonl"].splitlines():
        row, count = Row(json.loads(text, object_pairs_hook=once)), count + 1
        problems += chains.setdefault(row.name, Chain(row)).take(row)
        for hashed in (row.hash, row.previous):
            links.setdefault(hashed, set()).add(row.name)
        if not low <= row.seq <= high or tenant not in (None, row.name):
            problems.append(f"entry {row.seq} of {row.name} is none of those that were verified")
    if not count == manifest["entries"] == report["entries"]:
        problems.append(f"{report['entries']} entries were verified, {count} are here")
    anchors = {item["tenant"]: item["anchor"] for item in report["tenants"]}
    denied, unproven = check_starts(line, chains if manifest["seqFrom"] is None else {}, anchors, links)
    problems += [*denied, *check_signatures([*copies, *checkpoints], entry)]
    if len({item["database"] for item in checkpoints}) > 1:
        problems.append("checkpoints.json has checkpoints of several databases")
    every = [*copies, *checkpoints] if whole and not problems else []
    exactly = (one for one in every if is_exactly(one, chains, tenant))
    exact = [f"{one['number']}{' of a copy' * (one in copies)}" for one in exactly]
    earlier = bool(exact) and exact[-1] != str(every[-1]["number"])
    between = lies_between(line, chains, tenant) if whole and not problems and not exact else None
    earlier = earlier or between is not None
    if whole and not earlier:
        problems += check_against(line, chains, tenant)
    elif not whole:
        found, others, gone, earlier = check_part(line, chains, (low, high, tenant), links)
        problems, unproven = problems + found, others  # what proves a start may lie behind them
    held = whole and line and not problems and is_covered(line[-1], chains)
    worse = "TAMPERED" if problems else "EARLIER" if earlier else "UNPROVEN_START" if unproven else None
    verdict = worse or ("VERIFIED" if held else "CONSISTENT")
    sound, asked = ("VERIFIED", "CONSISTENT"), report.get("undecided", False)
    holds = not asked and (says == verdict in sound or (says, verdict) == ("CONSISTENT", "VERIFIED"))
    known = bool(line) and line[-1]["key"] in keys  # it signed all the others, too, by their hashes
    wrong, beside = check_beside(folder.resolve().parent)
    holds = holds and (known or not keys)
    order = "VERIFIED", "CONSISTENT", "UNPROVEN_START", "EARLIER", "TAMPERED", "UNREADABLE"
    worse_is_said = says not in sound and order.index(says) > order.index(verdict)
    outside = worse_is_said and not (whole and tenant is None)
    said = [f"{count} entries, {len(checkpoints)} checkpoints: {len(problems) or 'no'} problems"]
    said += [ascii(problem)[1:-1] for problem in [*problems, *unproven][:1000]]
    said += [*beside[:1000]]
    if lost := report.get("lostEnd"):
        through, there = lost["verifiedThrough"], lost["endsAt"]
        said.append(f"Its end is lost: it was verified through entry {through}, and ends at entry {there}.")
    if earlier:
        what = f"are those that checkpoint {exact[-1]} knew" if exact else "end before what a checkpoint knew"
        if between:
            what = f"end between checkpoint {between[0]['number']} and checkpoint {between[1]['number']}"
        said.append(f"The entries {what}; others knew more since.")
    strange = ", signed with a key that is not known here" * (bool(line) and not known and not worse)
    shown = "CONSISTENT" if held and strange else verdict
    said.append(f"By this bundle alone: {shown}{strange}.")
    if keys and not known:
        said.append(f"No checkpoint that counts here is signed with {' or '.join(map(ascii, keys))}.")
    agreed = "it holds" if holds else "that is so" if says == shown else "it does not hold"
    agreed = "nothing denies it" if holds and says == verdict != shown else agreed
    agreed = "what else it goes by is not here" if outside or (holds and gone) else agreed
    said += [f"The report says {says}; by this bundle alone, {agreed}.", *gone[:1000]]
    said += ["Which database this is, a person has to say first."] if asked else []
    if entry is not None:
        rows, at = chains[tenant].rows, line[0]["tenants"][tenant]
        there = entry in rows and rows.get(at["last_seq"], (0, ""))[1] == at["head"]
        holds = holds and there and entry <= at["last_seq"]
        said.append(
            f"Entry {entry} of {tenant!a} is {'not ' * (not holds)}proven, its number apart{strange}."
        )
    for key in sorted({item["key"] for item in [*copies, *checkpoints]}):
        whose = "that it was not stolen" if key in keys else "whose that is, and that it was not stolen"
        said.append(f"Signed with key {key}: {whose}, this cannot know.")
    if holds and not known:
        again = "sign all of it again" if line else "have written all of it: no checkpoint counts here"
        said.append(f"Nobody vouches for it (exit code {2 if gone else 3}): anybody can {again}.")
        if line:
            said.append("Where you know the signer's key from elsewhere: verify_bundle.py --key FINGERPRINT")
    ended = {item["key"] for item in checkpoints if item["number"] < begins} - {item["key"] for item in line}
    for key in sorted(ended):
        said.append(f"By checkpoint {begins} another key starts over: what key {key} signed was not asked.")
    if checkpoints:
        said.append(f"Whether any came after checkpoint {checkpoints[-1]['number']}, this cannot know.")
    if new := chains.keys() - (line[-1]["tenants"].keys() if line else ()):
        said.append(f"No checkpoint knows {len(new)} of {len(chains)} chains: if made up, this cannot know.")
    if any((anchor or "").startswith("adopted:") for anchor in anchors.values()):
        said.append("Some starts were accepted by a person; what came before them, this cannot know.")
    if not whole or tenant is not None:
        said.append("These are some of the entries; what lies outside of them, this cannot know.")
    sys.stdout.write("\n".join([*said, ""]))
    return 1 if wrong or lost or not holds else 2 if gone else 0 if known else 3


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        sys.exit(sys.stdout.write(f"{__doc__}\n") and 0)
    try:
        given = list(enumerate(sys.argv))[1:]
        marks = [place for place, text in given if text == "--key"]
        if marks and marks[-1] == len(sys.argv) - 1:
            sys.exit("--key names a fingerprint: 64 hex digits, as the signer told you.")
        keys = [sys.argv[place + 1].lower() for place in marks]
        rest = [text for place, text in given if place not in marks and place - 1 not in marks]
        folder = Path(rest[0]) if rest else Path(__file__).parent
        found = [one for one in (folder, folder / "chain") if (one / "rows.jsonl").is_file()]
        none = f"This cannot be checked: {str(folder)!a} is no bundle's folder."
        sys.exit(main(found[0], keys) if found else none)
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        sys.exit(f"This cannot be checked, because it was changed or is no bundle: {error!r}")
