"""The benchmark: invents months with known errors, runs llmfin on each, and judges the documents.

python3 benches/faults/run.py                      all suites, test seeds, and the table of figures
python3 benches/faults/run.py --write              the same, written into docs/benchmark-faults.md
python3 benches/faults/run.py --fast               a fixed part of it, compared with recorded.json
python3 benches/faults/run.py --split tune --suite single --only rate.stale --misses
python3 benches/faults/run.py --show NAME          one world by name: its folder is kept, truth and claims are printed
"""

import argparse
import json
import multiprocessing
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults import (  # noqa: E402
    baselines,
    dirty,
    golden,
    measure,
    money,
    play,
    report,
    selfcheck,
    suites,
    tool,
)
from faults.chance import share  # noqa: E402

WORLDS = {"single": 8, "mix2": 30, "mix3": 60, "mix5": 30, "open": 6, "twins": 25, "clean": 1000, "golden": 1, "dirty": 1, "scale": 100_000}
FAST = {"single": 1, "mix2": 3, "mix3": 6, "mix5": 3, "open": 1, "twins": 2, "clean": 40, "golden": 1, "dirty": 1}
RECORDED = Path(__file__).with_name("recorded.json")
JOBS, OPTIONS = [], None  # set before the workers are forked, which see them


def jobs(options):
    """(function, arguments) of every world asked for."""
    counts = FAST if options.fast else WORLDS
    for suite in options.suite or counts:
        count = options.worlds or counts[suite]
        if suite == "golden":
            yield from ((play.vector, (number, options)) for number in range(len(golden.VECTORS) + 1))
        elif suite == "dirty":
            yield from (
                (play.hostile, (options.split, make, options))
                for make in dirty.CASES
                if not (options.fast and make is dirty.ten_thousand_models)
            )
        elif suite == "scale":
            yield play.large, (options.split, count, options)
        else:
            for make, arguments in suites.cases(options.split, suite, count):
                texts = [given for given in arguments if isinstance(given, str)]
                row = next((given for given in arguments if hasattr(given, "cause")), None)
                if (
                    options.only
                    and not (row and options.only in f"{row.cause} {row.name}")
                    or options.grain
                    and not set(texts) & set(options.grain)
                ):
                    continue
                if options.fast and suite == "single" and (arguments[2] in ("MM", "T") or arguments[3] != row.whens[0]):
                    continue
                yield make, arguments


def work(number):
    make, arguments = JOBS[number]
    if make in (play.vector, play.hostile, play.large):
        return make(*arguments)
    case = make(*arguments)
    if case is None or (OPTIONS.show and case.name != OPTIONS.show):
        return None
    return play.world(case, OPTIONS)


def misses(result):
    """What is worth looking at in one result, as lines."""
    lines = []
    if result.get("check"):
        lines += [f"    {text}" for text in result["check"]]
    if result["error"]:
        lines.append(f"    {result['error']}")
    short = result["asked"] and any(true and found * 10 < true * 8 for true, found in zip(result.get("true", ()), result.get("found", ())))
    if short or result.get("wrong_findings"):
        lines += [
            f"    true {scope} {money.text(int(true))} found {money.text(int(found))}{'' if result['asked'] else ' (not asked)'}"
            for scope, true, found in zip(result["scopes"], result["true"], result["found"])
        ]
    lines += [f"    WRONG {text}" for text in result.get("wrong_findings", ())]
    lines += [f"    MISREAD {text}" for text in result.get("misread", ())]
    lines += [f"    NOT ADDITIVE {text}" for text in result.get("not_additive", ())]
    return [f"{result['name']}  {result.get('shape', '')}", *lines] if lines else []


def counts(results):
    """What must be the same on every machine: whole numbers only."""
    recorded = {}
    for suite in dict.fromkeys(r["suite"] for r in results):
        group = [r for r in results if r["suite"] == suite]
        if "check" in group[0]:
            recorded[suite] = {"worlds": len(group), "failed": sorted(r["label"] for r in group if r["check"])}
            continue
        m = measure.figures(group)
        names = ("worlds", "errors", "misread", "not additive", "faults", "named", "found", "scoped", "claims", "wrong claims", "ambiguous")
        recorded[suite] = {name: m[name] for name in names}
        recorded[suite]["wrong"] = sorted(f"{r['name']}: {text}" for r in group for text in r.get("wrong_findings", ()))
    return recorded


