"""Verification of the audit chain (app/services/chain/README.md, How a file is scanned).

Nothing here makes a process or a thread, and what scanning processes import (follow, scan, source)
stays small: no Peewee, no dataclasses.
"""
