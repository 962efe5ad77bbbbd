"""Figures from verdicts. Dollars are shares of each world's true dollars, averaged over worlds, so that no large month outweighs the rest."""

from collections import defaultdict


def ratio(part, whole):
    return float(part) / float(whole) if whole else None


def mean(values):
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def figures(results):
    done = [r for r in results if not r["error"]]
    asked = [r for r in done if r["asked"]]
    claimed = [r for r in done if r["right_findings"] or r["wrong_findings"]]
    right, wrong = sum(r["right_findings"] for r in done), sum(len(r["wrong_findings"]) for r in done)
    return {
        "worlds": len(results),
        "errors": len(results) - len(done),
        "misread": sum(1 for r in done if r["misread"]),
        "not additive": sum(1 for r in done if r["not_additive"]),
        "faults": sum(len(r["true"]) for r in asked),
        "named": sum(sum(r["named"]) for r in asked),
        # found: at least four fifths of its dollars rightly attributed
        "found": sum(sum(1 for true, found in zip(r["true"], r["found"]) if true and found * 10 >= true * 8) for r in asked),
        # scoped: besides, named in cells that hold nineteen twentieths of its dollars, and nowhere else
        "scoped": sum(
            sum(1 for true, reached in zip(r["true"], r["reached"]) if true and reached * 20 >= true * 19 and not r["wrong"]) for r in asked
        ),
        "right": mean([ratio(sum(r["found"]), sum(r["true"])) for r in done]),
        "wrong": mean([ratio(r["wrong"], sum(r["true"])) for r in done]),
        "excess": mean([ratio(r["excess"], sum(r["true"])) for r in done]),
        "residual": mean([ratio(r["residual"], sum(r["true"])) for r in done]),
        "claims": right + wrong,
        "wrong claims": wrong,
        "precision": ratio(right, right + wrong),
        "ambiguous": sum(r["ambiguous"] for r in done),
        "group size": mean([size for r in done for size in r["group_sizes"] if size > 1]),
        "onset": mean([days for r in done for days in r["onsets"]]),
        "false worlds": sum(1 for r in done if r["wrong_findings"]),
        # twins: of the worlds in which anything is said, those in which it is a group with the truth inside
        "spoken": len(claimed),
        "covered": sum(1 for r in claimed if all(r["named"]) and not r["wrong_findings"] and r["ambiguous"] == r["right_findings"]),
    }


def recall(figure):
    return ratio(figure["found"], figure["faults"])


def grouped(results, by):
    groups = defaultdict(list)
    for result in results:
        groups[by(result)].append(result)
    return {name: figures(groups[name]) for name in sorted(groups)}
