"""Hostile and odd input: the tool must answer or refuse with words, add up, and never break."""

import gzip

from . import exports, traffic
from .chance import Dice
from .world import Rate

BILL = "openai-cost.csv"


def base(split, name, folder, providers=("openai",), grain="A", change=None, **how):
    """A month written to `folder`; the arguments, for changes to the files afterwards."""
    dice = Dice(split, "dirty", name)
    world = traffic.month(dice, list(providers), **how)
    for provider in providers:
        world.bill_shape[provider] = exports.SHAPES[provider][grain][0]
    if change:
        change(world, dice)
    return exports.write(world, folder)


def edit(folder, name, change):
    for path in folder.rglob(name):
        path.write_bytes(change(path.read_bytes()))


def lines(change):
    """A change of the list of lines of a text file."""
    return lambda data: "\n".join(change(data.decode("utf-8-sig").splitlines())).encode() + b"\n"


def no_counterpart(split, folder):
    """Bill lines of models that were never logged, and log rows that were never billed."""

    def change(world, dice):
        for number, call in enumerate(world.calls):
            if call.of == world.models["openai"][0]:
                call.log = None
            elif call.of == world.models["openai"][1]:
                call.bill = None

    return base(split, "no counterpart", folder, change=change)


def negative_counts(split, folder):
    arguments = base(split, "negative", folder)
    edit(
        folder,
        "usage.csv",
        lines(
            lambda rows: (
                rows
                + ["2026-10-10T00:00:00Z,openai,gpt-5-mini,,key-x,standard,global,1,success,generation,provider,,1,-5,,,,,,10,,,0.1"] * 3
            )
        ),
    )
    return arguments


def zero_prices(split, folder):
    return base(split, "zero", folder, change=lambda world, dice: world.rates.append(Rate("openai", (0, 1))))


def one_model_one_day(split, folder):
    return base(split, "one", folder, models=1, streams=1, days=1, first="2026-10-10")


def everything_wrong(split, folder):
    def change(world, dice):
        for number, call in enumerate(world.calls):
            call.log = call.log.but(counts={meter: 1 + count * (1 + number % 13) // 7 for meter, count in call.log.counts.items()})

    return base(split, "everything", folder, change=change)


def ten_thousand_models(split, folder):
    (folder / "usage.csv").write_text(
        "period_start,provider,served_model,requests,input,output,logged_cost\n"
        + "".join(
            f"2026-10-{4 + n % 20:02d}T01:00:00Z,openai,house-model-{n},3,{n + 100},{n % 90 + 1},0.0{n % 90 + 10}\n" for n in range(10_000)
        )
    )
    header = "start_time,end_time,start_time_iso,end_time_iso,amount_value,amount_currency,line_item,project_id,organization_id\n"
    rows = "".join(
        f'{exports.bucket(f"2026-10-{4 + n % 20:02d}")[0]},{exports.bucket(f"2026-10-{4 + n % 20:02d}")[1]},,,0.0{n % 80 + 10},usd,"house-model-{n}, output",p,org\n'
        for n in range(10_000)
    )
    (folder / BILL).write_text(header + rows)
    return ["reconcile", "--month", "2026-10", "--usage", "usage.csv", "--invoice", f"openai={BILL}", "-O", "json", "-q"]


def byte_order_and_crlf(split, folder):
    arguments = base(split, "crlf", folder)
    edit(folder, "usage.csv", lambda data: b"\xef\xbb\xbf" + data.replace(b"\n", b"\r\n"))
    return arguments


def utf16(split, folder):
    arguments = base(split, "utf16", folder)
    edit(folder, "openai-cost.csv", lambda data: data.decode().encode("utf-16"))
    return arguments


def compressed(split, folder):
    arguments = base(split, "gzip", folder)
    edit(folder, "usage.csv", gzip.compress)
    return arguments


def cut_line(split, folder):
    arguments = base(split, "cut", folder, log_shape="litellm")
    edit(folder, "litellm.jsonl", lambda data: data[:-300])
    return arguments


def garbage_rows(split, folder):
    arguments = base(split, "garbage", folder)
    edit(folder, "usage.csv", lines(lambda rows: rows[:5] + ["not,a,row", ",,,,,", "\x00\x01", "2026-13-45,openai,gpt-5-mini"] + rows[5:]))
    return arguments


def unknown_lines(split, folder):
    arguments = base(split, "unknown", folder)
    edit(
        folder,
        BILL,
        lines(lambda rows: rows + ['1791504000,1791590400,,,12.50,usd,"something entirely new, third kind",proj_x,x,org-bench,Bench']),
    )
    return arguments


def negative_lines(split, folder):
    arguments = base(split, "refund", folder)
    edit(
        folder,
        BILL,
        lines(lambda rows: rows + ['1791504000,1791590400,,,-1.25,usd,"gpt-5-mini-2025-08-07, input",proj_data,x,org-bench,Bench']),
    )
    return arguments


def two_currencies(split, folder):
    arguments = base(split, "currency", folder)
    edit(
        folder,
        BILL,
        lines(lambda rows: rows + ['1791504000,1791590400,,,1.25,eur,"gpt-5-mini-2025-08-07, input",proj_data,x,org-bench,Bench']),
    )
    return arguments


def empty_files(split, folder):
    arguments = base(split, "empty", folder)
    edit(folder, "usage.csv", lambda data: data.splitlines()[0] + b"\n")
    return arguments


def same_bill_twice(split, folder):
    arguments = base(split, "twice", folder)
    place = arguments.index("--invoice")
    return arguments[:place] + arguments[place : place + 2] + arguments[place:]


CASES = (
    no_counterpart,
    negative_counts,
    zero_prices,
    one_model_one_day,
    everything_wrong,
    ten_thousand_models,
    byte_order_and_crlf,
    utf16,
    compressed,
    cut_line,
    garbage_rows,
    unknown_lines,
    negative_lines,
    two_currencies,
    empty_files,
    same_bill_twice,
)
# Same months written in another encoding: they must give the same sums as the plain one, and no claim.
SILENT = (byte_order_and_crlf, utf16, compressed, one_model_one_day)
