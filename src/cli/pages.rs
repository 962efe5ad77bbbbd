//! The pages of `docs/formats/`, compiled in: the binary shows what the repository shows.

macro_rules! pages {
    ($($name:literal),+ $(,)?) => { &[$(include_str!(concat!("../../docs/formats/", $name, ".md"))),+] };
}

/// One page for each family of formats.
static FORMATS: &[&str] =
    pages!["anthropic", "focus", "litellm", "litellm-activity", "mapped", "normalised", "openai"];

/// The page that describes a format: the one that names its id in code type.
pub fn format(id: &str) -> Option<&'static str> {
    let named = format!("`{id}`");
    FORMATS.iter().copied().find(|page| page.contains(&named))
}
