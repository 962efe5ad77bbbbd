"""The tables: on the terminal, and between two markers of the published page."""

from . import baselines, measure, tool

PAGE = tool.REPOSITORY / "docs" / "benchmark-faults.md"
START, END = "<!-- results: written by benches/faults/run.py --write -->", "<!-- end of results -->"
WORLDS = ("single", "mix2", "mix3", "mix5", "open", "twins", "clean")


def show(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}"


def terminal(results, by):
    print(f"{'':62} worlds faults named found  $right  $wrong claims wrong")
    for name, m in measure.grouped(results, by).items():
        extra = "".join(f"  {m[what]} {what.upper()}" for what in ("errors", "misread", "not additive") if m[what])
        print(
            f"{name:62} {m['worlds']:6} {m['faults']:6} {m['named']:5} {m['found']:5} {show(m['right']):>7} {show(m['wrong']):>7} {m['claims']:6} {m['wrong claims']:5}{extra}"
        )


def markdown(header, rows, left=1):
    marks = ["---" if n < left else "---:" for n in range(len(header))]
    return "\n".join("| " + " | ".join(str(cell) for cell in row) + " |" for row in [header, marks, *rows]) + "\n"


def of(results, suite, test=lambda r: True):
    return [r for r in results if r["suite"] == suite and test(r)]


def verdict(good):
    return "yes" if good else "**no**"


def targets(results):
    """(figure, target, measured, reached) for the suites that were run."""
    rows = []
    worlds = [r for r in results if r["suite"] in WORLDS]
    if worlds:
        broken = sum(1 for r in worlds if r.get("not_additive")) + sum(
            1 for r in results if "check" in r and any(" is not " in text for text in r["check"])
        )
        rows.append(("additivity, documents that do not add up", "0", f"{broken} of {len(worlds)}", verdict(not broken)))
    for loss in (False, True):
        clean = of(results, "clean", lambda r: r["label"].endswith("with loss") == loss)
        if clean:
            false = measure.figures(clean)["wrong claims"]
            rate = 1000 * false / len(clean)
            rows.append(
                (
                    f"clean and decoy months, {'0.2 % loss' if loss else 'no loss'}: false causes in 1,000",
                    "≤ 1",
                    f"{rate:.1f} ({false} in {len(clean)})",
                    verdict(rate <= 1),
                )
            )
    for name, grains in (("class-day", ("Q", "A")), ("model-day", ("MD",))):
        single = of(results, "single", lambda r: r["grain"] in grains)
        if single:
            m = measure.figures(single)
            rows.append(
                (
                    f"one fault, {name}: recall",
                    "≥ 0.97",
                    f"{show(measure.recall(m))} ({m['found']} of {m['faults']})",
                    verdict((measure.recall(m) or 0) >= 0.97),
                )
            )
            rows.append(
                (
                    f"one fault, {name}: precision of claims",
                    "≥ 0.99",
                    f"{show(m['precision'])} ({m['wrong claims']} wrong of {m['claims']})",
                    verdict((m["precision"] or 0) >= 0.99),
                )
            )
    for suite, kind, right, wrong in (("mix3", "adversarial", 0.92, 0.02), ("mix5", "", 0.85, 0.03)):
        mixed = of(results, suite, lambda r: kind in r["label"])
        if mixed:
            m = measure.figures(mixed)
            title = "three faults, adversarial, 0.2 % loss" if suite == "mix3" else "five faults"
            rows.append((f"{title}: dollars rightly attributed", f"≥ {right}", show(m["right"]), verdict((m["right"] or 0) >= right)))
            rows.append((f"{title}: wrong dollars", f"≤ {wrong}", show(m["wrong"]), verdict((m["wrong"] or 0) <= wrong)))
    strange = of(results, "open")
    if strange:
        m = measure.figures(strange)
        rows.append(("faults without a template: wrong dollars", "≤ 0.02", show(m["wrong"]), verdict((m["wrong"] or 0) <= 0.02)))
    twins = of(results, "twins")
    if twins:
        m = measure.figures(twins)
        covered = measure.ratio(m["covered"], m["spoken"])
        rows.append(
            (
                "twins: truth inside the group, where anything is said",
                "≥ 0.98",
                f"{show(covered)} ({m['covered']} of {m['spoken']}; silent in {m['worlds'] - m['spoken']})",
                verdict((covered or 0) >= 0.98),
            )
        )
    if worlds and all("baselines" in r for r in worlds if not r["error"]):
        better = beaten(results)
        rows.append(("baselines better than llmfin in a suite", "none", ", ".join(better) or "none", verdict(not better)))
    for r in of(results, "scale"):
        rows.append(
            (
                f"{r['label']}, 5 faults: seconds, whole program",
                "≤ 5",
                f"{r['wall']:.1f} (one core {r['wall one core']:.1f}; processor {r['seconds']:.1f})",
                verdict(r["wall"] <= 5),
            )
        )
        rows.append((f"{r['label']}, 5 faults: peak memory", "≤ 500 MB", f"{r['peak'] / 1e6:.0f} MB", verdict(r["peak"] <= 500e6)))
        rows.append(
            (f"{r['label']}, 5 faults: one core and two", "same bytes", "; ".join(r["check"]) or "same bytes", verdict(not r["check"]))
        )
    for suite in ("golden", "dirty"):
        checks = of(results, suite)
        if checks:
            failed = [r["label"] for r in checks if r["check"]]
            rows.append(
                (
                    {"golden": "golden vectors", "dirty": "hostile input answered or refused in words"}[suite],
                    "all",
                    f"{len(checks) - len(failed)} of {len(checks)}" + (f" (not {', '.join(failed)})" if failed else ""),
                    verdict(not failed),
                )
            )
    return rows


