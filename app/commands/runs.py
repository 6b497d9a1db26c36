"""`tenant-admin runs`: a planning run as a document."""

import argparse
from pathlib import Path

from app.commands import common
from app.services.runs.run_dossier import DossierForm
from models.errors import InvalidInput
from models.progress import Monitor

_FORMS = {".html": DossierForm.HTML, ".htm": DossierForm.HTML, ".md": DossierForm.MARKDOWN}


def runs_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="dossier")
    dossier = actions.add_parser("dossier", help="write all that is stored of one as a document")
    dossier.add_argument("file", type=Path)
    dossier.add_argument("run_id", metavar="RUN")
    dossier.add_argument("out", type=Path, help="NAME.html or NAME.md; what is there is replaced")
    dossier.add_argument("--all-versions", action="store_true", help="of each phase, not the newest alone")


def runs(options: argparse.Namespace) -> int:
    """Write all that is stored of a planning run as one HTML or Markdown file."""
    from app.workers.export import save_dossier  # noqa: PLC0415

    form = _FORMS.get(options.out.suffix.lower())
    if form is None:
        raise InvalidInput(
            "out", f"{options.out.name} ends neither in .html nor in .md; nothing was written."
        )
    given = common.opened(options.file, read_only=True)
    with common.asked_to_stop() as cancelled:
        size = save_dossier(
            given,
            options.run_id,
            options.out,
            form,
            every=options.all_versions,
            now=common.clock(),
            monitor=Monitor(cancelled=cancelled),
        )
    common.say(f"{options.out}: {size:,} bytes")
    common.say_used(given.database.usage)
    return common.EXIT_INTACT
