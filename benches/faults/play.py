"""One world from its making to its verdict, as plain data that can cross a process border."""

import hashlib
import shutil
import tempfile
from pathlib import Path

from . import (
    baselines,
    billing,
    dirty,
    exports,
    gateway,
    golden,
    judge,
    money,
    scale,
    tool,
    truth,
)


class Folder:
    """A scratch folder, kept where the world is to be shown."""

    def __init__(self, keep=False):
        self.path, self.keep = Path(tempfile.mkdtemp(prefix="llmfin-faults-")), keep

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        if not self.keep:
            shutil.rmtree(self.path)


def world(case, options):
    """A world with its faults: written, run, judged."""
    changed = truth.with_faults(case.world, case.faults)
    with Folder(options.show) as folder:
        command = exports.write(changed, folder)
        run = tool.run(options.binary, folder, command)
        if options.show:
            show(case, folder, command, run)
    result = {
        "name": case.name,
        "suite": case.suite,
        "grain": case.grain,
        "label": case.label,
        "asked": case.asked,
        "error": run.error,
        "seconds": run.processor,
        "shape": "+".join(changed.bill_shape.values()) + " " + changed.log_shape,
        "scopes": [f"{fault.row.cause} ({fault.row.name}) {fault.scope}" for fault in case.faults],
        "causes": [fault.row.cause for fault in case.faults],
        "grains": [fault.row.grains for fault in case.faults],
    }
    if run.document is None:
        return result
    verdict = judge.judge(run.document, case.faults, case.shares)
    verdict.misread = judge.misread(
        run.document, sum(line.amount for line in billing.lines(changed)), sum(gateway.cost(call) for call in changed.calls)
    )
    result.update(vars(verdict))
    if options.baselines:
        seen = baselines.Table(changed, case.grain)
        result["baselines"] = {
            name: vars(judge.judge_claims(method(seen), seen.cells, case.faults, case.shares)) for name, method in baselines.ALL.items()
        }
    return result


def show(case, folder, command, run):
    print(f"{case.name}\n{folder}\nllmfin {' '.join(command)}\n{run.error}")
    for fault, share in zip(case.faults, case.shares):
        print(
            f"TRUE  {fault.row.cause} ({fault.row.name}) {fault.scope}: {money.text(int(sum(share.values())))} net over {len(share)} cells"
        )
        for cell, amount in sorted(share.items())[:12]:
            print(f"      {' '.join(cell)} {money.text(int(amount))}")
    for finding in run.document["findings"] if run.document else ():
        scope = {name: value for name, value in finding["scope"].items() if value}
        print(
            f"CLAIM {finding['id']} {finding['bridge']} {finding['cause']} {finding['status']} {finding['amount']} rivals {finding['rivals']} {scope}"
        )
    if run.document:
        print("TOTALS", run.document["totals"])


def check(suite, label, problems, run):
    """The result of a world that is right or not, without dollars."""
    return {
        "name": label,
        "suite": suite,
        "grain": "",
        "label": label,
        "asked": True,
        "error": "",
        "seconds": run.processor,
        "check": problems,
    }


def vector(number, options):
    """A golden vector."""
    with Folder() as folder:
        if number == len(golden.VECTORS):
            run = tool.run(options.binary, folder, golden.cents(folder))
            return check("golden", "langwatch/langwatch#6977", [run.error] if run.error else golden.cents_verdict(run.document), run)
        one = golden.VECTORS[number]
        run = tool.run(options.binary, folder, golden.write(one, folder))
        return check("golden", one.source, [run.error] if run.error else golden.verdict(one, run.document), run)


def hostile(split, make, options):
    """Odd input: an answer that adds up, or a refusal in words; never a panic."""
    with Folder() as folder:
        run = tool.run(options.binary, folder, make(split, folder))
    problems = []
    if run.document is None:
        if "panicked" in run.error or not run.error.startswith("exit 2: error:"):
            problems.append(run.error)
    else:
        problems += judge.additivity(run.document)
        if make in dirty.SILENT and any(finding["cause"] not in judge.IGNORED for finding in run.document["findings"]):
            problems.append(f"claims {[finding['cause'] for finding in run.document['findings']]}")
    return check("dirty", make.__name__.replace("_", " "), problems, run)


def large(split, cells, options):
    """The scale world on one core and on two."""
    with Folder() as folder:
        arguments, count = scale.write(split, folder, cells)
        one, two = (tool.run(options.binary, folder, arguments, cores) for cores in ("0", "0,1"))
    problems = [run.error for run in (one, two) if run.error]
    if not problems:
        problems += judge.additivity(two.document)
        if one.text != two.text:
            problems.append("one core and two give different bytes")
    digest = hashlib.sha256(two.text.encode()).hexdigest()
    causes = sorted(finding["cause"] for finding in two.document["findings"]) if two.document else []
    return {
        **check("scale", f"{count:,} cells", problems, two),
        "wall": two.seconds,
        "wall one core": one.seconds,
        "peak": two.peak,
        "digest": digest,
        "findings": causes,
    }
