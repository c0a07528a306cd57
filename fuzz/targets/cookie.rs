//! Headers to the gateway's cookie reader. The gateway is a program, not a library, so its module is
//! compiled here too, with the type and the function that it takes from elsewhere.
#![no_main]

#[path = "../checks/cookie.rs"]
mod check;
#[path = "../../gateway/src/rooms/tokens.rs"]
#[expect(dead_code, reason = "only the reading half is fuzzed")]
mod tokens;

mod step {
    pub(crate) mod identify {
        /// As in the gateway's step of this name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Scheme {
            Http,
            Https,
        }
    }
}

mod text {
    pub(crate) fn push_number(out: &mut String, number: u64) {
        out.push_str(&number.to_string());
    }
}

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::check(bytes));
