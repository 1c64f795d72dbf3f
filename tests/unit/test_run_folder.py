"""A run folder is whole, its own, and says what is in its way."""

import errno
import json
import os
import shutil

import pytest

from mia_dual.cli.damage import tell_offered, tell_replaced
from mia_dual.config import Config
from mia_dual.errors import StoreError
from mia_dual.store.folder import FILES, FOLDERS, RunFolder, read_index
from mia_dual.store.keys import key_of
from mia_dual.store.objects import Store

KEY = key_of({"a": 1})


def opened(path, config=None, store=None, adopt=False):
    return RunFolder(path, config or Config(), Store(store or path.parent / "store"), adopt=adopt)


@pytest.fixture
def filled(tmp_path):
    with opened(tmp_path / "run") as folder:
        folder.refer([KEY])
        entry = folder.store.put(KEY, "model", "target", b"weights", seconds=1.5)
        folder.link(entry, "models/target.safetensors")
        folder.log("made")
    return tmp_path / "run"


def test_a_linked_object_is_there_and_referred_to(filled):
    assert (filled / "models" / "target.safetensors").read_bytes() == b"weights"
    assert Store(filled.parent / "store").referred() == {KEY: [str(filled)]}


def test_a_run_opened_again_needs_what_it_refers_to_since(filled, tmp_path):
    more = [key_of({"more": number}) for number in range(3)]
    store = Store(tmp_path / "store")
    with opened(filled) as folder:
        for key in more:
            folder.refer([key])
        assert store.referred().keys() == set(more)
        folder.release(more[:1])
        assert store.referred().keys() == set(more[1:])


def test_a_folder_that_was_moved_away_from_its_store_is_whole(filled, tmp_path):
    away = tmp_path / "elsewhere" / "run"
    shutil.copytree(filled, away)
    with opened(away, adopt=True) as folder:
        assert folder.offered == 1
        entry = folder.find(KEY)
        assert folder.offered == 0
        assert entry.seconds == 1.5
        assert folder.store.read(entry) == b"weights"


def test_what_a_folder_holds_is_not_taken_in_unasked(filled, tmp_path):
    away = tmp_path / "elsewhere" / "run"
    shutil.copytree(filled, away)
    with opened(filled) as folder:
        assert folder.offered == 0
    with opened(away) as folder:
        assert folder.offered == 1
        assert folder.find(KEY) is None
        assert list(folder.store) == []
        # What is made under its key takes its place, and that is told where it is something else.
        entry = folder.store.put(KEY, "model", "target", b"weights")
        folder.link(entry, "models/target.safetensors")
        assert folder.replaced == []
        entry = folder.store.put(KEY, "model", "target", b"WEIGHTS")
        folder.link(entry, "models/target.safetensors")
        assert folder.replaced == ["models/target.safetensors"]
    assert (away / "models" / "target.safetensors").read_bytes() == b"WEIGHTS"


def test_what_is_not_used_and_what_made_way_is_told_in_a_line(filled, tmp_path, capsys):
    away = tmp_path / "elsewhere" / "run"
    shutil.copytree(filled, away)
    with opened(filled) as folder, opened(away, adopt=True) as trusted:
        tell_offered(folder)
        tell_offered(trusted)
        tell_replaced(folder)
    assert capsys.readouterr() == ("", "")
    with opened(away) as folder:
        tell_offered(folder)
        out, told = capsys.readouterr()
        assert (out, told.count("\n")) == ("", 1)
        assert f"'{away}' holds 1 models and answers" in told
        assert "--adopt" in told
        folder.link(folder.store.put(KEY, "model", "target", b"else"), "models/target.safetensors")
        tell_replaced(folder)
    out, told = capsys.readouterr()
    assert (out, told.count("\n")) == ("", 1)
    assert told.endswith("something else: models/target.safetensors\n")


def test_a_symbolic_link_is_taken_in_as_the_file_it_leads_to(filled, tmp_path):
    away = tmp_path / "elsewhere" / "run"
    shutil.copytree(filled, away)
    file = away / "models" / "target.safetensors"
    file.rename(tmp_path / "real")
    file.symlink_to(tmp_path / "real")
    with opened(away, adopt=True) as folder:
        assert not folder.store.file(folder.find(KEY)).is_symlink()


@pytest.mark.parametrize("content", [b"WEIGHTS", b""])
def test_a_changed_file_of_a_moved_folder_is_not_taken_in(filled, tmp_path, content):
    away = tmp_path / "elsewhere" / "run"
    shutil.copytree(filled, away)
    (away / "models" / "target.safetensors").write_bytes(content)
    with opened(away, adopt=True) as folder:
        assert folder.find(KEY) is None


@pytest.mark.parametrize("line", ["rubbish", '"models/x" rubbish', '"../x" {}', "[" * 100_000])
def test_lines_of_an_index_that_say_nothing_cost_nothing(filled, tmp_path, line):
    away = tmp_path / "elsewhere" / "run"
    shutil.copytree(filled, away)
    index = away / "index.jsonl"
    index.write_text(line + "\n" + index.read_text() + '"models/half')
    with opened(away, adopt=True) as folder:
        assert folder.find(KEY) is not None


