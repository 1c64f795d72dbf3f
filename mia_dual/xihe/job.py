"""A training job: what the boot file runs, once a rank."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Optional

import mia_dual
from mia_dual.config import Config, load_config
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import dataset_of
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, DataError, MiaDualError
from mia_dual.progress import Progress
from mia_dual.quoting import one_line, quoted
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.run import run_audit
from mia_dual.xihe.arguments import OUTPUTS, Arguments, read_arguments
from mia_dual.xihe.board import Board, Rank
from mia_dual.xihe.c2net import Prepared, prepare
from mia_dual.xihe.inputs import Found, Inputs
from mia_dual.xihe.lines import LineProgress, Lines, Say
from mia_dual.xihe.ranks import Team
from mia_dual.xihe.records import NoRecords, Records, open_records
from mia_dual.yaml_file import YamlError, read_yaml_file

CONFIG = "config.yaml"
RUN, STORE, RANKS = "run", "store", "ranks"
"""Under the output folder: the run folder, what it links to, and where ranks meet."""

BAD_INPUT = 2


def main(words: Sequence[str], code: Path) -> int:
    """Run the job of the folder ``code`` with the arguments ``words``; gives the exit code."""
    try:
        run_job(words, code, os.environ)
    except MiaDualError as error:
        sys.stderr.write(f"mia-dual: {one_line(str(error))}\n")
        return BAD_INPUT
    return 0


def run_job(words: Sequence[str], code: Path, environment: Mapping[str, str]) -> None:
    """Audit as ``words`` and the config in ``code`` say; raises MiaDualError."""
    rank = Rank.of(environment)
    say = Lines(f"{rank}: " if rank.size > 1 else "")
    say(f"version {mia_dual.__version__} in '{Path(mia_dual.__file__).parent}'")
    arguments = read_arguments(words)
    prepared = prepare(environment, say)
    output = _output(arguments, prepared)
    if rank.number:
        _run(arguments, code, prepared, output, rank, say, NoRecords())
        return
    records = open_records(arguments.records, say)

    def say_and_note(text: str) -> None:
        say(text)
        records.line(text)

    whole = False
    try:
        _run(arguments, code, prepared, output, rank, say_and_note, records)
        whole = True
    finally:
        records.close(whole)
    if prepared is not None:
        prepared.upload()


def _run(
    arguments: Arguments,
    code: Path,
    prepared: Optional[Prepared],
    output: Path,
    rank: Rank,
    say: Say,
    records: Records,
) -> None:
    progress = LineProgress(say, records.progress)
    with tempfile.TemporaryDirectory(prefix="mia-dual-") as workplace:
        others = dict(arguments.others)
        if prepared is not None and prepared.data:
            others["c2net"] = prepared.data
        inputs = Inputs(others, Path(workplace), progress)
        config, dataset = _settle(arguments, code, inputs, progress, say)
        engine = Engine(config.backend, config.device)
        store = Store(output / STORE)
        team = Team(config, dataset, engine, progress, say)
        with _board(output, rank, arguments.limit) as board:
            if board is not None and rank.number:
                team.follow(board, store, output / RANKS / f"rank-{rank.number}")
                return
            with RunFolder(output / RUN, config, store) as folder:
                if board is not None:
                    team.lead(board, folder)
                results = run_audit(config, engine, dataset, folder, progress)
        shutil.rmtree(output / RANKS, ignore_errors=True)
        records.results(output / RUN)
    say(
        f"accuracy {results.target.train_accuracy:.3f} on members, "
        f"{results.target.test_accuracy:.3f} on non-members"
    )
    for name, attack in results.attacks.items():
        say(f"{name}: AUC {'unknown' if attack.auc is None else format(attack.auc, '.3f')}")
    say(f"'{output / RUN}' holds the models, answers, results.json and cost.json")


def _output(arguments: Arguments, prepared: Optional[Prepared]) -> Path:
    output = arguments.output or (prepared.output if prepared is not None else None)
    if output is None:
        raise ConfigError(
            f"the job has no --{OUTPUTS[0]} (or --{OUTPUTS[1]}): name the folder that results go to"
        )
    if "://" in output:
        raise ConfigError(
            f"--{OUTPUTS[0]}={quoted(output)} is no folder of this machine: the platform gives "
            "one; leave it to it"
        )
    return Path(output)


def _board(output: Path, rank: Rank, limit: float) -> AbstractContextManager[Optional[Board]]:
    return nullcontext() if rank.size == 1 else Board(output / RANKS, rank, limit)


def _settle(
    arguments: Arguments, code: Path, inputs: Inputs, progress: Progress, say: Say
) -> tuple[Config, Dataset]:
    """The config and the records, each as far as it is settled by the other."""
    file = code / (arguments.config or CONFIG)
    written = _written(file)
    own_file = any(text.startswith("data.file=") for text in arguments.settings)
    name = arguments.data_name or _inside(written, "data", "name")
    found = None
    if not own_file:
        found = inputs.find(name) if name else inputs.recognise()
    if found is None and name == "npz" and not own_file:
        raise DataError(f"data 'npz': no .npz file lies in {inputs}: choose its data set as input")
    settings = [*_beside(written, code), *_of_data(found), *arguments.settings]
    config = load_config(file, settings)
    if found is not None:
        say(f"data: '{found.name}' among the inputs, {len(found.dataset.labels)} records")
        return config, found.dataset
    try:
        dataset = dataset_of(config, progress=progress)
    except DataError as error:
        raise DataError(f"{error}; nothing of it lies in {inputs}") from error
    say(f"data: '{config.data.name}', {len(dataset.labels)} records, and nothing from {inputs}")
    return config, dataset


def _written(file: Path) -> dict[str, Any]:
    """What the config file says; nothing where it cannot be read, which its use will tell."""
    try:
        written = read_yaml_file(file)
    except YamlError:
        return {}
    return written if isinstance(written, dict) else {}


def _inside(settings: dict[str, Any], section: str, key: str) -> Optional[str]:
    inside = settings.get(section)
    value = inside.get(key) if isinstance(inside, dict) else None
    return value if isinstance(value, str) else None


def _beside(written: dict[str, Any], code: Path) -> list[str]:
    """A list of indices lies beside the boot file, and the job runs somewhere else."""
    file = _inside(written, "deletion", "indices")
    if file is None or not (code / file).is_file():
        return []
    return [f"deletion.indices={_as_yaml(code / file)}"]


def _of_data(found: Optional[Found]) -> list[str]:
    if found is None:
        return []
    file = [] if found.file is None else [f"data.file={_as_yaml(found.file)}"]
    return [f"data.name={found.name}", *file]


def _as_yaml(path: Path) -> str:
    # JSON's text is YAML's, whatever the path holds.
    return json.dumps(str(path.resolve()))
