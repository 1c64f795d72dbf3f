"""Objects are found by key, shared by runs, and never used when they are not as written."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.errors import StoreError
from mia_dual.store import objects
from mia_dual.store.entry import Entry
from mia_dual.store.files import link_or_copy, write_atomically
from mia_dual.store.keys import key_of
from mia_dual.store.objects import Store, store_folder

KEY, OTHER = key_of({"a": 1}), key_of({"a": 2})


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path / "store")
    store.put(KEY, "answers", "shadow-03", b"content", seconds=1.5)
    return store


def run_folder(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "config.yaml").write_text("seed: 0\n")
    return folder


def test_what_was_put_is_found_again(store):
    entry = Store(store.path).find(KEY)
    assert (entry.name, entry.kind, entry.seconds, entry.bytes) == ("shadow-03", "answers", 1.5, 7)
    assert store.read(entry) == b"content"
    assert store.find(OTHER) is None
    assert [found.key for found in store] == [KEY]
    assert not store.damaged


@pytest.mark.parametrize(
    "damage",
    [
        lambda file, entry: file.write_bytes(b"contenu"),
        lambda file, entry: file.write_bytes(b""),
        lambda file, entry: file.unlink(),
        lambda file, entry: entry.write_text("rubbish"),
        lambda file, entry: entry.write_bytes(b"\xff\xfe"),
        lambda file, entry: entry.write_text(entry.read_text().replace("1.5", "2.5")),
        lambda file, entry: entry.write_text(entry.read_text()[:-9]),
    ],
    ids=["changed", "emptied", "deleted", "entry-text", "entry-bytes", "entry-figure", "entry-cut"],
)
def test_a_damaged_object_is_named_never_used_and_made_again(store, damage):
    damage(store.path / "objects" / KEY[:2] / f"{KEY}.npy", store._entry_file(KEY))
    entry = store.find(KEY)
    assert entry is None or store.read(entry) is None
    assert len(store.damaged) == 1
    assert "shadow-03" in store.damaged[0] or KEY[:12] in store.damaged[0]
    again = Store(store.path)
    again.put(KEY, "answers", "shadow-03", b"content")
    assert again.read(again.find(KEY)) == b"content"
    assert not again.damaged


@pytest.mark.parametrize(
    "line",
    [
        "",
        "x",
        "{}",
        '{"key": 3}',
        "[" * 100_000,
        '{"key": "../../x", "kind": "model", "name": "n", "bytes": 1, "sha256": "y"}',
        f'{{"key": "{KEY}", "kind": "model", "name": 3, "bytes": "x", "sha256": "{KEY}"}}',
        f'{{"key": "{KEY}", "kind": "virus", "name": "n", "bytes": 1, "sha256": "{KEY}"}}',
        f'{{"key": "{KEY}", "kind": "model", "name": "n", "bytes": 1, "sha256": "{KEY}", '
        '"seconds": NaN}',
    ],
)
def test_a_line_that_is_no_entry_is_none_even_with_a_right_checksum(line):
    from mia_dual.store.files import checksum

    assert Entry.decode(line) is None
    assert Entry.decode(f"{checksum(line.encode())[:16]} {line}\n") is None


def test_pruning_keeps_what_a_run_folder_refers_to(store, tmp_path):
    store.put(OTHER, "model", "target", b"weights")
    folder = run_folder(tmp_path, "run")
    store.refer(folder, [KEY])
    assert store.referred() == {KEY: [str(folder)]}
    assert store.prune() == (1, len(b"weights") + len(_entry(OTHER, "target").encode()))
    assert store.find(KEY)
    assert store.find(OTHER) is None
    # A run folder that is gone needs nothing any more.
    shutil.rmtree(folder)
    assert store.prune()[0] == 1
    assert list(store) == []
    assert not list((store.path / "references").iterdir())


def test_what_a_folder_needs_that_may_be_elsewhere_is_kept_until_it_is_said_to_be_gone(
    store, tmp_path
):
    unmounted, removed = tmp_path / "disk" / "run", tmp_path / "runs" / "run"
    study = tmp_path / "runs" / "study"
    for number, folder in enumerate((unmounted, removed, study, study / "8-seed0")):
        folder.mkdir(parents=True)
        (folder / "config.yaml").write_text("")
        store.put(key_of({"run": number}), "answers", folder.name, b"content")
        store.refer(folder, [key_of({"run": number})])
    (tmp_path / "runs" / "other").mkdir()
    shutil.rmtree(tmp_path / "disk")
    shutil.rmtree(removed)
    shutil.rmtree(study)
    # Removed alone, removed with its study's folder, and KEY, which nobody ever needed.
    assert store.prune()[0] == 4
    assert store.unseen() == [str(unmounted)]
    assert store.referred().keys() == {key_of({"run": 0})}
    store.discard([key_of({"run": 0})])
    # What a disk is mounted at is there, and empty.
    (tmp_path / "disk").mkdir()
    assert store.prune() == (0, 0)
    unmounted.mkdir()
    assert store.prune() == (0, 0)
    unmounted.rmdir()
    assert store.find(key_of({"run": 0}))
    assert store.prune(gone=True)[0] == 1
    assert (store.unseen(), store.referred()) == ([], {})


def test_references_that_are_kept_are_counted_and_named(store, tmp_path):
    for number in range(4):
        store.refer(tmp_path / "away" / f"run-{number}", [KEY])

    def prune(*options):
        return CliRunner().invoke(app, ["store", "prune", "--store", str(store.path), *options])

    for name in ("4 references", "away/run-0'", "away/run-2'", "and 1 more", "--gone"):
        assert name in prune().stdout
    assert len(json.loads(prune("--json").stdout)["kept"]) == 4
    assert prune("--gone").stdout.startswith("removed 1 objects")
    assert "--gone" not in prune().stdout


def test_pruning_leaves_what_may_still_be_written_and_sweeps_what_a_kill_left(store):
    fresh, old = (store.path / "objects" / KEY[:2] / f".{name}.partial" for name in ("new", "old"))
    for file in (fresh, old):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))
    store.prune()
    assert fresh.exists()
    assert not old.exists()


def _entry(key, name):
    from mia_dual.store.files import checksum

    return Entry(key, "model", name, 7, checksum(b"weights")).encode()


OBJECTS = 2000


@pytest.fixture
def many(tmp_path):
    """Keys and a store of so many objects, half of which a run needs."""
    store = Store(tmp_path / "many")
    keys = [key_of({"number": number}) for number in range(OBJECTS)]
    for key in keys:
        store.put(key, "scores", "x", b"x")
    store.refer(run_folder(tmp_path, "run"), keys[::2])
    return store, keys


def counted(monkeypatch, *names):
    """How often each of ``os``'s functions is called from now on."""
    calls = dict.fromkeys(names, 0)

    def watch(name, real):
        def call(*arguments, **options):
            calls[name] += 1
            return real(*arguments, **options)

        monkeypatch.setattr(objects.os, name, call)

    for name in names:
        watch(name, getattr(os, name))
    return calls


