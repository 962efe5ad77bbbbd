"""DuckDB foots the close pack of Acme in decimals: every sum and identity that docs/concepts/close-pack.md promises."""

import json
import shutil
from decimal import Decimal

import duckdb

from common import ROOT, WORK, check, done, llmfin

BOOKS = WORK / "books"
shutil.rmtree(BOOKS, ignore_errors=True)
shutil.copytree(ROOT / "fixtures/acme", BOOKS, ignore=shutil.ignore_patterns("generator", "*.py", "closes"))
llmfin("-q", "-C", BOOKS, "close", "--month", "2026-10", "--exit-zero")
PACK = BOOKS / "closes/2026-10/v1"
db = duckdb.connect()
AMOUNT = "DECIMAL(38, 12)"


def csv(name):
    return f"read_csv('{PACK}/{name}', all_varchar = true, header = true)"


def amounts(name, *columns):
    """The file with those columns as decimals; empty stays empty."""
    casts = ", ".join(f"CAST(nullif({column}, '') AS {AMOUNT}) AS {column}" for column in columns)
    return f"(SELECT row_number() OVER () AS line, * REPLACE ({casts}) FROM {csv(name)})"


def rows(sql):
    return [str(row) for row in db.sql(sql).fetchall()]


def one(sql):
    return db.sql(sql).fetchall()[0]


document = json.loads((PACK / "reconciliation.json").read_text(), parse_float=Decimal)
totals = {key: Decimal(value) for key, value in document["totals"].items()}
VARIANCE = amounts("03-variance.csv", "priced", "billed", "delta", "amount")
WATERFALL = amounts("03-variance-waterfall.csv", "amount", "running")
LEAD = amounts("01-lead-schedule.csv", "logged", "priced", "billed_usage", "charges", "billed", "delta", "explained", "unexplained")

# 03-variance.csv: a cell's figures are on its first line, its findings on one line each.
lines, priced, billed, delta, amount = one(
    f'SELECT count(*), sum(priced), sum(billed), sum(delta), sum(amount) FROM {VARIANCE} WHERE "group" <> \'Total\''
)
check("variance lines", [
    f"{name}: sum {got}, total {totals[name]}"
    for name, got in (("priced", priced), ("billed", billed), ("delta", delta)) if got != totals[name]
] + ([] if amount == totals["delta"] else [f"amounts sum to {amount}, delta is {totals['delta']}"]), f"{lines} lines, delta {delta}")
check("variance total line", rows(f"""SELECT priced, billed, delta, amount FROM {VARIANCE} WHERE "group" = 'Total'
    AND (priced, billed, delta, amount) <> ({totals['priced']}, {totals['billed']}, {totals['delta']}, {totals['delta']})"""))
check("variance delta", rows(f"SELECT line, priced, billed, delta FROM {VARIANCE} WHERE delta <> billed - priced"))

# The waterfall: running sums, both bridges, and each step against the findings of the variance.
check("waterfall runs", rows(f"""SELECT line, amount, running, expected FROM (SELECT *, sum(coalesce(amount, 0)) OVER (ORDER BY line)
    + (SELECT running FROM {WATERFALL} WHERE line = 1) AS expected FROM {WATERFALL}) WHERE running <> expected"""))
ends = {step: running for step, running in db.sql(f"SELECT step, running FROM {WATERFALL} WHERE amount IS NULL").fetchall()}
check("waterfall ends", [f"{step} {ends.get(step)} is not {totals[step]}" for step in ("logged", "priced", "billed") if ends.get(step) != totals[step]],
      " -> ".join(str(ends[step].normalize()) for step in ("logged", "priced", "billed")))
check("waterfall steps", rows(f"""SELECT * FROM
    (SELECT finding, sum(amount) AS step FROM {WATERFALL} WHERE step = 'priced to billed' AND cause <> 'unexplained' GROUP BY ALL)
    FULL JOIN (SELECT finding, sum(amount) AS cells FROM {VARIANCE} WHERE finding IS NOT NULL AND finding <> '' GROUP BY ALL) USING (finding)
    WHERE step IS DISTINCT FROM cells"""), f"{one(f'SELECT count(DISTINCT finding) FROM {VARIANCE}')[0]} findings")