def compare(results, record):
    """Compares with the recorded counts, or records them; the exit code."""
    now = counts(results)
    if record:
        RECORDED.write_text(json.dumps(now, indent=1, ensure_ascii=False) + "\n")
        print(f"recorded in {RECORDED.name}")
        return 0
    before = json.loads(RECORDED.read_text())
    differences = [
        f"{suite} {name}: {before.get(suite, {}).get(name)} recorded, {now.get(suite, {}).get(name)} now"
        for suite in sorted(before.keys() | now.keys())
        for name in sorted(before.get(suite, {}).keys() | now.get(suite, {}).keys())
        if before.get(suite, {}).get(name) != now.get(suite, {}).get(name)
    ]
    print("\n".join(differences) or "as recorded")
    if differences:
        print("Better or worse? `--misses` shows the worlds; `--fast --record` records the new counts.")
    return 1 if differences else 0


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--split",
        choices=("test", "tune"),
        default="test",
        help="which seeds; the two share no world, and test seeds are never used to tune (default: test)",
    )
    parser.add_argument("--suite", action="append", choices=tuple(WORLDS), help="only this suite; may be repeated")
    parser.add_argument("--worlds", type=int, help="worlds of each kind (for scale: cells)")
    parser.add_argument("--only", default="", help="only faults whose cause or name contains this text")
    parser.add_argument("--grain", action="append", choices=suites.GRAINS, help="only this grain of bill; may be repeated")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only one world in N, drawn by its number, for a quick look")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="worlds at once (default: cores)")
    parser.add_argument("--binary", help="the program (default: $LLMFIN_BIN or target/release/llmfin)")
    parser.add_argument("--show", help="name of one world: keep its folder, print truth and claims")
    parser.add_argument("--misses", action="store_true", help="list every world with a wrong claim or a fault not found")
    parser.add_argument("--baselines", action="store_true", help="judge the baselines on the same worlds; part of --write")
    parser.add_argument("--write", action="store_true", help="rewrite the results in docs/benchmark-faults.md")
    parser.add_argument("--fast", action="store_true", help="a fixed part, compared with recorded.json; exit code 1 where they differ")
    parser.add_argument("--record", action="store_true", help="with --fast: record the counts")
    options = parser.parse_args()
    options.binary = tool.binary(options.binary)
    options.baselines |= options.write or (not options.suite and not options.fast)
    if not Path(options.binary).is_file():
        parser.error(f"{options.binary} is not there: cargo build --release, or name the program with --binary")
    if options.fast:
        options.split = "tune"  # a check that is run every day must not wear the test seeds out
    if options.show:
        options.split, suite = options.show.split("/")[:2]
        options.suite = [{"decoy": "clean"}.get(suite, suite)]
    return options


def progress(results, count):
    """The same results, counted on a terminal's error stream."""
    for number, result in enumerate(results, 1):
        if sys.stderr.isatty():
            print(f"\r{number} of {count} worlds", end="\n" if number == count else "", file=sys.stderr, flush=True)
        yield result


def main():
    global OPTIONS
    OPTIONS = options = arguments()
    selfcheck.run()
    JOBS.extend(job for number, job in enumerate(jobs(options)) if share("every", number) % options.every == 0)
    quick = [number for number, (make, _) in enumerate(JOBS) if make is not play.large]
    with multiprocessing.get_context("fork").Pool(options.jobs) as pool:
        results = [result for result in progress(pool.imap(work, quick, chunksize=2), len(quick)) if result]
    results += [work(number) for number in range(len(JOBS)) if number not in set(quick)]  # alone, so that its time is its own
    if options.show:
        return 0
    for line in (line for result in results for line in misses(result)) if options.misses else ():
        print(line)
    for suite in dict.fromkeys(result["suite"] for result in results):
        group = report.of(results, suite)
        print(f"\n{suite}, {options.split} seeds")
        if "check" in group[0]:
            for result in group:
                print(
                    f"{result['label']:62} {'; '.join(result['check']) or 'right'}  {result['seconds']:.1f} s of processor"
                    + (f", {result['peak'] / 1e6:.0f} MB" if "peak" in result else "")
                )
            continue
        report.terminal(group, lambda r: r["label"] + ("" if r["asked"] else " (not asked)"))
        report.terminal(group, lambda r: f"all at {r['grain']}" + ("" if r["asked"] else " (not asked)"))
        for name in baselines.ALL if options.baselines else ():
            report.terminal(report.theirs(group, name), lambda r, name=name: f"baseline: {name}")
    print()
    for figure, target, measured, reached in report.targets(results):
        print(f"{figure:66} {target:>10}  {measured:44} {reached}")
    if options.write:
        given = [text for text in sys.argv[1:] if text not in ("--binary", options.binary)]
        report.page(results, " ".join(["python3 benches/faults/run.py", *given]), f"{len(results)} worlds of the {options.split} split")
    return compare(results, options.record) if options.fast else 0


if __name__ == "__main__":
    sys.exit(main())