def test_objects_are_listed_and_pruned_in_one_pass_over_their_folders(many, monkeypatch):
    store, keys = many
    assert store.count() == OBJECTS
    folders = len(list((store.path / "objects").iterdir()))
    calls = counted(monkeypatch, "listdir", "stat", "unlink")
    assert [entry.key for entry in store] == sorted(keys)
    assert (calls["listdir"], calls["stat"], calls["unlink"]) == (folders, OBJECTS, 0)
    calls.update(listdir=0, stat=0)
    reported = []
    assert store.prune(lambda units, models=0: reported.append(units))[0] == OBJECTS / 2
    assert sum(reported) == OBJECTS
    # An object is its file and its entry.
    assert (calls["listdir"], calls["unlink"]) == (folders, OBJECTS)
    assert {entry.key for entry in store} == set(keys[::2])


def test_what_a_run_needs_more_is_added_and_a_line_cut_short_is_no_key(store, tmp_path):
    folder = run_folder(tmp_path, "run")
    store.refer(folder, [KEY])
    (file,) = (store.path / "references").iterdir()
    with file.open("a") as stream:
        stream.write(OTHER[:20])
    written = file.read_bytes()
    store.refer_more(folder, [OTHER])
    assert file.read_bytes() == written + f"\n{OTHER}".encode()
    assert {KEY, OTHER} <= store.referred().keys()
    store.refer(folder, [OTHER])
    assert store.referred() == {OTHER: [str(folder)]}


