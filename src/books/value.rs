//! The scalar values of `llmfin.toml`: `"412.10"`, `"5%"`, `"USD"`, `"Europe/Berlin"`, `"openai"`. Written as text (a
//! whole number may stand bare), because a TOML float would already have lost digits when we see it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};

use crate::money::{Money, Ratio};
use crate::pricebook::read_ctx;
use crate::usage::cube::Band;
use crate::vocabulary::{SELLERS, Seller};

/// Reads a value from text or from a whole number.
struct Text<T>(std::marker::PhantomData<T>, &'static str);

impl<T: FromStr<Err = String>> Visitor<'_> for Text<T> {
    type Value = T;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        self.visit_str(&number.to_string())
    }
}

macro_rules! value {
    ($(#[$doc:meta])* $name:ident($inner:ty), $expected:literal, $schema:tt) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $name(pub $inner);
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_any(Text(std::marker::PhantomData, $expected))
            }
        }
        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

value!(
    /// An amount in the currency of the books.
    Amount(Money), "an amount in quotes such as \"412.10\"", {
        "type": ["string", "integer"], "pattern": r"^-?[0-9]+(\.[0-9]{1,12})?$"
    }
);
value!(
    /// A share written with its sign: `"2.5%"`.
    Percent(Ratio), "a percentage in quotes such as \"2.5%\"", {
        "type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?%$"
    }
);
value!(
    /// An exact positive factor, such as an exchange rate.
    Factor(Ratio), "a decimal number in quotes such as \"1.0842\"", {
        "type": ["string", "integer"], "pattern": r"^[0-9]+(\.[0-9]+)?$"
    }
);
value!(
    /// A context boundary as the price book writes it; `0` is none.
    Context(Option<Band>), "a context boundary in quotes such as \">272000\"", {
        "type": ["string", "integer"], "pattern": r"^(0|>=?[1-9][0-9]*)$"
    }
);
value!(
    /// ISO 4217: three capital letters.
    Currency(Code), "a currency code such as \"USD\"", { "type": "string", "pattern": "^[A-Z]{3}$" }
);

/// Three capital letters.
pub type Code = [u8; 3];

impl FromStr for Amount {
    type Err = String;
    fn from_str(text: &str) -> Result<Amount, String> {
        match Money::read(text) {
            Ok(read) if read.rounded => Err(format!("`{text}` has more than 12 decimals")),
            Ok(read) => Ok(Amount(read.amount)),
            Err(error) => Err(error.to_string()),
        }
    }
}

impl FromStr for Percent {
    type Err = String;
    fn from_str(text: &str) -> Result<Percent, String> {
        let read = || {
            let number = Decimal::from_str_exact(text.strip_suffix('%')?.trim_end()).ok()?;
            let share = Ratio::from_decimal(number)?.checked_mul(Ratio::new(1, 100)?)?;
            (number >= Decimal::ZERO).then_some(Percent(share))
        };
        read().ok_or_else(|| format!("`{text}` is not a percentage such as `2.5%`"))
    }
}

impl FromStr for Factor {
    type Err = String;
    fn from_str(text: &str) -> Result<Factor, String> {
        Decimal::from_str_exact(text)
            .ok()
            .filter(|number| *number > Decimal::ZERO)
            .and_then(Ratio::from_decimal)
            .map(Factor)
            .ok_or_else(|| format!("`{text}` is not a positive decimal number"))
    }
}

impl FromStr for Context {
    type Err = String;
    fn from_str(text: &str) -> Result<Context, String> {
        read_ctx(text)
            .map(Context)
            .ok_or_else(|| format!("`{text}` is not a context boundary such as `>272000`"))
    }
}

impl FromStr for Currency {
    type Err = String;
    fn from_str(text: &str) -> Result<Currency, String> {
        match <Code>::try_from(text.as_bytes()) {
            Ok(code) if code.iter().all(u8::is_ascii_uppercase) => Ok(Currency(code)),
            _ => Err(format!("`{text}` is not a currency code such as `USD`")),
        }
    }
}

impl Currency {
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency code is three capital letters")
    }
}

impl Default for Currency {
    fn default() -> Currency {
        Currency(*b"USD")
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An IANA time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(pub chrono_tz::Tz);

impl Default for Zone {
    fn default() -> Zone {
        Zone(chrono_tz::UTC)
    }
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Zone, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Zone).map_err(|_| {
            let names = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
            D::Error::custom(unknown("time zone", &text, names))
        })
    }
}

impl JsonSchema for Zone {
    fn schema_name() -> Cow<'static, str> {
        "Zone".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "IANA time zone such as Europe/Berlin" })
    }
}

/// A seller, by its id; other spellings that logs use are accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provider(pub &'static str);

impl<'de> Deserialize<'de> for Provider {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Provider, D::Error> {
        let text = String::deserialize(deserializer)?;
        Seller::find(&text).map(|seller| Provider(seller.id)).ok_or_else(|| {
            D::Error::custom(unknown("provider", &text, SELLERS.iter().map(|seller| seller.id)))
        })
    }
}

impl JsonSchema for Provider {
    fn schema_name() -> Cow<'static, str> {
        "Provider".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let ids: Vec<&str> = SELLERS
            .iter()
            .flat_map(|seller| std::iter::once(seller.id).chain(seller.aliases.iter().copied()))
            .collect();
        json_schema!({ "type": "string", "enum": ids })
    }
}

/// A message in which the file reader finds the suggestion again: it marks what follows `did you mean`.
fn unknown<'a>(what: &str, text: &str, known: impl Iterator<Item = &'a str>) -> String {
    let message = format!("unknown {what} `{text}`");
    match crate::diagnostic::nearest(text, known) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_shares_are_exact() {
        assert_eq!("412.10".parse::<Amount>().unwrap().0.plain(), "412.10");
        assert!("0.0000000000001".parse::<Amount>().is_err());
        assert!("1,000".parse::<Amount>().is_err());
        assert_eq!("2.5%".parse::<Percent>().unwrap().0, Ratio::new(1, 40).unwrap());
        assert!("2.5".parse::<Percent>().is_err() && "-1%".parse::<Percent>().is_err());
        assert_eq!("1.0842".parse::<Factor>().unwrap().0, Ratio::new(5421, 5000).unwrap());
        assert!("0".parse::<Factor>().is_err());
        assert_eq!("EUR".parse::<Currency>().unwrap().code(), "EUR");
        assert!("eur".parse::<Currency>().is_err() && "EURO".parse::<Currency>().is_err());
    }
}
