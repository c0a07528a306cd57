//! The repository's text files, read once.

use super::source::Source;
use std::fs;
use std::path::Path;

/// Directories that hold nothing of ours.
const SKIPPED: [&str; 4] = ["target", "node_modules", ".git", ".data"];
/// What is text here; other files are not looked into.
const TEXT: [&str; 14] = [
    "rs", "toml", "md", "sql", "yaml", "yml", "html", "css", "js", "ts", "sh", "txt", "java", "kt",
];

/// One text file.
#[derive(Debug)]
pub(super) struct TextFile {
    /// From the root, with slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// All of them, by path.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub(super) files: Vec<TextFile>,
    /// The Rust files among them, taken apart.
    pub(super) sources: Vec<Source>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Result<Self, String> {
        let mut files = Vec::new();
        walk(root, "", &mut files)
            .map_err(|error| format!("cannot read the repository: {error}"))?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self::of(files))
    }

    pub(super) fn of(files: Vec<TextFile>) -> Self {
        let rust = files.iter().filter(|file| file.path.ends_with(".rs"));
        let sources = rust
            .map(|file| Source::new(&file.path, &file.text))
            .collect();
        Self { files, sources }
    }

    /// A repository with these files, for tests.
    #[cfg(test)]
    pub(super) fn fixture(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| TextFile {
            path: path.into(),
            text: text.into(),
        };
        Self::of(files.iter().map(file).collect())
    }

    /// Whether there is such a file, or a directory that holds one.
    pub(super) fn has(&self, path: &str) -> bool {
        let dir = format!("{}/", path.trim_end_matches('/'));
        self.files
            .iter()
            .any(|file| file.path == path || file.path.starts_with(&dir))
    }
}

fn walk(dir: &Path, prefix: &str, files: &mut Vec<TextFile>) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() && !SKIPPED.contains(&name.as_str()) {
            walk(&entry.path(), &format!("{path}/"), files)?;
        } else if kind.is_file() {
            // Of other files (pictures, offline query data) only the name matters, for links.
            let text = if is_text(&name) {
                fs::read_to_string(entry.path())?
            } else {
                String::new()
            };
            files.push(TextFile { path, text });
        }
    }
    Ok(())
}

/// Scripts and dot files have no ending and are text too.
fn is_text(name: &str) -> bool {
    match name.trim_start_matches('.').rsplit_once('.') {
        Some((_, end)) => TEXT.contains(&end),
        None => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_and_dot_files_are_text_and_pictures_are_not() {
        for name in ["a.rs", "run", ".gitignore", "Dockerfile"] {
            assert!(is_text(name), "{name}");
        }
        for name in ["a.png", "Cargo.lock", "query-1.json"] {
            assert!(!is_text(name), "{name}");
        }
    }
}
