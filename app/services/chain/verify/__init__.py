"""Verification of the audit chain (app/services/chain/README.md, How a file is scanned).

    verification.py   verify(): opens the file, cuts it into ranges, hands them to an executor
    source.py         how the file is opened, without writing anything, and read behind damage
    extent.py         what there is to verify, as far as the file tells, and whether it was found
    scan.py           one range of rows streamed
    follow.py         the chain of each tenant from row to row, and the quick check of a row in order
    join.py           the ranges joined into chains, and what the next checkpoint takes in of them
    comparison.py     what checkpoints know, held against the chains
    conclude.py       what broken links and starts really are, and the verdicts: the Report
    report.py         CheckpointHistory, Report, Seal: what a verification is told, and what it says

Nothing here makes a process or a thread, and what scanning processes import (follow, scan, source)
stays small: no Peewee, no dataclasses.
"""
