//! The flags of all commands, read in one place; each command says which of them it takes.

use crate::cargo::Profile;
use crate::drill::Fault;
use devkit::Store;
use lexopt::prelude::*;

/// The gateway's port unless told otherwise.
pub(crate) const PORT_BASE: u16 = 8080;

/// What was typed after the command.
#[derive(Debug)]
pub(crate) struct Options {
    /// `--store`: where the line is kept.
    pub(crate) store: Store,
    /// `--gateways`: how many serve it.
    pub(crate) gateways: usize,
    /// `--port-base`: the gateway's port, from which the others follow.
    pub(crate) port_base: u16,
    /// `--visitors`: how many, if said.
    pub(crate) visitors: Option<u32>,
    /// `--seconds`: for how long, if said.
    pub(crate) seconds: Option<u32>,
    /// `--fault`: what is wrong with the last gateway.
    pub(crate) fault: Option<Fault>,
    /// `--release`: how programs are built.
    pub(crate) profile: Profile,
    /// `--fresh`: forget the last demo's data.
    pub(crate) fresh: bool,
    /// `--check`: only look.
    pub(crate) check: bool,
    /// What is no flag.
    pub(crate) words: Vec<String>,
}

impl Options {
    /// Reads the rest of the command line; a flag that is not in `allowed` is an error.
    pub(crate) fn read(mut args: lexopt::Parser, allowed: &[&str]) -> Result<Self, String> {
        let mut options = Self {
            store: Store::Memory,
            gateways: 1,
            port_base: PORT_BASE,
            visitors: None,
            seconds: None,
            fault: None,
            profile: Profile::Dev,
            fresh: false,
            check: false,
            words: Vec::new(),
        };
        options
            .fill(&mut args, allowed)
            .map_err(|error| format!("{error}; see cargo xtask help"))?;
        Ok(options)
    }

    fn fill(&mut self, args: &mut lexopt::Parser, allowed: &[&str]) -> Result<(), lexopt::Error> {
        while let Some(arg) = args.next()? {
            let flag = match arg {
                Long(flag) if allowed.contains(&flag) => flag.to_owned(),
                Value(word) => {
                    self.words.push(word.string()?);
                    continue;
                }
                other => return Err(other.unexpected()),
            };
            match flag.as_str() {
                "store" => self.store = args.value()?.parse_with(store)?,
                "gateways" => self.gateways = args.value()?.parse_with(|n| at_least_one(n, 16))?,
                "port-base" => self.port_base = args.value()?.parse_with(port)?,
                "visitors" => {
                    self.visitors = Some(args.value()?.parse_with(|n| at_least_one(n, 1_000_000))?);
                }
                "seconds" => {
                    self.seconds = Some(args.value()?.parse_with(|n| at_least_one(n, 86_400))?);
                }
                "fault" => self.fault = Some(args.value()?.parse_with(Fault::read)?),
                "release" => self.profile = Profile::Release,
                "fresh" => self.fresh = true,
                "check" => self.check = true,
                _ => return Err(Long(&flag).unexpected()),
            }
        }
        Ok(())
    }
}

fn store(text: &str) -> Result<Store, &'static str> {
    match text {
        "memory" => Ok(Store::Memory),
        "redis" => Ok(Store::Redis),
        _ => Err("expected memory or redis"),
    }
}

fn at_least_one<T: TryFrom<u32>>(text: &str, most: u32) -> Result<T, String> {
    let number = text
        .parse()
        .ok()
        .filter(|number| (1..=most).contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| format!("expected 1 to {most}"))
}

fn port(text: &str) -> Result<u16, &'static str> {
    let port = text
        .parse()
        .ok()
        .filter(|port| (1024..=64_000).contains(port));
    port.ok_or("expected 1024 to 64000")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str, allowed: &[&str]) -> Result<Options, String> {
        Options::read(lexopt::Parser::from_args(line.split_whitespace()), allowed)
    }

    #[test]
    fn flags_are_read() {
        let options = read(
            "--store redis --gateways 2 --port-base 9000",
            &["store", "gateways", "port-base"],
        );
        let options = options.unwrap();
        assert_eq!(
            (options.store, options.gateways, options.port_base),
            (Store::Redis, 2, 9000)
        );
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("--stoer redis", "--stoer"),
            ("--store disk", "memory or redis"),
            ("--gateways 0", "1 to 16"),
            ("--port-base 80", "1024 to 64000"),
            ("--visitors", "--visitors"),
            ("--seconds 86401", "1 to 86400"),
        ];
        for (line, named) in cases {
            let error = read(
                line,
                &["store", "gateways", "port-base", "visitors", "seconds"],
            )
            .unwrap_err();
            assert!(error.contains(named), "{line}: {error}");
        }
        assert!(read("--fresh", &["store"]).unwrap_err().contains("--fresh"));
    }
}
