"""Renders `resources/icons/tenant-admin.svg` to the sizes and containers that desktops ask for.

Run `python resources/packaging/render_icons.py` after changing the SVG, and commit what it writes.
"""

import struct
import sys
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

ICONS = Path(__file__).parents[1] / "icons"
PNG_SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
ICO_SIZES = (16, 24, 32, 48, 64, 128, 256)
ICNS_TYPES = {"icp4": 16, "icp5": 32, "icp6": 64, "ic07": 128, "ic08": 256, "ic09": 512}


def png(renderer: QSvgRenderer, size: int) -> bytes:
    image = QImage(size, size, QImage.Format.Format_ARGB32)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]  # bytes, as the stubs say, it does not take
    return bytes(data.data())


def ico(images: dict[int, bytes]) -> bytes:
    """Windows: a directory of PNG images; a side of 256 is written as 0."""
    offset = 6 + 16 * len(images)
    directory, body = b"", b""
    for size, data in images.items():
        directory += struct.pack(
            "<BBBBHHII", size % 256, size % 256, 0, 0, 1, 32, len(data), offset + len(body)
        )
        body += data
    return struct.pack("<HHH", 0, 1, len(images)) + directory + body


def icns(images: dict[int, bytes]) -> bytes:
    """macOS: typed blocks, each with its length, all in one."""
    body = b"".join(
        kind.encode() + struct.pack(">I", len(images[size]) + 8) + images[size]
        for kind, size in ICNS_TYPES.items()
    )
    return b"icns" + struct.pack(">I", len(body) + 8) + body


def main() -> None:
    application = QGuiApplication(sys.argv)
    renderer = QSvgRenderer(str(ICONS / "tenant-admin.svg"))
    images = {size: png(renderer, size) for size in PNG_SIZES}
    for size, data in images.items():
        (ICONS / f"tenant-admin-{size}.png").write_bytes(data)
    (ICONS / "tenant-admin.ico").write_bytes(ico({size: images[size] for size in ICO_SIZES}))
    (ICONS / "tenant-admin.icns").write_bytes(icns(images))
    application.quit()


if __name__ == "__main__":
    main()
