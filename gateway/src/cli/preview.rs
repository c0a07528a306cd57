//! `fluxgate page preview`: every state of the queue page for whoever designs one, without a gateway, a room
//! or a crowd. Served, the pages move as they would before a visitor's eyes; written, they stand still.

mod gallery;
mod rehearsal;
mod serve;

use std::fs;
use std::path::{Path, PathBuf};

use lexopt::prelude::*;

use crate::files;
use crate::page::negotiate::Language;
use crate::page::sample::{self, Sample};
use crate::page::{LIMIT, Pages, TemplateError, Visit};

/// Where it is served unless told otherwise.
const PORT: u16 = 8070;
/// A page that stands still asks in a day.
const NEVER_MS: u64 = 86_400_000;

/// What to show, and how.
#[derive(Debug)]
pub(super) struct Options {
    template: Option<PathBuf>,
    languages: Vec<Language>,
    samples: Vec<Sample>,
    how: How,
}

#[derive(Debug)]
enum How {
    Serve(u16),
    Write(PathBuf),
}

/// What came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum PreviewError {
    #[error("{}: {source}", file.display())]
    File {
        file: PathBuf,
        source: std::io::Error,
    },
    /// As compilers say it, so that an editor can jump there.
    #[error("{}: {source}", file.display())]
    Template {
        file: PathBuf,
        source: TemplateError,
    },
    #[error("cannot serve on port {port}: {source}")]
    Listen { port: u16, source: std::io::Error },
}

impl Options {
    /// Reads what follows `page preview`; `None` if help is asked for.
    pub(super) fn parse(parser: &mut lexopt::Parser) -> Result<Option<Self>, lexopt::Error> {
        let mut options = Self {
            template: None,
            languages: vec![Language::Korean, Language::English],
            samples: sample::ALL.to_vec(),
            how: How::Serve(PORT),
        };
        match parser.next()? {
            Some(Value(word)) if word == "preview" => {}
            Some(Long("help") | Short('h')) => return Ok(None),
            _ => return Err("`page` has one command: `page preview`".into()),
        }
        while let Some(argument) = parser.next()? {
            match argument {
                Long("template") => options.template = Some(parser.value()?.into()),
                Long("lang") => options.languages = vec![language(&parser.value()?.string()?)?],
                Long("state") => options.samples = samples(&parser.value()?.string()?)?,
                Long("port") => options.how = How::Serve(parser.value()?.parse()?),
                Long("out") => options.how = How::Write(parser.value()?.into()),
                Long("help") | Short('h') => return Ok(None),
                other => return Err(other.unexpected()),
            }
        }
        Ok(Some(options))
    }

    /// Serves until it is ended, or writes and returns.
    pub(super) fn run(self) -> Result<(), PreviewError> {
        // A template that does not compile is told at once, not with the first visit.
        let pages = self.pages()?;
        match &self.how {
            How::Write(directory) => self.write(&pages, directory),
            How::Serve(port) => serve::serve(*port, self),
        }
    }

    /// The pages of the template as it is now.
    fn pages(&self) -> Result<Pages, PreviewError> {
        let Some(file) = &self.template else {
            return Ok(Pages::compile(None).expect("the built-in page is tested to compile"));
        };
        let source = files::read_text(file, LIMIT).map_err(|source| PreviewError::File {
            file: file.clone(),
            source,
        })?;
        Pages::compile(Some(&source)).map_err(|source| PreviewError::Template {
            file: file.clone(),
            source,
        })
    }

    fn write(&self, pages: &Pages, directory: &Path) -> Result<(), PreviewError> {
        let put = |name: String, bytes: &[u8]| {
            let file = directory.join(name);
            fs::write(&file, bytes).map_err(|source| PreviewError::File { file, source })
        };
        fs::create_dir_all(directory).map_err(|source| PreviewError::File {
            file: directory.to_owned(),
            source,
        })?;
        for language in &self.languages {
            for sample in &self.samples {
                let mut visit: Visit<'_> = sample.visit(*language, sample::NOON_MS);
                visit.status.poll_after_ms = NEVER_MS;
                put(
                    format!("{}-{}.html", tag(*language), sample.name),
                    &pages.body(*language, &visit),
                )?;
            }
        }
        let address = |language, name: &str| format!("{}-{name}.html", tag(language));
        put(
            "index.html".to_owned(),
            gallery::page(&self.languages, &self.samples, address).as_bytes(),
        )
    }
}

fn language(word: &str) -> Result<Language, lexopt::Error> {
    match word {
        "ko" => Ok(Language::Korean),
        "en" => Ok(Language::English),
        other => Err(format!("the page speaks ko and en, not `{other}`").into()),
    }
}

fn samples(word: &str) -> Result<Vec<Sample>, lexopt::Error> {
    match Sample::named(word) {
        Some(sample) => Ok(vec![sample]),
        None => {
            let names: Vec<_> = sample::ALL.iter().map(|sample| sample.name).collect();
            Err(format!("there is no state `{word}`; there are {}", names.join(", ")).into())
        }
    }
}

/// As in addresses and file names.
fn tag(language: Language) -> &'static str {
    match language {
        Language::Korean => "ko",
        Language::English => "en",
    }
}
