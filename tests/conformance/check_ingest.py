"""DuckDB counts Acme's raw log by itself, in SQL, and compares with what `llmfin ingest` wrote as parquet and as CSV.

The SQL knows docs/concepts/meters.md and no line of llmfin: one row a call id, no failures and no cache hits, and the first
of the four readings whose parts add up to the row's own total.
"""

import duckdb

from common import METERS, ROOT, WORK, check, done, llmfin

LOGS = ROOT / "fixtures/acme/logs/2026-10"
OUT = WORK / "acme"
OUT.mkdir(parents=True, exist_ok=True)
BILLED = "('success', 'failed_with_usage', 'stream_without_usage')"
COUNTED = [meter for meter in METERS if meter not in ("cache_read_audio", "output_image", "input_video", "input_image")]

RAW = f"""
CREATE TABLE lines AS
SELECT filename, line FROM read_csv('{LOGS}/*.jsonl.gz', columns = {{'line': 'VARCHAR'}}, delim = '\x01',
    quote = '', escape = '', header = false, filename = true, auto_detect = false, max_line_size = 10000000);

-- One row a line that is JSON, with the numbers as text.
CREATE TABLE rows AS
SELECT
    line,
    json->>'id' AS id,
    json->>'custom_llm_provider' AS provider,
    regexp_replace(json->>'model', '^(openai|anthropic)/', '') AS model,
    CAST(make_timestamp(CAST(floor(CAST(json->>'startTime' AS DECIMAL(20, 6))) AS BIGINT) * 1000000) AS DATE) AS day,
    coalesce(json->>'status', '') = 'failure' AS failed,
    coalesce(json->>'cache_hit', '') = 'true' OR regexp_matches(json->>'id', '_cache_hit[0-9.]+$') AS hit,
    CAST(CAST(json->>'response_cost' AS DECIMAL(38, 20)) AS DECIMAL(38, 12)) AS cost,
    coalesce(CAST(json->>'prompt_tokens' AS BIGINT), 0) AS p,
    coalesce(CAST(json->>'completion_tokens' AS BIGINT), 0) AS c,
    coalesce(CAST(json->>'total_tokens' AS BIGINT), 0) AS t,
    json->'metadata'->'usage_object' AS u
FROM (SELECT line, CAST(line AS JSON) AS json FROM lines WHERE json_valid(line));

CREATE MACRO n(object, path) AS coalesce(CAST(object->>path AS BIGINT), 0);
CREATE TABLE counters AS
SELECT *,
    greatest(n(u, '$.cache_read_input_tokens'), n(u, '$.prompt_tokens_details.cached_tokens')) AS cr,
    n(u, '$.prompt_tokens_details.cache_creation_token_details.ephemeral_5m_input_tokens') AS w5m,
    n(u, '$.prompt_tokens_details.cache_creation_token_details.ephemeral_30m_input_tokens') AS w30m,
    n(u, '$.prompt_tokens_details.cache_creation_token_details.ephemeral_1h_input_tokens') AS w1h,
    n(u, '$.prompt_tokens_details.cache_creation_token_details.ephemeral_12h_input_tokens') AS w12h,
    greatest(n(u, '$.cache_creation_input_tokens'), n(u, '$.prompt_tokens_details.cache_write_tokens'),
        n(u, '$.prompt_tokens_details.cache_creation_tokens'), w5m + w30m + w1h + w12h) AS cw,
    n(u, '$.prompt_tokens_details.audio_tokens') AS ain,
    n(u, '$.completion_tokens_details.audio_tokens') AS aout,
    n(u, '$.completion_tokens_details.reasoning_tokens') AS r,
    n(u, '$.server_tool_use.web_search_requests') AS searches
FROM rows WHERE p >= 0 AND c >= 0 AND t >= 0;

-- A call counts once. Second copies must be copies, so that it does not matter which one is kept.
CREATE TABLE calls AS
SELECT DISTINCT ON (id) *,
    CASE WHEN t = p + c AND p >= cr + cw + ain AND c >= r + aout THEN 'inclusive'
        WHEN t = p + cr + cw + c AND c >= r + aout THEN 'cache-exclusive'
        WHEN t = p + c + r AND p >= cr + cw + ain THEN 'reasoning-exclusive'
        WHEN t = p + cr + cw + c + r THEN 'both-exclusive'
        WHEN t = 0 AND p + c = 0 THEN 'inclusive'
        ELSE 'none' END AS reading
FROM counters WHERE NOT hit AND NOT (failed AND p + c + cost = 0);

CREATE TABLE own AS
SELECT day, provider, model, unnest([
    {{'meter': 'input', 'n': p - ain - CASE WHEN reading IN ('inclusive', 'reasoning-exclusive') THEN cr + cw ELSE 0 END}},
    {{'meter': 'cache_read', 'n': cr}},
    {{'meter': 'cache_write_5m', 'n': w5m}}, {{'meter': 'cache_write_30m', 'n': w30m}},
    {{'meter': 'cache_write_1h', 'n': w1h}}, {{'meter': 'cache_write_12h', 'n': w12h}},
    {{'meter': 'cache_write_other', 'n': cw - w5m - w30m - w1h - w12h}},
    {{'meter': 'output', 'n': c - aout - CASE WHEN reading IN ('inclusive', 'cache-exclusive') THEN r ELSE 0 END}},
    {{'meter': 'output_reasoning', 'n': r}},
    {{'meter': 'input_audio', 'n': ain}}, {{'meter': 'output_audio', 'n': aout}},
    {{'meter': 'web_search', 'n': searches}},
    {{'meter': 'requests', 'n': 1}}], recursive := true) FROM calls;
"""
OWN = "SELECT day, provider, model, meter, sum(n)::HUGEINT AS n FROM own GROUP BY ALL HAVING n > 0"