def test_nothing_is_removed_while_it_is_not_known_which_run_needs_it(store, tmp_path):
    run = run_folder(tmp_path, "run")
    store.refer(run, [KEY])
    (file,) = (store.path / "references").glob("*.txt")
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"/run", b"/ruo"))
    with pytest.raises(StoreError, match=r"references.*does not name the run folder"):
        store.prune()
    store.discard([KEY])
    assert store.find(KEY)
    store.refer(run, [KEY])
    assert file.read_bytes() == whole
    assert store.prune() == (0, 0)


def test_a_file_is_taken_in_only_if_it_is_what_the_entry_says(store, tmp_path):
    entry = store.find(KEY)
    empty = Store(tmp_path / "other")
    wrong, right = tmp_path / "wrong", tmp_path / "right"
    wrong.write_bytes(b"contenu")
    right.write_bytes(b"content")
    assert not empty.adopt(entry, wrong)
    assert not empty.adopt(entry, tmp_path / "absent")
    assert empty.find(KEY) is None
    assert empty.adopt(entry, right)
    assert empty.read(empty.find(KEY)) == b"content"


def test_a_copy_serves_where_there_are_no_links(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a").write_text("x")
    link_or_copy(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "x"
    assert not (tmp_path / "b").samefile(tmp_path / "a")


def test_the_folder_is_named_by_option_then_variable_then_lies_beside_the_runs(monkeypatch):
    monkeypatch.delenv("MIA_DUAL_STORE", raising=False)
    assert store_folder(None, Path("runs")) == Path("runs/store")
    monkeypatch.setenv("MIA_DUAL_STORE", "/data/store")
    assert store_folder(None, Path("runs")) == Path("/data/store")
    assert store_folder(Path("mine"), Path("runs")) == Path("mine")


def test_a_store_that_cannot_be_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"store .*file.* cannot be made.*--store"):
        Store(tmp_path / "file")


@pytest.mark.parametrize("act", ["refer", "refer_more", "discard", "prune"])
def test_a_store_that_can_only_be_read_is_refused_by_what_would_write(store, tmp_path, act):
    # Nothing can be locked; as on a file system mounted for reading, which binds root, too.
    (store.path / ".lock").unlink(missing_ok=True)
    (store.path / ".lock").mkdir()
    given = {"refer": (tmp_path, []), "refer_more": (tmp_path, []), "discard": ([],), "prune": ()}
    with pytest.raises(StoreError, match=r"store .* cannot be written.*--store"):
        getattr(store, act)(*given[act])


def test_several_processes_write_one_store_at_once(tmp_path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from mia_dual.store.keys import key_of\n"
        "from mia_dual.store.objects import Store\n"
        "store, me = Store(Path(sys.argv[1])), sys.argv[2]\n"
        "folder = Path(sys.argv[1]).parent / f'run-{me}'\n"
        "folder.mkdir()\n"
        "(folder / 'config.yaml').write_text('')\n"
        "for number in range(40):\n"
        "    key = key_of({'number': number})\n"
        "    store.refer(folder, [key_of({'number': each}) for each in range(number + 1)])\n"
        "    store.put(key, 'answers', 'x', b'x' * 100_000)\n"
        "    assert store.read(store.find(key)) == b'x' * 100_000\n"
        "    store.prune()\n"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "store"), str(number)])
        for number in range(4)
    ]
    assert [process.wait(timeout=120) for process in processes] == [0] * 4
    store = Store(tmp_path / "store")
    assert len(list(store)) == 40
    assert all(store.is_sound(entry) for entry in store)


@pytest.mark.parametrize("path", ["", ".", "/"])
def test_what_names_no_file_is_not_written(path):
    with pytest.raises(IsADirectoryError):
        write_atomically(Path(path), b"")
