//! A cookie jar for one site: names, values and removal. Domains, paths and ages are left out, since every
//! cookie of the system under test is host-wide and outlives a drill.

use http::HeaderMap;
use http::header::SET_COOKIE;

/// The cookies one visitor holds for one site, in the order they were first set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Jar {
    cookies: Vec<(String, String)>,
}

impl Jar {
    /// Takes what `headers` set; an empty value or `Max-Age=0` removes the cookie.
    pub fn take(&mut self, headers: &HeaderMap) {
        for line in headers
            .get_all(SET_COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
        {
            self.take_line(line);
        }
    }

    fn take_line(&mut self, line: &str) {
        let mut parts = line.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        let (name, value) = (name.trim(), value.trim());
        let expired = parts.any(|attribute| attribute.trim().eq_ignore_ascii_case("max-age=0"));
        if expired || value.is_empty() {
            self.cookies.retain(|(known, _)| known != name);
            return;
        }
        match self.cookies.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None => self.cookies.push((name.to_owned(), value.to_owned())),
        }
    }

    /// The value of the first cookie whose name starts with `prefix`.
    #[must_use]
    pub fn starting_with(&self, prefix: &str) -> Option<&str> {
        self.cookies
            .iter()
            .find(|(name, _)| name.starts_with(prefix))
            .map(|(_, value)| value.as_str())
    }

    /// The `Cookie` request header, or `None` when the jar is empty.
    #[must_use]
    pub fn header(&self) -> Option<String> {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(jar: &mut Jar, line: &str) {
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, line.parse().unwrap());
        jar.take(&headers);
    }

    #[test]
    fn a_jar_keeps_replaces_and_forgets() {
        let mut jar = Jar::default();
        assert_eq!(jar.header(), None);
        set(&mut jar, "fg_t_sale=one; HttpOnly; Path=/");
        set(&mut jar, "csrf=a=b");
        set(&mut jar, "fg_t_sale=two; Max-Age=60");
        assert_eq!(jar.header().as_deref(), Some("fg_t_sale=two; csrf=a=b"));
        assert_eq!(jar.starting_with("fg_t_"), Some("two"));
        set(&mut jar, "csrf=gone; Max-Age=0");
        set(&mut jar, "fg_t_sale=");
        assert_eq!(jar.header(), None);
    }
}
