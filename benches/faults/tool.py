"""Runs the tool on a folder and reads its document."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

SHIM = """
import json, os, sys, time
measured = int(os.environ.pop("MEASURED"))
started = time.monotonic()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_CLOSE, measured)])
_, status, used = os.wait4(child, 0)
result = [os.waitstatus_to_exitcode(status), time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss]
os.write(measured, json.dumps(result).encode())
"""

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
        # A small process of its own starts the program: a child's peak begins with that of whoever forks it.
        shim = [sys.executable, "-S", "-c", SHIM, *command]
        with tempfile.TemporaryFile() as measured:
            process = subprocess.run(
                shim, cwd=folder, env={**environment, "MEASURED": str(measured.fileno())}, stdout=out, stderr=complaints, pass_fds=[measured.fileno()]
            )
            measured.seek(0)
            code, seconds, processor, peak = json.loads(measured.read() or f"[{process.returncode}, 0, 0, 0]")
        out.seek(0)
        complaints.seek(0)
        text, words = out.read().decode(), complaints.read().decode(errors="replace")
    good = code in (0, 1) and text.startswith("{")
    return Run(
        json.loads(text) if good else None,
        text,
        "" if good else f"exit {code}: {words.strip()[:2000]}",
        seconds,
        processor,
        peak * 1024,
    )
