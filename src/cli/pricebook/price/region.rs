//! A region that the seller's book does not speak of would be priced as `global`: it is refused, with the nearest one.

use std::collections::BTreeSet;

use crate::diagnostic::nearest;

/// What is wrong with a region, and what may be meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unknown {
    pub message: String,
    pub help: String,
}

/// `known` holds regions and patterns of them, such as `geo:*`.
pub(super) fn check(seller: &str, region: &str, known: &BTreeSet<&str>) -> Result<(), Unknown> {
    let speaks = |region: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => region.starts_with(start) && region.len() > start.len(),
            None => *known == region,
        })
    };
    if region.is_empty() || speaks(region) {
        return Ok(());
    }
    let literal = || known.iter().copied().filter(|known| !known.ends_with('*'));
    let scoped = ["geo", "datazone", "regional"].map(|scope| format!("{scope}:{region}"));
    // A pattern holds anything: only what is as short as the areas sellers have is likely to be one.
    let near = scoped
        .iter()
        .map(String::as_str)
        .find(|whole| known.contains(whole) || (region.len() == 2 && speaks(whole)));
    let help = match near.or_else(|| nearest(region, literal())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("{seller} has {}", known.iter().copied().collect::<Vec<_>>().join(", ")),
    };
    Err(Unknown { message: format!("`{region}` is no region of {seller} that the book knows"), help })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_nobody_speaks_of_is_refused_with_the_nearest() {
        let pattern = BTreeSet::from(["global", "geo:*"]);
        let single = BTreeSet::from(["global", "geo:us"]);
        let help = |region: &str, known| check("openai", region, known).err().map(|unknown| unknown.help);
        for known in ["", "global", "geo:eu"] {
            assert_eq!(help(known, &pattern), None);
        }
        assert_eq!(help("eu", &pattern).unwrap(), "did you mean `geo:eu`?");
        assert_eq!(help("geo:usa", &single).unwrap(), "did you mean `geo:us`?");
        assert_eq!(help("mars", &single).unwrap(), "openai has geo:us, global");
        assert_eq!(help("mars", &pattern).unwrap(), "openai has geo:*, global");
        assert_eq!(help("geo:", &pattern).unwrap(), "openai has geo:*, global");
    }
}
