"""The one door to data: a set by its name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Optional

from mia_dual.config import Config
from mia_dual.data import digits, keel, purchases
from mia_dual.data.catalog import PUBLISHED
from mia_dual.data.dataset import Dataset
from mia_dual.data.files import data_folders
from mia_dual.data.flags import load_members
from mia_dual.data.npz import load_npz
from mia_dual.data.outputs import OUTPUTS
from mia_dual.data.prepared import Reading, prepared
from mia_dual.data.published import made_from, read_published
from mia_dual.errors import DataError
from mia_dual.progress import Progress, Silent

DATASETS = ("digits", "purchases", *keel.KEEL, *PUBLISHED, "npz")


def load_dataset(
    name: str,
    *,
    data_dir: Optional[Path] = None,
    file: Optional[Path] = None,
    members: bool = False,
    classes: Optional[int] = None,
    records: Optional[int] = None,
    progress: Optional[Progress] = None,
    download: bool = True,
) -> Dataset:
    """Load ``digits``, ``purchases``, a set of KEEL's, a published one, or the user's ``npz``.

    ``file`` is that of ``npz``, and ``members`` has it read who a target was trained on, too;
    ``classes`` and ``records`` are those of ``purchases``. A published set is looked for in
    ``data_dir``, then in the usual places, and where it is nowhere it is downloaded, or refused
    without ``download``. After the first
    reading its arrays are kept under the data folder, and from then on they are mapped into
    memory, read-only. Raises DataError naming the set or file and what would do.
    """
    if name == "npz":
        if file is None:
            raise DataError("data 'npz' needs its file: name it with data.file")
        dataset = load_npz(file)
        if not members:
            return dataset
        test = len(dataset.labels) - dataset.training
        return replace(dataset, member=load_members(file, dataset.training, test))
    if name == OUTPUTS:
        raise DataError(
            "data 'outputs' are no records: audit them by `mia-dual attack --outputs FILE.npz`"
        )
    folders = data_folders(data_dir)
    if name == "digits":
        return prepared(name, folders, digits.made_from, digits.read_digits)
    if name == "purchases":
        wanted = classes or purchases.CLASSES, records or purchases.RECORDS
        return prepared(
            f"purchases-{wanted[0]}-{wanted[1]}",
            folders,
            lambda: purchases.made_from(*wanted),
            lambda: purchases.read_purchases(*wanted),
        )
    if name in keel.KEEL:
        table = keel.KEEL[name]
        return prepared(name, folders, keel.made_from, lambda: keel.read_keel(table))
    if name not in PUBLISHED:
        raise DataError(f"no data set '{name}': choose one of {', '.join(DATASETS)}")
    entry, shown = PUBLISHED[name], progress or Silent()

    def read() -> Reading:
        if not download and made_from(entry, folders) is None:
            raise DataError(f"data '{name}' is not on this machine, and is not downloaded for this")
        return read_published(entry, folders, shown)

    return prepared(
        name,
        folders,
        lambda: made_from(entry, folders),
        read,
    )


def dataset_of(
    config: Config,
    *,
    data_dir: Optional[Path] = None,
    progress: Optional[Progress] = None,
    download: bool = True,
) -> Dataset:
    """The data set that ``config`` is about, as :func:`load_dataset` reads it."""
    wanted = config.data
    return load_dataset(
        wanted.name,
        data_dir=data_dir,
        file=wanted.file,
        members=config.target.weights is not None,
        classes=wanted.classes,
        records=wanted.records,
        progress=progress,
        download=download,
    )
