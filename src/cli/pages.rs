//! The pages of `docs/formats/`, compiled in: the binary shows what the repository shows.

macro_rules! pages {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../../docs/formats/", $name, ".md")))),+] };
}

/// One page for each family of formats, by its name.
static FORMATS: &[(&str, &str)] =
    pages!["anthropic", "focus", "litellm", "litellm-activity", "mapped", "normalised", "openai"];

/// The page that describes a format: the one that names its id in code type.
pub fn format(id: &str) -> Option<&'static str> {
    let named = format!("`{id}`");
    FORMATS.iter().map(|(_, page)| *page).find(|page| page.contains(&named))
}

/// The page of a family.
pub fn family(name: &str) -> Option<&'static str> {
    FORMATS.iter().find(|(family, _)| *family == name).map(|(_, page)| *page)
}

/// The families that have a page.
pub fn families() -> impl Iterator<Item = &'static str> {
    FORMATS.iter().map(|(family, _)| *family)
}
