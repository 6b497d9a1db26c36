"""Appends and makes checkpoints for ever, and is killed at any moment.

    python -m tests.app.services.chain.checkpoints.killed FILE HOME ROUNDS SEED

Prints the number of the last checkpoint that was acknowledged.
"""

import os
import random
import signal
import sys
from pathlib import Path
from typing import NoReturn

from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InFile
from app.workers.scan_pool import verify
from tests.app.services.chain.verify.chains import ChainFile
from tests.conftest import NOW


def make_for_ever(path: Path, home: Path, acknowledge: int) -> NoReturn:
    chain, store = ChainFile(path), CheckpointStore(home)
    while True:
        chain.append("tenant-00")
        report = verify(
            InFile(path), now=NOW, take_part=True, checkpoints=store.known(InFile(path)), seal=True
        )
        number = store.create(InFile(path), report, now=NOW, reason=Reason.VERIFY).number
        os.write(acknowledge, f"{number}\n".encode())


def main(path: Path, home: Path, rounds: int, seed: int) -> None:
    rng = random.Random(seed)
    last = "0"
    for _ in range(rounds):
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            make_for_ever(path, home, writer)
        os.close(writer)
        for _ in range(rng.randint(1, 3)):
            last = os.read(reader, 4096).decode().split()[-1]
        signal.setitimer(signal.ITIMER_REAL, rng.uniform(0.000_1, 0.02))
        signal.sigwait([signal.SIGALRM])
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        last = [last, *os.read(reader, 1 << 16).decode().split()][-1]
        os.close(reader)
    print(last)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
