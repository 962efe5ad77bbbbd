"""The benchmark: invents months with known errors, runs the tool on each, and judges the documents.

    python3 benches/faults/run.py                    all suites, test seeds, and the table
    python3 benches/faults/run.py --split tune --suite single --worlds 2 --only rate.stale
    python3 benches/faults/run.py --show NAME        one world: its folder is kept, truth and claims are printed
"""

import argparse
import multiprocessing
import os
import shutil
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults import baselines, billing, exports, gateway, judge, money, suites, tool, truth  # noqa: E402

DEFAULT_WORLDS = {"single": 2, "mix2": 24, "mix3": 40, "mix5": 24, "open": 4, "twins": 20, "clean": 1000}
OPTIONS = None
JOBS = []  # (function, arguments); the workers are forked and see them


def numbered(number):
    return one(JOBS[number])


def one(job):
    """Makes, runs and judges one world; plain data, so that it can cross a process border."""
    make, arguments = job
    case = make(*arguments)
    if case is None:
        return None
    world = truth.with_faults(case.world, case.faults)
    shares = case.shares
    folder = Path(tempfile.mkdtemp(prefix="llmfin-faults-"))
    try:
        command = exports.write(world, folder)
        document, _, seconds, peak, error = tool.run(OPTIONS.binary, folder, command)
    finally:
        if not OPTIONS.show:
            shutil.rmtree(folder)
    result = {"name": case.name, "suite": case.suite, "grain": case.grain, "label": case.label, "asked": case.asked, "error": error, "seconds": seconds,
              "shape": "+".join(world.bill_shape.values()) + " " + world.log_shape, "scopes": [f"{fault.row.cause} ({fault.row.name}) {fault.scope}" for fault in case.faults],
              "causes": [fault.row.cause for fault in case.faults]}
    if document is None:
        return result
    if OPTIONS.show:
        explain(case, folder, command, document, shares)
    verdict = judge.judge(document, case.faults, shares)
    verdict.misread = judge.misread(document, sum(line.amount for line in billing.lines(world)), sum(gateway.cost(call) for call in world.calls))
    result.update(vars(verdict))
    if OPTIONS.baselines:
        seen = baselines.Table(world, case.grain)
        result["baselines"] = {name: vars(judge.judge_claims(method(seen), seen.cells, case.faults, shares)) for name, method in baselines.ALL.items()}
    return result


def explain(case, folder, command, document, shares):
    print(f"{case.name}\n{folder}\nllmfin {' '.join(command)}")
    for fault, share in zip(case.faults, shares):
        print(f"TRUE  {fault.row.cause} ({fault.row.name}) {fault.scope}: {money.text(int(sum(share.values())))} net over {len(share)} cells")
        for cell, amount in sorted(share.items())[:12]:
            print(f"      {' '.join(cell)} {money.text(int(amount))}")
    for finding in document["findings"]:
        print(f"CLAIM {finding['id']} {finding['bridge']} {finding['cause']} {finding['status']} {finding['amount']} rivals {finding['rivals']} {finding['scope']}")
    print("TOTALS", document["totals"])


def ratio(part, whole):
    return float(part) / float(whole) if whole else None


def mean(values):
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def measure(results):
    """Figures of a group of verdicts. Dollars are shares of each world's true dollars, averaged over worlds."""
    done = [r for r in results if not r["error"]]
    asked = [r for r in done if r["asked"]]
    return {
        "worlds": len(results), "errors": len(results) - len(done), "misread": sum(1 for r in done if r["misread"]), "not additive": sum(1 for r in done if r["not_additive"]),
        "faults": sum(len(r["true"]) for r in asked), "named": sum(sum(r["named"]) for r in asked),
        "found": sum(sum(1 for true, found in zip(r["true"], r["found"]) if true and found * 10 >= true * 8) for r in asked),
        "right": mean([ratio(sum(r["found"]), sum(r["true"])) for r in done]), "wrong": mean([ratio(r["wrong"], sum(r["true"])) for r in done]),
        "excess": mean([ratio(r["excess"], sum(r["true"])) for r in done]),
        "claims": sum(r["right_findings"] + len(r["wrong_findings"]) for r in done), "wrong claims": sum(len(r["wrong_findings"]) for r in done),
        "ambiguous": sum(r["ambiguous"] for r in done), "false worlds": sum(1 for r in done if r["wrong_findings"]),
    }


