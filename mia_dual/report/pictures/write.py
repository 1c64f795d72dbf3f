"""Pictures as files of a run: what is drawn as CSV, and the picture as PNG and SVG."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mia_dual.optional import optional
from mia_dual.report.pictures.picture import LIGHT, Picture, Words
from mia_dual.report.rows_as_csv import rows_as_csv
from mia_dual.store.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOLDER = "report"
"""Of a run folder, where its pictures lie."""

DOTS = 200
"""An inch of a PNG: sharp on paper, and on screens with two dots a pixel."""


def write_numbers(pictures: Sequence[Picture], folder: Path) -> None:
    """Write what each picture draws as ``<name>.csv`` into ``folder``.

    Raises OSError where a file cannot be written.
    """
    for picture in pictures:
        write_atomically(folder / f"{picture.name}.csv", _numbers(picture))


def write_pictures(pictures: Sequence[Picture], folder: Path, words: Words) -> list[Path]:
    """Write ``<name>.csv``, ``.png`` and ``.svg`` of each picture, in light colours, into
    ``folder``; gives the files.

    The same pictures give the same bytes. Raises OSError where a file cannot be written, and
    MissingPackageError where Matplotlib is not installed.
    """
    files = []
    for picture in pictures:
        figure = picture.draw(LIGHT, words)
        for ending, content in (
            ("csv", _numbers(picture)),
            ("png", as_png(figure)),
            ("svg", as_svg(figure)),
        ):
            files.append(folder / f"{picture.name}.{ending}")
            write_atomically(files[-1], content)
    return files


def _numbers(picture: Picture) -> bytes:
    return rows_as_csv(picture.rows).encode()


def as_png(figure: Figure) -> bytes:
    """``figure`` in pixels, without a date."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=DOTS, metadata={"Software": None})
    return stream.getvalue()


def as_svg(figure: Figure) -> bytes:
    """``figure`` in lines, letters included, so that no font is needed; without a date."""
    matplotlib = optional("matplotlib", "pictures")
    stream = io.BytesIO()
    with matplotlib.rc_context({"svg.fonttype": "path", "svg.hashsalt": "mia-dual"}):
        figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()
