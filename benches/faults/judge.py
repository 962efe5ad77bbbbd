"""Was it right? Only the document is judged: what it claims in each cell, against what the world knows of that cell."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
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
    group_sizes: list = field(default_factory=list)
    onsets: list = field(default_factory=list)  # of right findings, days between the first day claimed and the true one
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
        for claims, rest, total in (
            (cell["findings"], cell["unexplained"], exact(cell["delta"])),
            (cell["logged_findings"], cell["logged_unexplained"], exact(cell["priced"]) - exact(cell["logged"])),
        ):
            holds(f"{name} sum", sum((exact(claim["amount"]) for claim in claims), exact(rest)), total)
            for claim in claims:
                by_finding[claim["id"]] += exact(claim["amount"])
    for charge in document["charges"]:
        if charge["finding"]:
            by_finding[charge["finding"]] += exact(charge["amount"]) - exact(charge["unexplained"])
    for finding in document["findings"]:
        holds(f"finding {finding['id']} {finding['cause']}", by_finding[finding["id"]], exact(finding["amount"]))
    totals = document["totals"]
    holds(
        "totals.delta",
        sum((exact(c["delta"]) for c in document["cells"]), Decimal()) + sum((exact(c["amount"]) for c in document["charges"]), Decimal()),
        exact(totals["delta"]),
    )
    holds("totals.explained", exact(totals["explained"]) + exact(totals["unexplained"]), exact(totals["delta"]))
    return broken


@dataclass
class Claim:
    """One finding's amount in one cell. `cell`: provider, model (None: several), first day, last day."""

    cell: tuple
    finding: str
    names: frozenset
    amount: int


def claims_of(document):
    """Every amount that a finding explains, on either bridge and beside the usage."""
    findings = {finding["id"]: finding for finding in document["findings"]}
    found = []

    def add(cell, finding_id, amount):
        finding = findings[finding_id]
        if finding["cause"] not in IGNORED and amount:
            names = {finding["cause"], *(finding["rivals"] if finding["status"] == "ambiguous" else ())}
            found.append(Claim(cell, finding_id, frozenset(names), amount))

    for cell in document["cells"]:
        for claim in cell["findings"] + cell["logged_findings"]:
            add((cell["provider"], cell["model"], cell["from"], cell["to"]), claim["id"], femto(claim["amount"]))
    for charge in document["charges"]:
        if charge["finding"]:
            add(
                (charge["provider"], "*", "2026-10-01", "2026-10-31"),
                charge["finding"],
                femto(charge["amount"]) - femto(charge["unexplained"]),
            )
    return found


def judge(document, faults, shares):
    """The verdict on one document. `shares`: of each fault, its dollars by (provider, model, day)."""
    cells = {(c["provider"], c["model"], c["from"], c["to"]) for c in document["cells"]} | {
        (c["provider"], "*", "2026-10-01", "2026-10-31") for c in document["charges"]
    }
    verdict, tally = weigh(claims_of(document), cells, faults, shares)
    verdict.not_additive = additivity(document)
    for cell in document["cells"]:
        verdict.residual += abs(femto(cell["unexplained"])) + abs(femto(cell["logged_unexplained"]))
        verdict.gross += abs(femto(cell["delta"]))
    for charge in document["charges"]:
        verdict.residual += abs(femto(charge["unexplained"]))
        verdict.gross += abs(femto(charge["amount"]))
    for finding in document["findings"]:
        right, wrong = tally.get(finding["id"], (0, 0))
        if right > wrong:
            verdict.right_findings += 1
            verdict.ambiguous += finding["status"] == "ambiguous"
            verdict.onsets += onset_error(finding, faults, shares)
            verdict.group_sizes.append(1 + len(finding["rivals"]) if finding["status"] == "ambiguous" else 1)
        elif wrong:
            verdict.wrong_findings.append(
                f"{finding['cause']} {finding['status']} {finding['amount']} {'+'.join(finding['scope']['models'])} "
                f"{finding['scope']['from']}..{finding['scope']['to']} rivals {finding['rivals']}"
            )
    return verdict