def test_a_link_that_is_lost_or_changed_is_made_again(filled):
    file = filled / "models" / "target.safetensors"
    for damage in (file.unlink, lambda: (file.unlink(), file.write_bytes(b"other"))):
        damage()
        with opened(filled) as folder:
            folder.link(folder.find(KEY), "models/target.safetensors")
        assert file.read_bytes() == b"weights"


def test_another_config_is_refused_by_the_key_that_differs(filled):
    with (
        pytest.raises(StoreError, match=r"target.epochs is 10 there, 11 here.*another --out"),
        opened(filled, Config(target={"epochs": 11})),
    ):
        pass


@pytest.mark.parametrize("lost", ["index.jsonl", "log.jsonl", "models"])
def test_a_folder_that_lost_a_file_still_refuses_another_config(filled, lost):
    path = filled / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    before = sorted(filled.rglob("*"))
    with pytest.raises(StoreError, match="seed is 0 there, 7 here"), opened(filled, Config(seed=7)):
        pass
    assert sorted(filled.rglob("*")) == before
    with opened(filled) as folder:
        assert folder.find(KEY) is not None


def test_a_lost_config_is_named(filled):
    (filled / "config.yaml").unlink()
    with pytest.raises(StoreError, match=r"lost its config\.yaml"), opened(filled):
        pass


def test_a_folder_where_nothing_was_made_takes_a_mended_config(tmp_path):
    with opened(tmp_path / "run"):
        pass
    with opened(tmp_path / "run", Config(seed=3)):
        pass
    assert "seed: 3" in (tmp_path / "run" / "config.yaml").read_text()


def test_what_a_kill_left_half_written_goes_and_is_in_nobodys_way(filled, tmp_path):
    begun = tmp_path / "begun" / ".config.yaml.0a1b2c3d.partial"
    linked = filled / "models" / ".target.safetensors.0a1b2c3d.partial"
    page = filled / ".report.html.0a1b2c3d.partial"
    begun.parent.mkdir()
    for file in (begun, linked, page):
        file.write_text("")
    for folder in (begun.parent, filled):
        with opened(folder):
            pass
    # A page is written without the folder's lock.
    assert [file.exists() for file in (begun, linked, page)] == [False, False, True]


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "thesis.tex").write_text("dear")
    with pytest.raises(StoreError, match=r"not empty.*thesis.tex"), opened(folder):
        pass
    assert {path.name for path in folder.iterdir()} <= {".lock", "thesis.tex"}


@pytest.mark.parametrize("name", [*FILES, *FOLDERS])
def test_what_is_in_the_way_is_named(filled, name):
    path = filled / name
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    path.write_text("") if name in FOLDERS else path.mkdir()
    with pytest.raises(StoreError, match=rf"{name}' is not a fi?o?l.*move it"), opened(filled):
        pass


@pytest.mark.parametrize("name", [".lock", *FILES, *FOLDERS])
def test_nothing_is_written_through_a_link(filled, tmp_path, name):
    path, victim = filled / name, tmp_path / "victim"
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    victim.mkdir() if name in FOLDERS else victim.write_text("dear")
    path.symlink_to(victim)
    with pytest.raises(StoreError, match=rf"{name}' is a symbolic link.*in its place"):
        opened(filled).__enter__()
    assert name in FOLDERS or victim.read_text() == "dear"


def test_two_runs_do_not_share_a_folder(filled):
    with opened(filled), pytest.raises(StoreError, match="in use by another"), opened(filled):
        pass


def test_a_path_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be made"):
        opened(tmp_path / "file")


def test_a_line_that_was_cut_short_takes_no_other_with_it(filled):
    with (filled / "index.jsonl").open("a") as stream:
        stream.write('"models/shadow-00.safetensors" 0123')
    with (filled / "log.jsonl").open("a") as stream:
        stream.write('{"time": "20')
    with opened(filled) as folder:
        entry = folder.store.find(KEY)
        folder.link(entry, "models/shadow-01.safetensors")
        folder.log("done")
    names = {"models/target.safetensors", "models/shadow-01.safetensors"}
    assert read_index(filled / "index.jsonl").keys() == names
    assert json.loads((filled / "log.jsonl").read_text().splitlines()[-1])["event"] == "done"


def test_a_line_for_which_there_is_no_room_leaves_a_file_as_it_was(filled, monkeypatch):
    def full(number):
        raise OSError(errno.ENOSPC, "No space left on device")

    with opened(filled) as folder:
        folder.append("ledger.jsonl", "one\n")
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreError, match=r"No space left.*make room"):
                folder.append("ledger.jsonl", "two\n")
        assert (filled / "ledger.jsonl").read_text() == "one\n"
        folder.append("ledger.jsonl", "two\n")
    assert (filled / "ledger.jsonl").read_text() == "one\ntwo\n"
