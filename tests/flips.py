"""Bits flipped in the files of a finished run, and what they may lead to.

What a file kind is here: ``object model`` and the like are the store's, ``entry`` and
``references`` what the store says of them; all others are files of the run folder by name.
"""

import shutil

from mia_dual.config import Config
from mia_dual.errors import MiaDualError
from mia_dual.progress import Silent
from mia_dual.store.files import link_or_copy
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from mia_dual.walks.verify import verify_run
from tests.numpy_backend import NumpyEngine
from tests.pipeline.deleted_run import SETTINGS

CHECKSUMMED = ("object answers", "object model", "object moments", "object scores", "entry")
"""Covered by a checksum, so that no flip can hide from ``store verify`` or a run that needs it."""

DERIVED = ("cost.json", "environment.json", "forgetting.npz", "plan.json", "plan.npz",
           "results.json", "roc.npz", "scores.npz")  # fmt: skip
"""Written anew, to the byte, by each run: findings, with no checksum of their own but that of a
zip's members. Of these, a deletion believes none but what the run it does first has written anew.
"""

INPUTS = ("certificate.json", "certificate.sig", "config.yaml", "ledger.jsonl")
"""What nothing here can make again: each flip that changes a meaning is refused by whoever reads
the file, and the user puts it back.
"""

LINES = ("index.jsonl", "references")
"""Of the first a damaged line does not count, by its checksum. The second is written anew by the
next run of its folder, and until then may cost objects that have to be made again.
"""


class FlippedRun:
    """A copy of the run in ``source``, at ``place``, that is whole again after each ``reset``."""

    def __init__(self, source, place, dataset, settings=SETTINGS):
        self._clean, self._dataset = place / "clean", dataset
        self._work = place / "work"
        self.run, self.store = self._work / "run", self._work / "store"
        self._config = Config.model_validate(settings)
        shutil.copytree(source, self.run)
        shutil.copytree(source.parent / f"store-{source.name}", self.store)
        # So that references are of where it lies now, and links are links.
        self.go_on()
        self._copy(self._work, self._clean)
        self.results = (self.run / "results.json").read_bytes()
        self.kinds = {}
        for entry in Store(self.store):
            file = Store(self.store).file(entry)
            self.kinds.setdefault(f"object {entry.kind}", []).append(file)
            self.kinds.setdefault("entry", []).append(file.with_suffix(".entry"))
        self.kinds["references"] = list(self.store.glob("references/*.txt"))
        for name in (*DERIVED, *INPUTS, "index.jsonl"):
            if (self.run / name).is_file():
                self.kinds[name] = [self.run / name]

    def reset(self):
        """All as it was before anything was flipped."""
        shutil.rmtree(self._work)
        self._copy(self._clean, self._work)

    def flip(self, kind, rng):
        """Flip a bit of a file of ``kind``, or cut its end off; says which, and what it was."""
        file = self.kinds[kind][rng.integers(len(self.kinds[kind]))]
        content = bytearray(file.read_bytes())
        whole = bytes(content)
        if rng.random() < 0.2:
            cut = int(rng.integers(len(content)))
            del content[cut:]
            told = f"{file}: cut at byte {cut}"
        else:
            bit = int(rng.integers(8 * len(content)))
            content[bit // 8] ^= 1 << bit % 8
            told = f"{file}: bit {bit}"
        _overwrite(file, content)
        return file, whole, told

    def restore(self, file, whole):
        """Undo the flip of ``file``, if nothing else has."""
        if file.read_bytes() != whole:
            _overwrite(file, whole)

    def go_on(self):
        """Run it again; gives what was said to be damaged."""
        with RunFolder(self.run, self._config, Store(self.store)) as folder:
            run_audit(self._config, NumpyEngine(), self._dataset, folder, Silent())
            return folder.store.damaged

    def verified(self):
        """The certificate's verification."""
        return verify_run(FinishedRun(self.run), lambda: self._dataset, NumpyEngine, 0, Silent())

    def damaged(self):
        """What ``store verify`` names."""
        store = Store(self.store)
        for entry in store:
            store.is_sound(entry)
        return store.damaged

    @staticmethod
    def _copy(source, place):
        """As it is, links within it included."""
        first = {}
        for file in sorted(source.rglob("*")):
            to = place / file.relative_to(source)
            if file.is_dir():
                to.mkdir(parents=True, exist_ok=True)
                continue
            to.parent.mkdir(parents=True, exist_ok=True)
            node = file.stat().st_ino
            if node in first:
                link_or_copy(first[node], to)
            else:
                first[node] = to
                shutil.copyfile(file, to)


def _overwrite(file, content):
    """Its link in the run folder, too, as a disk would damage both."""
    with file.open("r+b") as stream:
        stream.write(content)
        stream.truncate()


def refusal(act):
    """The line with which ``act`` is refused; None where it is done."""
    try:
        act()
    except MiaDualError as error:
        return str(error)
    return None


def contents(path):
    """Every file of the folder but what is only added to."""
    return {
        file.relative_to(path): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file() and file.name not in (".lock", "log.jsonl", "index.jsonl")
    }
