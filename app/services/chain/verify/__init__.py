"""Verification of the audit chain: what is checked, what is found and what it means.

    codes.py     the codes of findings and the verdicts
    report.py    Finding, TenantReport, Report (with `to_json()`): what a verification says
    entry.py     one row judged by itself, on its bytes
    extent.py    what there is to verify, as far as the file tells
    scan.py      one range of rows streamed: the quick check of every row, the slow one of those that fail it
    quick.py     the quick check
    rows.py      rows read one by one, and where the table can be read again behind damage
    follow.py    the chain of each tenant followed from row to row, and what was found
    join.py      the ranges joined into chains
    trace.py     what a broken link really is: FORK, DUPLICATE, RESTART, ORDER, CROSS_TENANT or LINK
    conclude.py  starts, counters and verdicts: the Report
    source.py    how the file is opened for reading, without writing anything
    inspect.py   one row for the inspector

The entry point is `app.workers.scan_pool.verify`, which runs `scan` in child processes. Nothing here makes
a process or a thread, and what the children import (codes, entry, follow, quick, rows, scan, source) stays
small: no Peewee, no dataclasses.

A damaged file is read as far as it can be. Each stretch of seqs that cannot be read is a finding UNREADABLE
and the verdict; links across it are not judged, everything else is, so an edit elsewhere still shows.

The rules are those of `integrity.md`. Severity: TIME is a warning and never turns a verdict; UNPROVEN_START
says only that nothing proves the start; every other code is an error and makes the tenant TAMPERED, or
UNREADABLE where rows could not be read.
"""
