//! Debian packages: what a command needs and this machine lacks is installed before it is used.
//!
//! Only through `apt-get`, as root or through `sudo`; anywhere else one sentence says what to install.
//! Some packages start a server of their own at once. Ours are private, so a server that we brought
//! onto the machine is stopped and kept from starting again; one that was there before is left alone.

mod apt;

use devkit::{Postgres, Store, find_program};

/// What a command is about to do, and so what it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Run a demo with this store.
    Up(Store),
    /// Compile only.
    Build,
    /// Run every test.
    Test,
    /// Run a gateway with a clock of its own.
    Clock,
    /// Measure beside nginx.
    BenchGateway,
}

/// A need, the package that meets it, and how to see that it is met.
struct Need {
    package: &'static str,
    met: fn() -> bool,
}

const COMPILER: Need = Need {
    package: "build-essential",
    met: || programs(&["cc", "c++", "make"]),
};
const CMAKE: Need = Need {
    package: "cmake",
    met: || programs(&["cmake"]),
};
const GUARD: Need = Need {
    package: "util-linux",
    met: || programs(&["setpriv"]),
};
const POSTGRES: Need = Need {
    package: "postgresql",
    met: Postgres::is_installed,
};
const REDIS: Need = Need {
    package: "redis-server",
    met: || programs(&["redis-server"]),
};
const BROWSER: Need = Need {
    package: "chromium",
    met: || programs(&["chromium"]),
};
const DRIVER: Need = Need {
    package: "chromium-driver",
    met: || programs(&["chromedriver"]),
};
/// Brings the accessibility checker of the queue page.
const NPM: Need = Need {
    package: "npm",
    met: || programs(&["npm"]),
};
/// Checks the lottery's and the log's vectors with the scripts that the guides show.
const PYTHON: Need = Need {
    package: "python3",
    met: || programs(&["python3"]),
};
/// Gives one process another time than the rest of the machine.
const FAKETIME: Need = Need {
    package: "faketime",
    met: || devkit::clock_library().is_some(),
};
const NGINX: Need = Need {
    package: "nginx-light",
    met: || programs(&["nginx"]),
};
const WRK: Need = Need {
    package: "wrk",
    met: || programs(&["wrk"]),
};

impl Purpose {
    fn needs(self) -> Vec<Need> {
        let mut needs = vec![COMPILER, CMAKE, GUARD];
        match self {
            Self::Build => {}
            Self::Up(Store::Memory) => needs.push(POSTGRES),
            Self::Up(Store::Redis) => needs.extend([POSTGRES, REDIS]),
            Self::Test => {
                needs.extend([POSTGRES, REDIS, BROWSER, DRIVER, NPM, PYTHON, FAKETIME]);
            }
            Self::Clock => needs.push(FAKETIME),
            Self::BenchGateway => needs.extend([POSTGRES, NGINX, WRK]),
        }
        needs
    }
}

/// Installs what `purpose` needs and this machine lacks.
///
/// # Errors
/// One sentence that says what is missing, why it could not be had, and what to type.
pub(crate) fn ensure(purpose: Purpose) -> Result<(), String> {
    let missing: Vec<_> = purpose
        .needs()
        .into_iter()
        .filter(|need| !(need.met)())
        .map(|need| need.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    apt::install(&missing)?;
    let still = purpose.needs().into_iter().find(|need| !(need.met)());
    match still {
        None => Ok(()),
        Some(need) => Err(format!(
            "the package {} is installed and yet does not bring what is needed (PostgreSQL must be 15 \
             or newer, as in Debian 12 and Ubuntu 24.04); install it by hand and start again",
            need.package
        )),
    }
}

fn programs(names: &[&str]) -> bool {
    names.iter().all(|name| find_program(name).is_some())
}
