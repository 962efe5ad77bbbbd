"""Money as whole femto-dollars (10^-15), so that no price, factor or sum is ever rounded but where a provider rounds."""

from decimal import Decimal

DOLLAR = 10**15
CENT = DOLLAR // 100


def dollars(text):
    """Femto-dollars of a decimal text."""
    value = Decimal(text) * DOLLAR
    if value != int(value):
        raise ValueError(f"finer than a femto-dollar: {text}")
    return int(value)


def per_token(dollars_per_million):
    """Femto-dollars of one token."""
    return dollars(Decimal(dollars_per_million) / 1_000_000)


def times(amount, ratio):
    """`amount` times the fraction (numerator, denominator), exact or an error."""
    numerator, denominator = ratio
    product = amount * numerator
    if product % denominator:
        raise ValueError(f"{amount} x {numerator}/{denominator} is not whole")
    return product // denominator


def to_cent(amount):
    """Rounded half away from zero, as consoles print."""
    sign = -1 if amount < 0 else 1
    return sign * ((abs(amount) + CENT // 2) // CENT) * CENT


def text(amount):
    """Plain decimal text without trailing zeros."""
    sign = "-" if amount < 0 else ""
    whole, part = divmod(abs(amount), DOLLAR)
    digits = f"{part:015d}".rstrip("0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def parse(decimal_text):
    """Femto-dollars of an amount in a document; finer digits are an error of the document."""
    return dollars(decimal_text)