def figure(value):
    return "      –" if value is None else f"{value:7.3f}"


def table(results, by):
    groups = defaultdict(list)
    for result in results:
        groups[by(result)].append(result)
    print(f"{'':62} worlds faults named found  $right  $wrong claims wrong")
    for name in sorted(groups):
        m = measure(groups[name])
        extra = "".join(f"  {m[what]} {what.upper()}" for what in ("errors", "misread", "not additive") if m[what])
        print(f"{name:62} {m['worlds']:6} {m['faults']:6} {m['named']:5} {m['found']:5} {figure(m['right'])} {figure(m['wrong'])} {m['claims']:6} {m['wrong claims']:5}{extra}")


def start(options):
    global OPTIONS
    OPTIONS = options


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--split", choices=("test", "tune"), default="test", help="which seeds; test seeds are never used to tune (default: test)")
    parser.add_argument("--suite", action="append", help="a suite: single, mix2, mix3, mix5, open, twins, clean; may be repeated (default: all)")
    parser.add_argument("--worlds", type=int, help="worlds of each kind (default: per suite)")
    parser.add_argument("--only", default="", help="single faults whose cause or name contains this text")
    parser.add_argument("--grain", action="append", help="only this grain of bill: Q, A, MD, MM or T")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="worlds at once (default: cores)")
    parser.add_argument("--binary", help="the program (default: $LLMFIN_BIN or target/release/llmfin)")
    parser.add_argument("--show", help="name of one world: keep its folder, print truth and claims")
    parser.add_argument("--baselines", action="store_true", help="judge the baselines on the same worlds")
    parser.add_argument("--misses", action="store_true", help="list every world with a wrong claim or a fault not found")
    options = parser.parse_args()
    options.binary = tool.binary(options.binary)
    if not Path(options.binary).is_file():
        parser.error(f"{options.binary} is not there: cargo build --release, or name the program with --binary")
    start(options)
    jobs = JOBS
    for suite in options.suite or DEFAULT_WORLDS:
        split = options.show.split("/")[0] if options.show else options.split
        worlds = options.worlds or DEFAULT_WORLDS[suite]
        for make, arguments in suites.cases(split, suite, worlds):
            if suite == "single" and options.only and options.only not in f"{arguments[1].cause} {arguments[1].name}":
                continue
            if options.grain and not any(isinstance(given, str) and given in options.grain for given in arguments):
                continue
            jobs.append((make, arguments))
    if options.show:
        for job in jobs:
            case = job[0](*job[1])
            if case and case.name == options.show:
                one(job)
        return
    with multiprocessing.get_context("fork").Pool(options.jobs, start, (options,)) as pool:
        results = [result for result in pool.imap(numbered, range(len(jobs)), chunksize=4) if result]
    if options.misses:
        for result in results:
            if result["error"] or result["wrong_findings"] or result["misread"] or result["not_additive"] or (result["asked"] and any(f * 10 < t * 8 for t, f in zip(result["true"], result["found"]))):
                print(result["name"], result["shape"], result["error"] or "")
                for fault, true, found in zip(result["scopes"], result.get("true", []), result.get("found", [])):
                    print(f"    true {fault} {money.text(int(true))} found {money.text(int(found))}{'' if result['asked'] else ' (not asked)'}")
                for text in result.get("wrong_findings", []):
                    print(f"    WRONG {text}")
                for text in result.get("misread", []):
                    print(f"    MISREAD {text}")
                for text in result.get("not_additive", []):
                    print(f"    NOT ADDITIVE {text}")
    for suite in dict.fromkeys(result["suite"] for result in results):
        print(f"\n{suite}, {options.split} seeds")
        table([r for r in results if r["suite"] == suite], lambda r: f"{r['label']}" + (f" [{r['grain']}]" if suite == "single" and options.grain else "") + ("" if r["asked"] else " (not asked)"))
        table([r for r in results if r["suite"] == suite], lambda r: f"all at {r['grain']}" + ("" if r["asked"] else " (not asked)"))

        for name in baselines.ALL if options.baselines else ():
            theirs = [{**r, **r["baselines"][name]} for r in results if r["suite"] == suite and not r["error"]]
            table(theirs, lambda r: f"baseline: {name}")


if __name__ == "__main__":
    main()
