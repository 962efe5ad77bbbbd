"""Was it right? Only the document is judged: what it claims in each cell, against what the world knows of that cell."""

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal

from . import money

IGNORED = ("round.line", "round.float")  # rounding is no fault; both are computed, not guessed


@dataclass
class Verdict:
    """Dollars are femto-dollars. `found`: of each fault, the dollars rightly attributed to it."""

    true: list = field(default_factory=list)
    found: list = field(default_factory=list)
    named: list = field(default_factory=list)
    reached: list = field(default_factory=list)  # true dollars in cells where the fault is named
    wrong: int = 0
    excess: int = 0
    residual: int = 0
    gross: int = 0
    right_findings: int = 0
    wrong_findings: list = field(default_factory=list)
    ambiguous: int = 0
    not_additive: list = field(default_factory=list)
    misread: list = field(default_factory=list)


def exact(text):
    return Decimal(text)


def additivity(document):
    """Every identity the document promises, exactly; a list of those that fail."""
    broken = []

    def holds(name, left, right):
        if left != right:
            broken.append(f"{name}: {left} is not {right}")

    by_finding = defaultdict(Decimal)
    for cell in document["cells"]:
        name = f"{cell['provider']} {cell['model']} {cell['from']}"
        holds(f"{name} delta", exact(cell["billed"]) - exact(cell["priced"]), exact(cell["delta"]))
        for claims, rest, total in ((cell["findings"], cell["unexplained"], exact(cell["delta"])),
                                    (cell["logged_findings"], cell["logged_unexplained"], exact(cell["priced"]) - exact(cell["logged"]))):
            holds(f"{name} sum", sum((exact(claim["amount"]) for claim in claims), exact(rest)), total)
            for claim in claims:
                by_finding[claim["id"]] += exact(claim["amount"])
    for charge in document["charges"]:
        if charge["finding"]:
            by_finding[charge["finding"]] += exact(charge["amount"]) - exact(charge["unexplained"])
    for finding in document["findings"]:
        holds(f"finding {finding['id']} {finding['cause']}", by_finding[finding["id"]], exact(finding["amount"]))
    totals = document["totals"]
    holds("totals.delta", sum((exact(c["delta"]) for c in document["cells"]), Decimal()) + sum((exact(c["amount"]) for c in document["charges"]), Decimal()), exact(totals["delta"]))
    holds("totals.explained", exact(totals["explained"]) + exact(totals["unexplained"]), exact(totals["delta"]))
    return broken


def judge(document, faults, shares):
    """The verdict on one document. `shares`: of each fault, its dollars by (provider, model, day)."""
    verdict = Verdict(true=[0] * len(faults), found=[0] * len(faults), named=[False] * len(faults), reached=[0] * len(faults))
    verdict.not_additive = additivity(document)
    findings = {finding["id"]: finding for finding in document["findings"]}
    tally = defaultdict(lambda: [0, 0])  # of each finding, right and wrong dollars
    spoken = set()
    pools = defaultdict(lambda: [])
    for cell in document["cells"]:
        key = (cell["provider"], cell["model"], cell["from"], cell["to"])
        pools[key] += [(claim["id"], femto(claim["amount"])) for claim in cell["findings"] + cell["logged_findings"]]
        verdict.residual += abs(femto(cell["unexplained"])) + abs(femto(cell["logged_unexplained"]))
        verdict.gross += abs(femto(cell["delta"]))
    for charge in document["charges"]:
        days = charge.get("from") or document["month"] + "-01"
        key = (charge["provider"], "*", "2026-10-01", "2026-10-31")
        if charge["finding"]:
            pools[key].append((charge["finding"], femto(charge["amount"]) - femto(charge["unexplained"])))
        verdict.residual += abs(femto(charge["unexplained"]))
        verdict.gross += abs(femto(charge["amount"]))
    for key, claims in sorted(pools.items(), key=lambda item: tuple(str(part) for part in item[0])):
        truth = [cell_truth(share, key) for share in shares]
        for n, amount in enumerate(truth):
            if key[1] != "*" or amount:
                spoken.add(key)
        claimed = defaultdict(int)
        for finding_id, amount in claims:
            finding = findings[finding_id]
            if finding["cause"] in IGNORED or not amount:
                continue
            names = {finding["cause"], *(finding["rivals"] if finding["status"] == "ambiguous" else ())}
            fitting = [n for n, fault in enumerate(faults) if truth[n] and names & fault.row.accepts]
            if not fitting:
                verdict.wrong += abs(amount)
                tally[finding_id][1] += abs(amount)
                continue
            tally[finding_id][0] += abs(amount)
            best = max(fitting, key=lambda n: ((truth[n] - claimed[n]) * amount > 0, abs(truth[n] - claimed[n])))
            claimed[best] += amount
            verdict.named[best] = True
        for n, amount in claimed.items():
            if amount * truth[n] > 0:
                verdict.found[n] += min(abs(amount), abs(truth[n]))
                verdict.reached[n] += abs(truth[n])
            verdict.excess += max(0, abs(amount) - abs(truth[n]))
        for n, amount in enumerate(truth):
            verdict.true[n] += abs(amount)
    for finding_id, (right, wrong) in sorted(tally.items()):
        finding = findings[finding_id]
        if right > wrong:
            verdict.right_findings += 1
            verdict.ambiguous += finding["status"] == "ambiguous"
        else:
            verdict.wrong_findings.append(f"{finding['cause']} {finding['status']} {finding['amount']} {'+'.join(finding['scope']['models'])} "
                                          f"{finding['scope']['from']}..{finding['scope']['to']} rivals {finding['rivals']}")
    return verdict


def misread(document, billed, logged):
    """Whether the tool read other sums from the files than were written into them: then the rest says nothing."""
    totals, found = document["totals"], []
    slack = femto(totals["rounding_bound"]) + money.CENT // 100
    if abs(femto(totals["billed"]) - billed) > slack:
        found.append(f"billed {totals['billed']} where {money.text(billed)} was written")
    if abs(femto(totals["logged"]) - logged) > money.CENT // 100:
        found.append(f"logged {totals['logged']} where {money.text(logged)} was written")
    return found


def cell_truth(share, key):
    """The dollars of one fault in one cell of the document, which may cover several models and days."""
    provider, model, first, last = key
    return sum(amount for (seller, name, day), amount in share.items()
               if seller == provider and first <= day <= last and (model is None or name == model or (model == "*" and name == "*")))


def femto(text):
    return money.dollars(text)
