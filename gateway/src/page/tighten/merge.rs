//! Joins one `const` declaration to the one before it.

/// What a bracket that is open holds.
#[derive(Clone, Copy)]
struct Level {
    /// Whether the statement being read began with `const`.
    declares: bool,
}

/// The script with `const a=1;const b=2` as `const a=1,b=2`. A line end is taken for the end of a statement, so that
/// what goes on behind one is left as it is.
pub(super) fn merge(script: &str) -> String {
    const WORD: &str = "const ";
    let begins = |rest: &str| rest.starts_with(WORD) || rest.starts_with("const[");
    let mut out = String::with_capacity(script.len());
    let mut levels = vec![Level {
        declares: begins(script),
    }];
    let mut rest = script;
    while let Some(c) = rest.chars().next() {
        let mut length = c.len_utf8();
        let after = &rest[length..];
        let depth = levels.len() - 1;
        match c {
            '"' | '\'' => length = super::string_end(rest, c),
            '{' | '(' | '[' => levels.push(Level {
                declares: begins(after),
            }),
            '}' | ')' | ']' if depth > 0 => drop(levels.pop()),
            ';' if levels[depth].declares && begins(after) => {
                out.push(',');
                rest = after[WORD.len() - 1..].trim_start();
                continue;
            }
            ';' | '\n' => levels[depth].declares = begins(after),
            _ => {}
        }
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out
}
