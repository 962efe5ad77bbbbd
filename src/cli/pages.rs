//! The pages of `docs/formats/` and `docs/causes/`, compiled in by `build.rs`: the binary shows what the site shows.

include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The Markdown of `docs/<folder>/<name>.md`.
pub fn find(folder: &str, name: &str) -> Option<&'static str> {
    PAGES.iter().find(|(of, page, _)| *of == folder && *page == name).map(|(_, _, text)| *text)
}
