"""The retention archive: what retention removes from the audit chain, kept in files, and proven with it.

    files.py      one archive file: written before its entries are removed, read back and judged
    following.py  the markers followed from the file through its archives, back to genesis

An archive is `audit-<tenant>-<from>-<to>.jsonl.gz`: one JSON object for each entry, all columns as they were
stored. It is complete and on the disk before the first transaction that refers to it commits; the prune
marker of that transaction says its name and SHA-256 in an extra key, `"archive":{"file","sha256"}`. A run
writes one archive for each tenant and may remove it in several transactions, so a marker claims its own
`fromSeq … toSeq` of the archive. Entries of an archive that no marker claims are harmless: a run that ended
early has left them in the database, and the next run archives them again.
See `app/services/chain/README.md`.
"""
