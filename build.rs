//! Compiles the pages of `docs/formats/` and `docs/causes/` into the binary; adding a page is adding a file.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let mut rows = String::new();
    for folder in ["formats", "causes"] {
        let path = Path::new(&root).join("docs").join(folder);
        println!("cargo:rerun-if-changed={}", path.display());
        if !path.is_dir() {
            continue;
        }
        let mut pages: Vec<_> =
            fs::read_dir(&path)?.map(|page| Ok(page?.path())).collect::<io::Result<_>>()?;
        pages.retain(|page| page.extension().is_some_and(|ending| ending == "md"));
        pages.sort();
        for page in pages {
            let name = page.file_stem().unwrap_or_default().to_string_lossy();
            rows.push_str(&format!(
                "({folder:?}, {name:?}, include_str!({:?})),\n",
                page.display().to_string()
            ));
        }
    }
    fs::write(
        Path::new(&out).join("pages.rs"),
        format!("static PAGES: &[(&str, &str, &str)] = &[\n{rows}];\n"),
    )
}