def weigh(claims, cells, faults, shares):
    """(verdict, right and wrong dollars of each finding): each claim is given to the fault at work in its cell that fits best."""
    count = len(faults)
    verdict = Verdict(
        true=[sum(abs(amount) for amount in share.values()) for share in shares],
        found=[0] * count,
        named=[False] * count,
        reached=[0] * count,
    )
    tally, by_cell = defaultdict(lambda: [0, 0]), defaultdict(list)
    for claim in claims:
        by_cell[claim.cell].append(claim)
    # In a cell of several models or days the parts of a fault may offset each other: what can be attributed is their sum.
    verdict.true = [0] * count
    every = sorted(cells | set(by_cell), key=lambda cell: tuple(str(part) for part in cell))
    homes = [at_home(share, every, by_cell, fault.row.accepts) for fault, share in zip(faults, shares)]
    for cell in every:
        at_work = [cell_truth(share, cell) for share in shares]
        truth = [home.get(cell, 0) for home in homes]
        claimed = defaultdict(int)
        for claim in by_cell[cell]:
            fitting = [n for n, fault in enumerate(faults) if at_work[n] and claim.names & fault.row.accepts]
            if not fitting:
                verdict.wrong += abs(claim.amount)
                tally[claim.finding][1] += abs(claim.amount)
                continue
            tally[claim.finding][0] += abs(claim.amount)
            best = max(fitting, key=lambda n: ((truth[n] - claimed[n]) * claim.amount > 0, abs(truth[n] - claimed[n])))
            claimed[best] += claim.amount
            verdict.named[best] = True
        for n, amount in claimed.items():
            if amount * truth[n] > 0:
                verdict.found[n] += min(abs(amount), abs(truth[n]))
                verdict.reached[n] += abs(truth[n])
            verdict.excess += max(0, abs(amount) - abs(truth[n]))
        for n, amount in enumerate(truth):
            verdict.true[n] += abs(amount)
    return verdict, tally


def onset_error(finding, faults, shares):
    """Days between the first day that a finding names and the first on which its fault moved a dollar; only where there is one fault."""
    days = [day for share in shares for (_, _, day), amount in share.items() if amount]
    if len(faults) != 1 or not finding["scope"]["from"] or not days:
        return []
    return [abs((date.fromisoformat(finding["scope"]["from"]) - date.fromisoformat(min(days))).days)]


def judge_claims(claims, cells, faults, shares):
    """The verdict on a baseline, whose findings are its claims of one cause to one model."""
    verdict, tally = weigh(claims, set(cells), faults, shares)
    for name, (right, wrong) in sorted(tally.items()):
        if right > wrong:
            verdict.right_findings += 1
        else:
            verdict.wrong_findings.append(name)
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


def covers(cell, entry):
    """Whether dollars of a (seller, model, day) may lie in a cell of the document, which may cover several models and days."""
    provider, model, first, last = cell
    seller, name, day = entry
    return seller == provider and first <= day <= last and model in (name, None)


def cell_truth(share, cell):
    """The dollars of one fault that may lie in one cell of the document."""
    return sum(amount for entry, amount in share.items() if covers(cell, entry))


def at_home(share, cells, by_cell, accepts):
    """The dollars of one fault by cell, each dollar once. Bills print some lines without their model (fees by the call, sessions):
    these have a cell of their own beside the models' cells of their days, and which of the two holds a fault's dollars is not
    told by model and day. They are in the cell where the fault is named, and else in the narrowest."""
    home = defaultdict(int)
    for entry, amount in share.items():
        around = [cell for cell in cells if covers(cell, entry)]
        around.sort(key=lambda cell: (not any(claim.names & accepts for claim in by_cell[cell]), cell[1] is None))
        if around:
            home[around[0]] += amount
    return home


def femto(text):
    return money.dollars(text)
