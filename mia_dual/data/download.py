"""Downloads by https that go on after a cut, are checked, and appear whole or not at all."""

from __future__ import annotations

import http.client
import os
from pathlib import Path
from typing import IO, Optional
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from mia_dual.data.catalog import Source
from mia_dual.errors import DownloadError
from mia_dual.progress import Progress
from mia_dual.quoting import quoted
from mia_dual.store.files import checksum_of

CHUNK = 1 << 18
TIMEOUT = 30
"""Seconds without a byte before a mirror is given up."""


class OnlyHttps(HTTPRedirectHandler):
    """Follows no redirect that leads away from https."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> Optional[Request]:
        """The request that follows; raises URLError where it would not be https."""
        if not _is_https(newurl):
            raise URLError(f"it leads to {quoted(newurl)}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(source: Source, folder: Path, progress: Progress) -> Path:
    """Fetch ``source`` into ``folder`` from the first address that gives it; return the file.

    What a cut download left (``.part``) is gone on with. Raises DownloadError naming what every
    address said, or a checksum that is wrong.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / source.name
    partial = folder / f"{source.name}.part"
    failures = []
    for url in source.urls:
        try:
            _fetch(url, partial, progress)
        except (OSError, URLError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            failures.append(f"{url} ({' '.join(str(reason).split())})")
            continue
        if checksum_of(partial) != source.sha256:
            partial.unlink()
            failures.append(f"{url} (its checksum is wrong)")
            continue
        os.replace(partial, file)
        return file
    raise DownloadError(f"'{source.name}' could not be downloaded from {', '.join(failures)}")


def _is_https(url: str) -> bool:
    return urlsplit(url).scheme == "https"


def _fetch(url: str, partial: Path, progress: Progress) -> None:
    if not _is_https(url):
        raise URLError("it is not https")
    have = partial.stat().st_size if partial.exists() else 0
    request = Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        answer = build_opener(OnlyHttps).open(request, timeout=TIMEOUT)
    except HTTPError as error:
        if have and error.code == http.client.REQUESTED_RANGE_NOT_SATISFIABLE:
            # Everything is here already, or more than there is: the checksum will tell.
            return
        raise
    with answer:
        goes_on = answer.status == http.client.PARTIAL_CONTENT
        start = have if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length else 0
        with (
            partial.open("ab" if goes_on else "wb") as stream,
            progress.stage(f"download {url.rpartition('/')[2]}", total, start) as advance,
        ):
            for chunk in iter(lambda: answer.read(CHUNK), b""):
                stream.write(chunk)
                advance(len(chunk))
        if total and partial.stat().st_size < total:
            raise OSError("the connection was cut")
