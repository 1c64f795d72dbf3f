"""The walk from a finished study to its page."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Union
from urllib.parse import quote

from pydantic import ValidationError

from mia_dual.errors import StoreError
from mia_dual.quoting import one_line
from mia_dual.report.cost import CostResults
from mia_dual.report.page.study import make_study_page, pictures_on
from mia_dual.report.pictures.picture import Picture
from mia_dual.report.study import StudyResults
from mia_dual.store.folder import REPORT, flat, read_json
from mia_dual.yaml_file import YamlError, read_yaml_file

FOUND = "study.json"


def is_study(path: Path) -> bool:
    """Whether ``path`` is the folder of a study, finished or not."""
    try:
        settings = read_yaml_file(path / "config.yaml")
    except (OSError, YamlError):
        return False
    return isinstance(settings, dict) and "study" in settings


def report_study(path: Path, language: str) -> str:
    """The page of the study in folder ``path`` as HTML.

    Raises StoreError where it is not finished or damaged, ConfigError for an unknown language.
    """
    settings = read_yaml_file(path / "config.yaml")
    found = _found(path)
    records = read_json(path / "environment.json")
    told = records if isinstance(records, list) else [records]
    environment: dict[str, Any] = {}
    for record in told:
        if isinstance(record, dict) and isinstance(record.get("environment"), dict):
            name = str(record.get("backend", "")) if len(told) > 1 else ""
            environment.update(flat(record["environment"], name))
    runs = [
        (run.name, f"{quote(run.name)}/{REPORT}" if (run / REPORT).is_file() else "")
        for run in sorted(path.iterdir())
        if (run / "results.json").is_file()
    ]
    return make_study_page(found, flat(settings), environment, runs, str(path), language)


def pictures_of_study(path: Path) -> list[Picture]:
    """What the page of the study in folder ``path`` draws; raises StoreError likewise."""
    return pictures_on(_found(path))


def _found(path: Path) -> Union[StudyResults, CostResults]:
    content = read_json(path / FOUND)
    if content is None:
        raise StoreError(
            f"study '{path}' is not finished (it has no {FOUND} that can be read): the command "
            "that began it goes on with it"
        )
    kind = CostResults if isinstance(content, dict) and "trainings" in content else StudyResults
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise StoreError(
            f"'{path / FOUND}' holds no study of this version ({one_line(place, 100)}: "
            f"{one_line(first['msg'], 100)}): run the study again"
        ) from error
