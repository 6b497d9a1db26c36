"""The folder of a file, shown by the desktop's own program; or said, where there is none."""

from pathlib import Path
from typing import Final

NO_PROGRAM: Final = "No program could be started that shows folders."
"""As on a server; what comes behind it says where the file is."""


def show_folder(path: Path) -> bool:
    """Starts the desktop's own program on the folder of a file; whether there is one."""
    from PySide6.QtCore import QUrl  # noqa: PLC0415
    from PySide6.QtGui import QDesktopServices  # noqa: PLC0415

    return QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.absolute().parent)))
