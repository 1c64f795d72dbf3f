"""What machines do to a run: full disks, folders for reading alone, wrong clocks, no memory, flips.

Each command is a process of its own, as a user's is. Whatever is drawn comes from ``SEED``.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager

import pytest
import yaml

from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.data.prepared import Reading, prepared
from mia_dual.deletion.signature import sign
from mia_dual.deletion.signing_keys import make_pair, read_private_key
from mia_dual.seeds import generator
from mia_dual.store.folder import CERTIFICATE, SIGNATURE, read_index
from tests.flips import CHECKSUMMED, DERIVED, INPUTS, LINES, FlippedRun, contents, refusal
from tests.pipeline.deleted_run import make_run

pytestmark = pytest.mark.soak

SEED = 14
FLIPS = 40
DISKS = 8
SETTINGS = {
    "data": {"name": "digits"},
    "split": {"target_members": 60, "target_non_members": 60, "shadow_members": 60},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 3, "learning_rate": 0.05},
    "shadows": {"count": 3},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1], "groups": 3, "methods": ["full", "grouped"]},
}
LARGE = ("--set", "target.hidden=65536", "--set", "target.epochs=1", "--set", "deletion.ratios=[]",
         "--set", "deletion.methods=[full]", "--together", "never")  # fmt: skip
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
int clock_gettime(clockid_t id, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int found = real(id, now);
    if (!found && id == CLOCK_REALTIME) now->tv_sec += atol(getenv("CLOCK_AHEAD"));
    return found;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (out) *out = found.tv_sec;
    return found.tv_sec;
}
"""
"""Preloaded, all of a process sees the wall clock so many seconds ahead."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """An undisturbed run and its store."""
    place = tmp_path_factory.mktemp("whole")
    done = mia_dual(place, *run_command("torch"))
    assert done.returncode == 0, done.stderr
    return place


def mia_dual(place, *words, before=None, **environment):
    """``mia-dual`` with ``words``, in ``place``."""
    config = place / "config.yaml"
    if not config.exists():
        config.write_text(yaml.safe_dump(SETTINGS))
    return subprocess.run(
        [sys.executable, "-m", "mia_dual", *map(str, words)],
        cwd=place,
        env={**os.environ, "COLUMNS": "200", **environment},
        preexec_fn=before,
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def run_command(backend, run="run", store="store"):
    return ("run", "-c", "config.yaml", "--backend", backend, "--out", run, "--store", store)


def the_line(done, *words):
    """The one line with which ``done`` was refused; a framework may have complained before it."""
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()[-1]
    assert line.startswith("mia-dual: ")
    for word in words:
        assert word in line
    return line


def assert_as(run, expected):
    """The results of ``run`` are those of ``expected``, and it names every file."""
    assert (run / "results.json").read_bytes() == (expected / "results.json").read_bytes()
    assert read_index(run / "index.jsonl").keys() == read_index(expected / "index.jsonl").keys()
    for line in (run / "log.jsonl").read_text().splitlines():
        assert json.loads(line)["event"]


def assert_sound(place, store):
    done = mia_dual(place, "store", "verify", "--store", store)
    assert done.returncode == 0, done.stdout


@contextmanager
def mounted(*arguments, on):
    """A mount, as only root may make one."""
    on.mkdir(exist_ok=True)
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", *arguments, str(on)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")
    try:
        yield on
    finally:
        subprocess.run(["umount", str(on)], check=True)


@contextmanager
def for_reading(folder):
    """``folder`` as one that can only be read, by root, too."""
    with mounted("--bind", str(folder), on=folder):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


def test_a_full_disk_loses_nothing(whole, tmp_path, figures):
    rng = generator(SEED, "disks")
    used = sum(file.stat().st_size for file in whole.rglob("*") if file.is_file())
    told = Counter()
    for kilobytes in [4, *(rng.uniform(0.02, 1, DISKS - 1) * used / 1024).astype(int).tolist()]:
        with mounted("-t", "tmpfs", "-o", f"size={kilobytes}k", "small", on=tmp_path / "disk") as d:
            command = run_command("torch", d / "run", d / "store")
            done = mia_dual(tmp_path, *command)
            if done.returncode:
                line = the_line(done, f"{d}/", "No space left on device", "make room or name")
                told[line.split()[1]] += 1
            else:
                told["enough"] += 1
            subprocess.run(["mount", "-o", "remount,size=16m", str(d)], check=True)
            again = mia_dual(tmp_path, *command)
            assert again.returncode == 0, (kilobytes, again.stderr)
            assert "damaged" not in again.stderr, kilobytes
            assert_as(d / "run", whole / "run")
            assert_sound(tmp_path, d / "store")
    assert told["enough"] < DISKS / 2, told
    figures(disks=DISKS, **told)


def test_a_deletion_on_a_full_disk_is_carried_out_once_there_is_room(whole, tmp_path, figures):
    rng = generator(SEED, "deletion")
    for place in ("one", "disk"):
        (tmp_path / place).mkdir()
    shutil.copytree(whole, tmp_path / "one", dirs_exist_ok=True)
    done = mia_dual(tmp_path / "one", "delete", "run", "--ratio", "0.1", "--store", "store")
    assert done.returncode == 0, done.stderr
    refused = 0
    with mounted("-t", "tmpfs", "-o", "size=16m", "small", on=tmp_path / "disk") as disk:
        shutil.copytree(whole, disk, dirs_exist_ok=True)
        command = ("delete", disk / "run", "--ratio", "0.1", "--store", disk / "store")
        for _ in range(8):
            free = int(rng.integers(0, 90)) * 1024
            left = shutil.disk_usage(disk).free - free
            (disk / "fill").write_bytes(b"x" * left)
            done = mia_dual(tmp_path, *command)
            (disk / "fill").unlink()
            if done.returncode == 0:
                break
            the_line(done, f"{disk}/", "No space left on device")
            refused += 1
            for line in (disk / "run" / "log.jsonl").read_text().splitlines():
                assert json.loads(line)["event"]
        else:
            assert mia_dual(tmp_path, *command).returncode == 0
        assert refused
        assert_as(disk / "run", tmp_path / "one" / "run")
        for name in ("ledger.jsonl", "certificate.json"):
            expected = (tmp_path / "one" / "run" / name).read_bytes()
            assert (disk / "run" / name).read_bytes() == expected
        verified = mia_dual(tmp_path, "verify", disk / "run", "--retrain", "1")
        assert verified.returncode == 0, verified.stderr
    figures(refused=refused)


def test_a_full_temporary_folder_is_named(whole, tmp_path, figures):
    with mounted("-t", "tmpfs", "-o", "size=24k", "small", on=tmp_path / "tmp") as full:
        there = {"TMPDIR": str(full)}
        for backend, settings in (
            ("torch", ("--set", "attack.families=[reference]", "--memory", "1KB")),
            ("mindspore", ()),
        ):
            command = (*run_command(backend, backend), *settings)
            the_line(mia_dual(tmp_path, *command, **there), str(full), "TMPDIR")
            done = mia_dual(tmp_path, *command)
            assert done.returncode == 0, done.stderr
            assert not list(full.iterdir())
        assert_sound(tmp_path, "store")
    figures(backends=2)


def test_a_folder_for_reading_alone_is_named_and_read(whole, tmp_path, figures):
    shutil.copytree(whole, tmp_path / "there")
    there = tmp_path / "there"
    deleted = mia_dual(there, "delete", "run", "--ratio", "0.1", "--store", "store")
    assert deleted.returncode == 0, deleted.stderr
    before = contents(there)
    refused = (
        run_command("torch", there / "run", there / "store"),
        run_command("torch", there / "new", there / "store"),
        run_command("torch", "new", there / "store"),
        (*run_command("torch", "other", there / "store"), "--seed", "3"),
        run_command("torch", "new", there / "another"),
        ("delete", there / "run", "--ratio", "0.1", "--store", there / "store"),
        ("report", there / "run"),
        ("store", "prune", "--store", there / "store"),
    )
    read = (
        ("verify", there / "run"),
        ("verify", there / "run", "--retrain", "1"),
        ("log", there / "run"),
        ("compare", there / "run", there / "run"),
        ("report", there / "run", "--out", "page.html"),
        ("store", "list", "--store", there / "store"),
        ("store", "verify", "--store", there / "store"),
        # Data in a cache that cannot be written are read and not kept.
        run_command("torch", "fresh", "fresh-store"),
    )
    with for_reading(there):
        for command in refused:
            line = the_line(mia_dual(tmp_path, *command), f"{there}/", "Read-only file system")
            assert "name another" in line
        for command in read:
            done = mia_dual(tmp_path, *command, MIA_DUAL_DATA=str(there / "run"))
            assert done.returncode == 0, (command, done.stderr)
    assert contents(there) == before
    figures(refused=len(refused), read=len(read))


def test_a_clock_that_goes_back_changes_nothing(whole, tmp_path, figures):
    if shutil.which("cc") is None or sys.platform != "linux":
        pytest.skip("nothing here compiles what sets a process's clock")
    (tmp_path / "clock.c").write_text(CLOCK)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-o", "clock.so", "clock.c", "-ldl"], cwd=tmp_path, check=True
    )
    ahead = iter(generator(SEED, "clock").integers(-2000, 1, 20).tolist())

    def at_another_time(*words):
        days = next(ahead)
        done = mia_dual(tmp_path, *words, LD_PRELOAD=str(tmp_path / "clock.so"),
                        CLOCK_AHEAD=str(days * 86400))  # fmt: skip
        assert done.returncode == 0, (days, done.stderr)

    # Two of three shadows are there already, of a time that is yet to come.
    at_another_time(*run_command("torch", "first"), "--set", "shadows.count=2")
    for file in tmp_path.rglob("*"):
        os.utime(file, (time.time() + 4e7, time.time() + 4e7))
    at_another_time(*run_command("torch"))
    assert_as(tmp_path / "run", whole / "run")
    at_another_time("delete", "run", "--ratio", "0.1", "--store", "store")
    at_another_time("verify", "run", "--retrain", "1")
    # No time stands in what is signed or chained.
    for name in ("ledger.jsonl", "certificate.json"):
        assert '"time"' not in (tmp_path / "run" / name).read_text()
    writing = tmp_path / "store" / "objects" / "00" / ".being-written.partial"
    writing.parent.mkdir(exist_ok=True)
    writing.write_bytes(b"half")
    at_another_time("store", "prune", "--store", "store")
    assert writing.exists()
    at_another_time("verify", "run")
    assert_sound(tmp_path, "store")
    figures(commands=6)


def test_a_model_that_diverges_is_named_and_the_others_are_kept(tmp_path, figures):
    command = (*run_command("torch"), "--set", "attack.models=[fcnet]")
    rate = ("--set", "attack.fcnet.learning_rate=1e30")
    line = the_line(mia_dual(tmp_path, *command, *rate), "the loss of model 'attack-", "lower the")
    log = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    trained = {name for one in map(json.loads, log) for name in one.get("models", [])}
    kept = {
        file: (file.read_bytes(), file.stat().st_mtime_ns)
        for file in (tmp_path / "store").glob("objects/*/*.*")
    }
    assert len(kept) > 2 * len(SETTINGS["shadows"])
    the_line(mia_dual(tmp_path, *command), "attack.fcnet.learning_rate", "--out")
    mended = mia_dual(tmp_path, *run_command("torch", "mended"), *command[-2:])
    assert mended.returncode == 0, mended.stderr
    log = (tmp_path / "mended" / "log.jsonl").read_text().splitlines()
    events = [one for one in map(json.loads, log) if one["event"] == "train"]
    assert events
    assert all(name.startswith("attack-") for one in events for name in one["models"])
    assert {"target", "shadow-02"} <= trained
    assert kept == {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in kept}
    figures(named=line.split("'")[1], kept=len(kept))


@pytest.mark.parametrize("backend", ["torch", "mindspore"])
def test_memory_that_runs_out_is_a_line_with_the_fix(backend, tmp_path, figures):
    rng = generator(SEED, "memory", backend)
    told = Counter()
    command = (*run_command(backend), *LARGE, "--workers", "2")

    # Below, the framework itself is not loaded; above, all fits.
    least, most = {"torch": (3.0e9, 4.0e9), "mindspore": (1.5e9, 2.6e9)}[backend]
    for limit in rng.uniform(least, most, 5).astype(int).tolist():

        def limited(limit=limit):
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

        done = mia_dual(tmp_path, *command, before=limited)
        if done.returncode:
            the_line(done, "memory ran out", "--workers", "--memory")
        told["refused" if done.returncode else "enough"] += 1
    done = mia_dual(tmp_path, *command)
    assert done.returncode == 0, done.stderr
    fresh = mia_dual(tmp_path, *run_command(backend, "fresh", "fresh-store"), *LARGE)
    assert fresh.returncode == 0, fresh.stderr
    assert_as(tmp_path / "run", tmp_path / "fresh")
    assert_sound(tmp_path, "store")
    assert told["refused"], told
    figures(**told)


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    digits = load_dataset("digits")
    place = tmp_path_factory.mktemp("flips")
    make_run(place / "made", digits)
    key = read_private_key(make_pair(place).private)
    signature = sign((place / "made" / CERTIFICATE).read_bytes(), key)
    (place / "made" / SIGNATURE).write_text(signature)
    return FlippedRun(place / "made", place / "flipped", digits)


@pytest.mark.parametrize("kind", [*CHECKSUMMED, *DERIVED, *INPUTS, *LINES])
def test_flips_are_found_and_never_used(flipped, kind, figures):
    rng = generator(SEED, "flips", kind)
    told = Counter()
    flipped.reset()
    before = contents(flipped.run)
    for _ in range(FLIPS):
        file, whole, said = flipped.flip(kind, rng)
        if kind in CHECKSUMMED:
            assert flipped.damaged(), said
            told["found"] += 1
        refused = refusal(flipped.go_on)
        if refused:
            assert kind in ("config.yaml", "ledger.jsonl"), (said, refused)
            told["refused"] += 1
        elif kind in INPUTS:
            # Of a config, a comment or the way a number is written may have changed.
            assert refusal(flipped.verified), said
            told["refused"] += 1
        else:
            assert contents(flipped.run) == before, said
            made = file.exists() and file.read_bytes() == whole
            told["made_again" if made else "left_aside"] += 1
        assert (flipped.run / "results.json").read_bytes() == flipped.results, said
        flipped.restore(file, whole)
    flipped.verified()
    if kind in DERIVED:
        assert told["made_again"] == FLIPS
    figures(flips=FLIPS, **told)


def test_flips_in_prepared_data_are_found_and_read_again(tmp_path, figures):
    rng = generator(SEED, "prepared")
    digits = load_dataset("digits")
    data = Dataset("thing", digits.features[:200], digits.labels[:200], 10, 150)
    reads = []

    def read():
        reads.append(1)
        return Reading(data, ("file 10 1",), {"file": "0"})

    def load():
        return prepared("thing", [tmp_path], lambda: ("file 10 1",), read)

    digest = load().digest()
    files = sorted(file for file in tmp_path.rglob("*") if file.suffix in (".npy", ".json"))
    assert len(files) == 3
    for number in range(FLIPS * len(files)):
        file = files[number % len(files)]
        whole = file.read_bytes()
        content = bytearray(whole)
        bit = int(rng.integers(8 * len(content)))
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        count = len(reads)
        assert load().digest() == digest, f"{file}: bit {bit}"
        # What a flip leaves of the same meaning (a space in JSON) may stay.
        assert len(reads) > count or file.suffix == ".json", f"{file}: bit {bit}"
        assert load().digest() == digest
    figures(flips=FLIPS * len(files), read_again=len(reads) - 1)


def test_flips_in_records_made_for_shadows_are_found(tmp_path, figures):
    rng = generator(SEED, "records")
    place = tmp_path / "made"
    command = ("--set", "shadows.data={source: noisy, noise: 0.2}", "--set", "deletion.ratios=[]")
    place.mkdir()
    done = mia_dual(place, *run_command("torch"), *command)
    assert done.returncode == 0, done.stderr
    results = (place / "run" / "results.json").read_bytes()
    told = Counter()
    for _ in range(3):
        (file,) = place.glob("store/objects/*/*.npz")
        content = bytearray(file.read_bytes())
        content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
        with file.open("r+b") as stream:
            stream.write(content)
        verified = mia_dual(place, "store", "verify", "--store", "store")
        assert verified.returncode == 1
        assert "records '" in verified.stdout
        again = mia_dual(place, *run_command("torch"), *command)
        assert again.returncode == 0, again.stderr
        assert "damaged in the store, and made again: records '" in again.stderr
        assert (place / "run" / "results.json").read_bytes() == results
        assert_sound(place, "store")
        told["made_again"] += 1
    figures(flips=3, **told)