def written(reader, keys="day, provider, model"):
    meters = ", ".join(f"CAST({meter} AS HUGEINT) AS {meter}" for meter in [*COUNTED, "requests"])
    source = f"""(SELECT CAST(period_start AS DATE) AS day, provider, served_model AS model, {meters}
        FROM {reader} WHERE outcome IN {BILLED})"""
    return f"""SELECT {keys}, meter, sum(n)::HUGEINT AS n FROM (UNPIVOT {source}
        ON {', '.join([*COUNTED, 'requests'])} INTO NAME meter VALUE n) GROUP BY ALL HAVING n > 0"""


def differences(db, ours, theirs):
    both = f"(({ours}) EXCEPT ({theirs})) UNION ALL (({theirs}) EXCEPT ({ours}))"
    return [str(row) for row in db.sql(both + " LIMIT 5").fetchall()]


db = duckdb.connect()
db.sql(RAW)


def one(sql):
    return db.sql(sql).fetchall()[0]


for form in ("parquet", "csv"):
    llmfin("-q", "ingest", "--usage", LOGS, "-o", OUT / f"usage.{form}")
cells = one(f"SELECT count(*) FROM ({OWN})")[0]
tokens = one("SELECT sum(n) FROM own WHERE meter NOT IN ('requests', 'web_search')")[0]
counts = dict(zip(
    ("lines", "calls", "copies", "hits", "failed"),
    one("""SELECT (SELECT count(*) FROM lines), (SELECT count(*) FROM calls),
        (SELECT count(*) - count(DISTINCT id) FROM counters),
        (SELECT count(*) FILTER (hit) FROM counters), (SELECT count(*) FILTER (failed AND p + c + cost = 0) FROM counters)"""),
))
check("raw log in SQL", [
    *(f"row of no reading: {row}" for row in db.sql("SELECT id, p, c, t FROM calls WHERE reading = 'none' LIMIT 5").fetchall()),
    *(f"copies that differ: {row}" for row in db.sql("SELECT id FROM counters GROUP BY id HAVING count(DISTINCT line) > 1 LIMIT 5").fetchall()),
], f"DuckDB {duckdb.__version__}, " + ", ".join(f"{count} {name}" for name, count in counts.items()))
for form, read in (("parquet", "read_parquet"), ("csv", "read_csv")):
    usage = f"{read}('{OUT}/usage.{form}')"
    check(f"ingest {form}", differences(db, written(usage), OWN), f"{cells} sums by day, model and meter, {tokens} tokens")
    spent = one(f"SELECT sum(CAST(logged_cost AS DECIMAL(38, 12))) FROM {usage}")[0]
    own = one("SELECT sum(cost) FROM (SELECT DISTINCT ON (id) cost FROM counters)")[0]
    copies = one(f"SELECT coalesce(sum(CAST(logged_cost AS DECIMAL(38, 12))), 0) FROM {usage} WHERE outcome = 'duplicate'")[0]
    check(f"ingest {form} cost", [] if spent - copies == own else [f"llmfin {spent - copies}, DuckDB {own}"], f"${own}")
    attribution = f"{read}('{OUT}/usage.attribution.{form}')"
    check(f"ingest {form} attribution", differences(
        db, written(attribution, "day"), f"SELECT day, meter, sum(n)::HUGEINT AS n FROM ({written(usage)}) GROUP BY ALL"
    ), "the same sums by day and meter")
done()
