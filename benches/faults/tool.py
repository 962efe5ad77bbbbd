"""Runs the tool on a folder and reads its document."""

import json
import os
import resource
import subprocess
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def binary(given=None):
    return given or os.environ.get("LLMFIN_BIN") or str(REPOSITORY / "target" / "release" / "llmfin")


def run(program, folder, arguments, cores=None):
    """(document, text, seconds, peak bytes, error). Exit code 1 is an answer: something is unexplained."""
    command = ([] if cores is None else ["taskset", "-c", cores]) + [program, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLMFIN_")}
    started = time.monotonic()
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    seconds = time.monotonic() - started
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    if process.returncode not in (0, 1) or not process.stdout.startswith("{"):
        return None, process.stdout, seconds, peak, f"exit {process.returncode}: {process.stderr.strip()[:2000]}"
    return json.loads(process.stdout), process.stdout, seconds, peak, ""