# 01-lead-schedule.csv.
columns = ("logged", "priced", "billed", "delta", "explained", "unexplained")
check("lead schedule", rows(f"""SELECT line FROM {LEAD} WHERE billed <> billed_usage + charges OR delta <> billed - priced
    OR delta <> explained + unexplained""") + [
    f"{name}: {got} is not {totals[name]}"
    for name, got in zip(columns, one(f"SELECT {', '.join(f'sum({name})' for name in columns)} FROM {LEAD} WHERE provider <> 'Total'"))
    if got != totals[name]
])

# reconciliation.json, cell by cell.
db.sql(f"""CREATE TABLE cells AS SELECT row_number() OVER () AS number, c->>'model' AS model, c->>'day' AS day,
    {', '.join(f"CAST(c->>'{name}' AS {AMOUNT}) AS {name}" for name in ('logged', 'priced', 'billed', 'delta', 'unexplained', 'logged_unexplained'))},
    {', '.join(f"coalesce(list_sum([CAST(f->>'amount' AS {AMOUNT}) FOR f IN CAST(c->'{name}' AS JSON[])]), 0) AS {name}" for name in ('findings', 'logged_findings'))},
    coalesce(list_sum([CAST(m->>'priced' AS {AMOUNT}) FOR m IN CAST(c->'meters' AS JSON[]) IF m->>'priced' IS NOT NULL]), 0) AS meters_priced,
    coalesce(list_sum([CAST(m->>'billed' AS {AMOUNT}) FOR m IN CAST(c->'meters' AS JSON[]) IF m->>'billed' IS NOT NULL]), 0) AS meters_billed
    FROM (SELECT unnest(CAST(json->'cells' AS JSON[])) AS c FROM read_json_objects('{PACK}/reconciliation.json', format = 'unstructured', maximum_object_size = 100000000))""")
count = one("SELECT count(*) FROM cells")[0]
check("cells billed - priced", rows("SELECT model, day FROM cells WHERE delta <> billed - priced OR delta <> findings + unexplained LIMIT 5"), f"{count} cells")
check("cells priced - logged", rows("SELECT model, day, priced, logged, logged_findings, logged_unexplained FROM cells WHERE priced - logged <> logged_findings + logged_unexplained LIMIT 5"))
check("cells by meter", rows("SELECT model, day, priced, meters_priced, billed, meters_billed FROM cells WHERE priced <> meters_priced OR billed <> meters_billed LIMIT 5"))
charges = sum(Decimal(charge["amount"]) for charge in document["charges"])
cells = one("SELECT sum(logged), sum(priced), sum(billed), sum(delta), sum(unexplained), sum(abs(unexplained)) FROM cells")
loose = sum(Decimal(charge["unexplained"]) for charge in document["charges"])
check("totals", [f"{name}: {got} is not {totals[name]}" for name, got in (
    ("logged", cells[0]), ("priced", cells[1]), ("billed", cells[2] + charges), ("delta", cells[3] + charges),
    ("unexplained", cells[4] + loose)) if got != totals[name]], f"cells {cells[3]} + charges {charges} = delta {totals['delta']}")
findings = {bridge: sum(Decimal(f["amount"]) for f in document["findings"] if f["bridge"] == bridge) for bridge in ("priced-billed", "logged-priced")}
check("findings", [f"{bridge}: {findings[bridge]} is not {totals[name]}" for bridge, name in
      (("priced-billed", "explained"), ("logged-priced", "logged_explained")) if findings[bridge] != totals[name]],
      ", ".join(f"{bridge} {total}" for bridge, total in findings.items()))
parts = ("used", "duplicates", "not_billable", "outside_month", "out_of_scope", "empty", "rejected")
check("row counts", [f"{source['path']}: {source['rows']} rows, parts {sum(source[part] for part in parts)}" for source in document["inputs"]
      if source["rows"] != sum(source[part] for part in parts)], f"{sum(source['rows'] for source in document['inputs'])} rows of {len(document['inputs'])} inputs")
done()
