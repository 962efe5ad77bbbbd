"""What the checks share: running llmfin, reading its tables, and one printed line per check."""

import csv
import os
import subprocess
import sys
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WORK = Path(os.environ.get("CONFORMANCE_WORK", ROOT / "target/conformance/work"))
LLMFIN = os.environ.get("LLMFIN", str(ROOT / "target/release/llmfin"))
METERS = (
    "input cache_read cache_write_5m cache_write_30m cache_write_1h cache_write_12h cache_write_other output "
    "output_reasoning input_audio cache_read_audio output_audio input_image output_image input_video web_search"
).split()

failures = 0


def check(name, problems, figure=""):
    """One line: the check, its figure, and every difference below it."""
    global failures
    failures += bool(problems)
    print(f"{'ok  ' if not problems else 'FAIL'}  {name}{': ' + figure if figure else ''}")
    for problem in problems:
        print(f"        {problem}")


def done():
    sys.exit(1 if failures else 0)


def llmfin(*arguments, exits=(0,), **options):
    """Runs llmfin apart from any books or settings of this machine."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("LLMFIN")}
    run = subprocess.run(
        [LLMFIN, *map(str, arguments)], capture_output=True, text=True, env=clean, cwd=WORK, **options
    )
    if run.returncode not in exits:
        raise SystemExit(f"llmfin {' '.join(map(str, arguments))} ended with {run.returncode}\n{run.stderr}")
    return run


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def twelve(text):
    """An amount as llmfin keeps it: 12 decimals, half to even."""
    return Decimal(text).quantize(Decimal("1e-12"), rounding=ROUND_HALF_EVEN)
