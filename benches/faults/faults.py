"""The catalogue of injected faults: one row each, with the grains of bill at which a tool can be asked to name it.

Grains: Q quantity and amount by meter and day; A amount by meter and day; MD one amount by model and day; MM by model and
month; T one total. Where a fault's grain is not listed, the bill cannot show it: the right answer there is `unexplained`
(an ambiguity group that holds the truth is right as well). The grains follow the column "Ev / grain" of the design's
catalogue, read for the files these worlds write: what would need a field that a usage table has not, or a second pull of
an export, is not asked for.
"""

from dataclasses import dataclass

from .inject import (
    classes,
    coverage,
    mapping,
    quantity,
    rate,
    strange,
    terms,
    timing,
    twins,
)

ANY, DAYS, METERS, QUANTITIES, NEVER = ("Q", "A", "MD", "MM", "T"), ("Q", "A", "MD"), ("Q", "A"), ("Q",), ()


@dataclass(frozen=True)
class Row:
    """`also`: other ids that describe the same event as truly. `whens`: how its days may lie."""

    cause: str
    name: str
    grains: tuple
    draw: object
    providers: tuple = ("openai", "anthropic", "google-vertex", "mistral")
    whens: tuple = ("onset", "window")
    also: tuple = ()
    logs: tuple = ("usage-table", "usage-table", "usage-requests", "litellm")
    not_in: tuple = ()  # shapes of bills in which the fault cannot be told, or cannot be
    mixes: bool = True  # whether it may be part of a mixture

    @property
    def accepts(self):
        return {self.cause, *self.also} - {""}


@dataclass
class Injected:
    """A fault at work in one world: `apply` edits a copy of the world, and hangs on nothing but the world before it."""

    row: Row
    scope: object
    apply: object


TABLE, REQUESTS, LITELLM = ("usage-table",), ("usage-requests", "litellm"), ("litellm",)
API, NO_BAND = ("openai-costs-api", "anthropic-cost-report"), ("openai-focus",)
FOCUSED = ("google-vertex", "mistral")
OPENAI, ANTHROPIC, BOTH = ("openai",), ("anthropic",), ("openai", "anthropic")
MONTH = ("month",)

# One factor on everything: two of these in one month are one factor again, so a mixture has one of them at most.
FACTORS = {"terms.discount", "fx.rate"}