def theirs(results, name):
    return [{**r, **r["baselines"][name]} for r in results if not r["error"]]


def score(suite, m):
    """One number to rank by: dollars right less dollars wrong; where nothing is there to be found, claims avoided."""
    return -m["wrong claims"] if suite == "clean" else (m["right"] or 0.0) - (m["wrong"] or 0.0)


def beaten(results):
    better = []
    for suite in WORLDS:
        group = of(results, suite)
        if group:
            ours = score(suite, measure.figures(group))
            better += [f"{name} in {suite}" for name in baselines.ALL if score(suite, measure.figures(theirs(group, name))) > ours]
    return better


def comparison(results):
    rows = []
    suites = [suite for suite in WORLDS if of(results, suite)]
    for name in ("llmfin", *baselines.ALL):
        cells = []
        for suite in suites:
            group = of(results, suite)
            m = measure.figures(group if name == "llmfin" else theirs(group, name))
            cells.append(f"{m['wrong claims']} claims" if suite == "clean" else f"{show(m['right'], 2)} / {show(m['wrong'], 2)}")
        rows.append((name, *cells))
    return markdown(("right / wrong dollars", *suites), rows)


def suites(results):
    rows = []
    for suite in WORLDS:
        for label, m in measure.grouped(of(results, suite), lambda r: r["label"] if suite not in ("single", "clean") else "").items():
            group = f"{m['group size']:.1f}" if m["group size"] else "–"
            rows.append(
                (
                    suite,
                    label,
                    m["worlds"],
                    m["faults"],
                    m["named"],
                    m["found"],
                    m["scoped"],
                    show(m["right"]),
                    show(m["wrong"]),
                    show(m["residual"]),
                    m["claims"],
                    m["wrong claims"],
                    m["ambiguous"],
                    group,
                )
            )
    return markdown(
        (
            "suite",
            "",
            "worlds",
            "faults asked for",
            "named",
            "found",
            "and in scope",
            "dollars right",
            "wrong",
            "unexplained",
            "claims",
            "wrong claims",
            "groups",
            "ids in a group",
        ),
        rows,
        2,
    )


def by_fault(results):
    rows = []
    single = of(results, "single")
    for label, _ in measure.grouped(single, lambda r: r["label"]).items():
        cells = []
        for grain in ("Q", "A", "MD", "MM", "T"):
            group = [r for r in single if r["label"] == label and r["grain"] == grain]
            if not group:
                cells.append("")
                continue
            m = measure.figures(group)
            text = f"{m['found']}/{m['faults']}" if group[0]["asked"] else "–"
            cells.append(text + (f", {m['wrong claims']} wrong" if m["wrong claims"] else ""))
        cause, _, name = label.partition(" · ")
        rows.append((f"`{cause}`", name, *cells))
    return markdown(("cause", "fault", "Q", "A", "MD", "MM", "T"), rows, 2)


def page(results, command, extent):
    """Rewrites the part of the page between the markers."""
    parts = [f"Written by `{command}`: {extent}.\n", markdown(("figure", "to reach", "measured", "reached"), targets(results), 1)]
    worlds = [r for r in results if r["suite"] in WORLDS]
    if worlds and all("baselines" in r for r in worlds if not r["error"]):
        parts += ["### Baselines on the same worlds\n", comparison(results)]
    parts += ["### Suites\n", suites(results)]
    if of(results, "single"):
        parts += ["### One fault, by cause and grain\n", "Found of asked for; `–` where the bill cannot show the fault and the right answer is `unexplained`.\n", by_fault(results)]
    text = PAGE.read_text()
    before, rest = text.split(START)
    _, after = rest.split(END)
    PAGE.write_text(before + START + "\n\n" + "\n".join(parts) + "\n" + END + after)
