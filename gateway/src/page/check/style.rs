//! Whether a style would make a browser fetch something.

/// What fetches whatever is in it.
const FETCHES: [&str; 5] = ["@import", "cross-fade(", "image(", "image-set(", "src("];
/// What fetches unless it carries its content along.
const ADDRESS: &str = "url(";
/// An escape has at most so many hexadecimal digits ([CSS Syntax 3, 4.3.7](https://www.w3.org/TR/css-syntax-3/#consume-escaped-code-point)).
const LONGEST_ESCAPE: usize = 6;

/// Where a style, in lower case, names something to be fetched.
pub(super) fn loads(style: &str) -> Option<usize> {
    let (read, places) = unescaped(style);
    let fetches = FETCHES.iter().filter_map(|word| read.find(word)).min();
    let fetched = read.match_indices(ADDRESS).map(|(at, _)| at).find(|at| {
        let what = read[at + ADDRESS.len()..].trim_ascii_start();
        let what = what
            .strip_prefix(['"', '\''])
            .unwrap_or(what)
            .trim_ascii_start();
        !what.starts_with("data:") && !what.starts_with('#')
    });
    let found = [fetches, fetched].into_iter().flatten().min()?;
    places.get(found).copied()
}

/// The style as a browser reads it, `\75rl(` being `url(`, and where each byte of that stood.
fn unescaped(style: &str) -> (String, Vec<usize>) {
    let (mut read, mut places) = (String::new(), Vec::new());
    let mut rest = style;
    while let Some(next) = rest.chars().next() {
        let at = style.len() - rest.len();
        let (meant, length) = match rest.strip_prefix('\\') {
            Some(escape) => {
                let (meant, length) = escaped(escape);
                (meant, length + 1)
            }
            None => (next, next.len_utf8()),
        };
        read.push(meant.to_ascii_lowercase());
        places.resize(read.len(), at);
        rest = &rest[length..];
    }
    (read, places)
}

/// What follows a backslash: the character that is meant, and the bytes it takes.
fn escaped(rest: &str) -> (char, usize) {
    let digits = rest.bytes().take(LONGEST_ESCAPE);
    let digits = digits.take_while(u8::is_ascii_hexdigit).count();
    if digits == 0 {
        return rest
            .chars()
            .next()
            .map_or(('\u{fffd}', 0), |c| (c, c.len_utf8()));
    }
    let code = u32::from_str_radix(&rest[..digits], 16);
    let meant = code.ok().and_then(char::from_u32).unwrap_or('\u{fffd}');
    // One white space after the digits belongs to them.
    let after = &rest[digits..];
    let space = match after.starts_with("\r\n") {
        true => 2,
        false => usize::from(after.starts_with(|c: char| c.is_ascii_whitespace())),
    };
    (meant, digits + space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_loads_is_found_however_it_is_written() {
        for (style, at) in [
            ("a{background:url(x.png)}", Some(13)),
            ("a{background:\\75rl(x.png)}", Some(13)),
            ("a{background:\\000075 rl(x.png)}", Some(13)),
            ("a{background:u\\72 l( 'x.png')}", Some(13)),
            ("a{background:\\55 rl(x.png)}", Some(13)),
            ("\\40import 'x.css';", Some(0)),
            ("@\\69\r\nmport 'x.css';", Some(0)),
            ("a{background:image\\-set('x.png' 1x)}", Some(13)),
            ("a{background:src('x.png')}", Some(13)),
            ("a{background:image('//x.png')}", Some(13)),
            ("a{background:cross-fade('x.png',red)}", Some(13)),
            ("a{background:url( 'data:image/png;base64,')}", None),
            ("a{background:url(\"'data:image/png;base64,'\")}", Some(13)),
            ("a{fill:url(#mine)}q{quotes:'\\201c' '\\201d'}", None),
            (".w-1\\/2{width:50%}a{content:'\\", None),
        ] {
            assert_eq!(loads(style), at, "{style}");
        }
    }
}