ROWS = (
    Row("rate.stale", "other published version", DAYS, rate.other_version, ("openai", "google-vertex"), ("onset", "month")),
    Row("rate.stale", "new price", METERS, rate.new_price, whens=("onset",)),
    Row("rate.stale", "new prices of input and output", METERS, rate.two_new_prices, whens=("onset",)),
    Row("rate.missing_model", "unlisted model", ("Q", "A", "MD", "MM"), rate.missing_model, BOTH),
    Row("rate.missing_class", "unlisted meter", DAYS, rate.missing_class, OPENAI),
    Row("rate.unit_scale", "gateway's price per thousand", ANY, rate.unit_scale, whens=MONTH, also=("map.cost_field_misread",), mixes=False),
    Row("rate.service_tier", "flex served", DAYS, rate.tier("flex"), ("openai", "google-vertex")),
    Row("rate.service_tier", "priority served", DAYS, rate.tier("priority"), ("openai", "google-vertex")),
    Row("rate.service_tier", "priority on every key", DAYS, rate.tier_of_a_model("priority"), ("openai", "google-vertex")),
    Row("rate.service_tier", "tier left out of the cost", ANY, classes.gateway_mistake("standard", lambda call: call.log.tier == "flex"), ("openai", "google-vertex")),
    Row("rate.batch", "batch served", DAYS, rate.tier("batch"), BOTH),
    Row("rate.region_uplift", "shown on the bill", DAYS, rate.region("stream", ANTHROPIC, True), ANTHROPIC),
    Row("rate.region_uplift", "hidden, one model", DAYS, rate.region("model", BOTH, False), BOTH),
    Row("rate.region_uplift", "hidden, one key", DAYS, rate.region("key", OPENAI, False), OPENAI),
    Row("rate.context_band", "long prompts logged as short", METERS, rate.band_ignored, OPENAI, logs=TABLE, not_in=NO_BAND),
    Row("rate.context_band", "surcharge kept", METERS, rate.band_kept, ("openai", "google-vertex"), logs=TABLE),
    Row("rate.cache_ttl", "hour logged as minutes", METERS, rate.cache_ttl, ANTHROPIC),
    Row("rate.time_of_day", "nights at half price", NEVER, rate.time_of_day, ("openai", "anthropic", "google-vertex")),
    Row("rate.effective_boundary", "a day off", METERS, rate.effective_boundary, ("mistral",), MONTH, also=("rate.stale",)),
    Row("rate.intro_or_promo", "promotion kept", DAYS, rate.promo_kept, ("mistral",), MONTH, also=("rate.stale",)),
    Row("qty.duplicate", "delivered twice", ANY, quantity.duplicate, also=("qty.line_fanout",), logs=REQUESTS),
    Row("qty.line_fanout", "three rows a response", ANY, quantity.fanned_out, also=("qty.duplicate",), logs=REQUESTS),
    Row("qty.poll_duplicate", "polls priced", ANY, quantity.beside("poll", kind="poll"), logs=TABLE),
    Row("qty.failed_priced", "failures priced", DAYS, quantity.beside("failed", outcome="failed_with_usage")),
    Row("qty.gateway_cache_priced", "cache hits priced", ANY, quantity.beside("hit", outcome="cache_hit")),
    Row("cov.other_payer", "paid elsewhere", ANY, coverage.other_payer),
    Row("qty.dropped_rows", "a third lost", QUANTITIES, quantity.lost_rows(33)),
    Row("qty.missing_day", "days not logged", METERS, quantity.missing_day, whens=MONTH, also=("qty.dropped_rows",)),
    Row("qty.stream_no_usage", "streams without usage", DAYS, quantity.streams_without_usage),
    Row("qty.output_only_on_disconnect", "prompts of cancelled streams", METERS, quantity.output_only),
    Row("qty.local_estimate", "estimated counts", METERS, quantity.estimated, logs=("usage-table", "usage-requests")),
    Row("qty.partial_snapshot", "first snapshot kept", NEVER, quantity.first_snapshot),
    Row("qty.rollup_duplicate", "parents counted", NEVER, quantity.rolled_up),
    Row("qty.retry_unlogged", "retries not logged", NEVER, quantity.retries),
    Row("cls.cache_read_as_input", "reads logged as input", METERS, classes.reads_as_input),
    Row("cls.convention_flip", "every model of a provider", METERS, classes.convention_flip, whens=("onset",), also=("cls.cache_read_as_input",)),
    Row("cls.cache_double", "reads counted twice", METERS, classes.reads_counted_twice),
    Row("cls.cache_write_lost", "writes logged as input", METERS, classes.writes_folded, BOTH),
    Row("cls.cache_write_lost", "writes not logged", METERS, classes.writes_dropped, BOTH),
    Row("cls.reasoning_double", "reasoning added twice", METERS, classes.reasoning_twice),
    Row("cls.reasoning_dropped", "reasoning not logged", NEVER, classes.reasoning_lost),
    Row("cls.reasoning_dropped", "total shows the reasoning", ANY, classes.reasoning_in_total, logs=LITELLM),
    Row("cls.cache_double", "cache priced twice", ANY, classes.gateway_mistake("cache twice", lambda call: call.log.counts.get("cache_read"))),
    Row("cls.cache_read_as_input", "reads priced in full", ANY, classes.gateway_mistake("reads in full", lambda call: call.log.counts.get("cache_read"))),
    Row("cls.tool_fee", "fees left out of the cost", ANY, classes.fees_left_out, ANTHROPIC),
    Row("cls.tool_fee", "searches not logged", METERS, classes.searches_unlogged, BOTH),
    Row("cls.storage_session", "storage lines", METERS, classes.storage, BOTH, MONTH),
    Row("map.alias_repointed", "another model from a day on", DAYS, mapping.served_by_another("alias"), whens=("onset",)),
    Row("map.fallback", "another model now and then", METERS, mapping.served_by_another("fallback"), whens=("scattered",)),
    Row("map.deployment_name", "another model all month", DAYS, mapping.served_by_another("deployment"), whens=MONTH, also=("map.alias_repointed",)),
    Row("map.fuzzy_match", "priced as a sibling", ANY, mapping.priced_as_sibling, whens=MONTH),
    Row("map.cost_field_misread", "cost field doubled", ANY, mapping.cost_field, whens=MONTH, mixes=False),
    Row("time.zone_bucket", "day begins elsewhere", DAYS, timing.zone, whens=MONTH),
    Row("time.billing_instant", "batches dated by their end", NEVER, timing.completion, BOTH, MONTH),
    Row("time.late_arrival", "last days short", NEVER, timing.late, whens=MONTH),
    Row("cov.truncated_export", "export cut", NEVER, timing.cut_export, whens=MONTH),
    Row("cov.bypass", "key past the gateway", METERS, coverage.bypass, BOTH),
    Row("cov.account_scope", "another team's project", METERS, coverage.account_scope, BOTH, MONTH, also=("cov.bypass",)),
    Row("cls.sub_inference", "inner calls of another model", NEVER, coverage.inner_calls),
    Row("cls.reasoning_only", "only reasoning logged", NEVER, classes.reasoning_only),
    Row("round.increment", "whole thousands billed", NEVER, quantity.blocks),
    Row("terms.discount", "percentage off everything", DAYS, terms.discount, whens=MONTH),
    Row("terms.internal_margin", "mark-up in the log", ANY, terms.margin, whens=MONTH),
    Row("terms.tax", "tax line", ANY, terms.line("VAT", "Tax", 10, 90), FOCUSED, MONTH),
    Row("terms.credit_refund", "credit line", ANY, terms.line("Service credit", "Credit", 5, 50, -1), FOCUSED, MONTH),
    Row("terms.platform_fee", "fee line", ANY, terms.platform_fee, FOCUSED, MONTH),
    Row("terms.reserved_capacity", "capacity line", ANY, terms.line("Provisioned capacity, hours", "Purchase", 20, 90), FOCUSED, MONTH),
    Row("terms.commit_shortfall", "shortfall line", ANY, terms.line("Commitment shortfall", "Purchase", 20, 90), FOCUSED, MONTH),
    Row("inv.non_usage", "seats", ANY, terms.line("Team plan seats", "Purchase", 20, 90), FOCUSED, MONTH),
    Row("terms.volume_band", "cheaper after a volume", NEVER, terms.volume_band, whens=MONTH, also=("terms.discount",)),
    Row("terms.free_allowance", "first calls of a day free", NEVER, terms.free_allowance, whens=MONTH),
    Row("inv.duplicate_line", "rows printed twice", DAYS, terms.repeated_lines, whens=MONTH, not_in=API),
    Row("inv.provider_error", "odd amounts, counts agree", QUANTITIES, terms.provider_error, ANTHROPIC, MONTH),
    Row("unit.minor_currency", "cents read as dollars", ANY, terms.cents_as_dollars, whens=MONTH, mixes=False),
    Row("fx.rate", "another currency", DAYS, terms.currency, whens=MONTH, also=("terms.discount",)),
)

# Faults without a cause: no id is right, so `accepts` is empty.
STRANGE = tuple(Row("", draw.__name__.replace("_", " "), (), draw) for draw in strange.STRANGE)

# Twins, each at the grain at which the pair cannot be told apart. The id is the one at work here, `partner` the other.
TWINS = (
    (Row("rate.service_tier", "flex or batch", ("MD",), twins.half_price, OPENAI, logs=TABLE), {"rate.batch"}),
    (Row("rate.region_uplift", "region or a price rise of ten percent", ("MD",), twins.tenth_more, BOTH, logs=TABLE), {"rate.stale"}),
    (Row("qty.dropped_rows", "lost counts or a price rise", ("MD",), twins.thinned, logs=TABLE), {"rate.stale", "cov.bypass", "terms.discount"}),
    (Row("terms.discount", "discount or a price cut, one model", ("MD", "A"), twins.one_factor_one_model, logs=TABLE), {"rate.stale", "fx.rate", "qty.dropped_rows"}),
)
