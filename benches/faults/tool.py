"""Runs the tool on a folder and reads its document."""

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Run:
    """`document` is None where the tool gave none; `error` then says why. Exit code 1 is an answer: something is unexplained."""

    document: dict
    text: str
    error: str
    seconds: float
    processor: float
    peak: int


def binary(given=None):
    return given or os.environ.get("LLMFIN_BIN") or str(REPOSITORY / "target" / "release" / "llmfin")


def run(program, folder, arguments, cores=None):
    command = ([] if cores is None else ["taskset", "-c", cores]) + [program, *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LLMFIN_")}
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as complaints:
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=out, stderr=complaints)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        out.seek(0)
        complaints.seek(0)
        text, words = out.read().decode(), complaints.read().decode(errors="replace")
    good = code in (0, 1) and text.startswith("{")
    return Run(
        json.loads(text) if good else None,
        text,
        "" if good else f"exit {code}: {words.strip()[:2000]}",
        seconds,
        used.ru_utime + used.ru_stime,
        used.ru_maxrss * 1024,
    )
