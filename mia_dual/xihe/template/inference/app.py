"""Shows the results of audits: every results.json in the folder ``results`` beside this file.

It needs gradio and nothing else: the platform takes this folder alone to where it runs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def read_results(folder: Path) -> dict[str, dict[str, Any]]:
    """Name -> content of each results.json at or under ``folder`` that can be read."""
    found = {}
    for file in sorted(folder.rglob("results.json")):
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(content, dict):
            found[file.parent.relative_to(folder.parent).as_posix()] = content
    return found


def summary(results: dict[str, Any]) -> str:
    """What was audited, in a sentence."""
    data, target = results.get("data", {}), results.get("target", {})
    return (
        f"**{results.get('network')}** on **{data.get('name')}** ({results.get('backend')}): "
        f"accuracy {_number(target.get('train_accuracy'))} on members, "
        f"{_number(target.get('test_accuracy'))} on non-members"
    )


def attack_rows(results: dict[str, Any]) -> list[list[str]]:
    """A row an attack: name, AUC, its interval, accuracy, TPR at 1 % FPR."""
    rows = []
    for name, attack in results.get("attacks", {}).items():
        low, high = attack.get("auc_interval") or (None, None)
        rows.append(
            [
                name,
                _number(attack.get("auc")),
                f"{_number(low)} - {_number(high)}",
                _number(attack.get("accuracy")),
                _number(attack.get("tpr_at_fpr", {}).get("0.01")),
            ]
        )
    return rows


def deletion_rows(results: dict[str, Any]) -> list[list[str]]:
    """A row a deletion and attack: AUC of deleted and of retained records, before > after."""
    rows = []
    for deletion in results.get("deletion", []):
        for name, attack in deletion.get("attacks", {}).items():
            pairs = [attack.get(records, {}) for records in ("deleted", "overall")]
            aucs = [
                " > ".join(_number(pair.get(when, {}).get("auc")) for when in ("before", "after"))
                for pair in pairs
            ]
            what = f"{deletion.get('request')} ({deletion.get('deleted')})"
            rows.append([what, str(deletion.get("method")), name, *aucs])
    return rows


def _number(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, (int, float)) else "-"


def main() -> None:
    """Serve the page."""
    import gradio

    found = read_results(RESULTS)
    with gradio.Blocks(title="mia-dual") as page:
        if not found:
            gradio.Markdown(
                "No results.json in `inference/results`: copy a job's `run` folder there. "
                "没有结果：请把训练输出中的 `run/results.json` 复制到 `inference/results`。"
            )
        for name, results in found.items():
            gradio.Markdown(f"## {name}\n\n{summary(results)}")
            gradio.Dataframe(
                attack_rows(results),
                headers=["attack", "AUC", "95 %", "accuracy", "TPR at 1 % FPR"],
            )
            gradio.Dataframe(
                deletion_rows(results),
                headers=["deleted", "method", "attack", "AUC deleted", "AUC retained"],
            )
    page.launch()


if __name__ == "__main__":
    main()
