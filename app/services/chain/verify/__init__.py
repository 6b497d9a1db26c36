"""Verification of the audit chain (app/services/chain/README.md, How a file is scanned).

    verification.py   verify(): opens the file, cuts it into ranges, hands them to an executor
    source.py         how the file is opened, without writing anything, and read behind damage
    extent.py         what there is to verify, as far as the file tells
    scan.py           one range of rows streamed
    follow.py         the chain of each tenant from row to row, and the quick check of a row in order
    join.py           the ranges joined into chains
    trace.py          what a broken link, or a start that nothing proves, really is
    comparison.py     what checkpoints know, held against the chains
    conclude.py       counters, indexes and verdicts: the Report
    report.py         Finding, TenantReport, Report: what a verification says

Nothing here makes a process or a thread, and what scanning processes import (follow, scan, source)
stays small: no Peewee, no dataclasses.
"""
