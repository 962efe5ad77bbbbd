"""A month of a hundred thousand cells with five faults: time, memory, and the same bytes on one core and on two.

Hundreds of accounts call the same models on 28 days; the log is a table of one row a day, the bill FOCUS with one row a meter and day, written
straight to files, because as many cells of single calls would only measure Python.
"""

from . import money, prices
from .chance import Dice
from .world import add_days

DAYS = 28
MODELS = ("gpt-5-mini", "gpt-5.4-mini", "gpt-5.5", "gpt-5.6-luna", "gpt-5.6-terra", "gpt-5.6-sol", "gpt-4.1", "gpt-4.1-mini")
LOG_HEADER = "period_start,provider,account,served_model,key,requests,prompt_tokens_from,service_tier,input,cache_read,output,logged_cost\n"
BILL_HEADER = (
    "BilledCost,BillingCurrency,ChargeCategory,ChargePeriodStart,ChargePeriodEnd,ConsumedQuantity,ConsumedUnit,ServiceProviderName,ServiceCategory,ServiceName,SkuMeter,"
    "BillingAccountId,SubAccountId,x_ModelId\n"
)


def write(split, folder, cells=100_000):
    """(arguments, cells): five faults, each in one account: a stale price, flex, folded reads, another model, a regional price."""
    dice = Dice(split, "scale", cells)
    accounts = cells // (DAYS * len(MODELS))
    books = [
        '[book]\nname = "Scale"\ncurrency = "USD"\ntimezone = "UTC"\n\n[[source]]\nname = "gateway"\nfiles = ["usage.csv"]\nrole = "primary"\n'
    ]
    with open(folder / "usage.csv", "w") as log:
        log.write(LOG_HEADER)
        for account in range(accounts):
            name = f"org-{account:04d}"
            books.append(
                f'[[account]]\nprovider = "openai"\nid = "{name}"\nkeys = ["key-{account:04d}"]\n\n[[invoice]]\nprovider = "openai"\naccount = "{name}"\nfiles = ["{name}.csv"]\n'
            )
            with open(folder / f"{name}.csv", "w") as bill:
                bill.write(BILL_HEADER)
                for model in MODELS:
                    for number in range(DAYS):
                        row(log, bill, dice, name, account, model, number, add_days("2026-10-04", number))
    (folder / "llmfin.toml").write_text("\n".join(books))
    return ["reconcile", "--month", "2026-10", "-O", "json", "-q"], accounts * len(MODELS) * DAYS


def row(log, bill, dice, name, account, model, number, day):
    fresh, read, output = dice.between(100_000, 900_000), dice.between(50_000, 700_000), dice.between(10_000, 90_000)
    billed = {"input": fresh, "cache_read": read, "output": output}
    logged, served, ratio = dict(billed), model, (1, 1)
    if account == 3 and model == "gpt-5.6-luna" and number >= 9:
        ratio = (5, 1)
    elif account == 13 and model == "gpt-5.5" and number >= 12:
        ratio = (1, 2)
    elif account == 23 and model == "gpt-5-mini" and number >= 6:
        logged = {"input": fresh + read, "cache_read": 0, "output": output}
    elif account == 33 and model == "gpt-5.4-mini" and number >= 10:
        served = "gpt-5.6-terra"
    elif account == 43 and model == "gpt-5.6-sol" and number >= 4:
        ratio = (11, 10)
    cost = sum(count * prices.unit(model, meter, day) for meter, count in logged.items())
    log.write(
        f"{day}T03:00:00Z,openai,{name},{model},key-{account:04d},100,1,standard,{logged['input']},{logged['cache_read'] or ''},{output},{money.text(cost)}\n"
    )
    for meter, count in billed.items():
        amount = money.times(prices.unit(served, meter, day), ratio) * count
        bill.write(
            f"{money.text(amount)},USD,Usage,{day}T00:00:00Z,{add_days(day, 1)}T00:00:00Z,{count},Tokens,OpenAI,AI and Machine Learning,API,{meter},{name},,{served}\n"
        )
