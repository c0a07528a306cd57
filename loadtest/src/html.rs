//! Just enough HTML to do what a visitor does with a page: find its forms, press a button, follow a refresh,
//! read an id. It tolerates any page and never fails; a form that is not there is simply not found.

use url::form_urlencoded::Serializer;

/// A form as a browser would submit it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where it goes, as written; empty means the page's own address.
    pub action: String,
    /// True for `method="post"`.
    pub posts: bool,
    /// Hidden and filled fields in page order.
    pub fields: Vec<(String, String)>,
    /// Its submit buttons in page order.
    pub buttons: Vec<Button>,
}

/// A submit button: what it adds to the form and whether it redirects it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Button {
    /// Name and value added when it is pressed; an empty name adds nothing.
    pub name: String,
    /// See `name`.
    pub value: String,
    /// Its own `formaction`, empty when it has none.
    pub action: String,
}

impl Form {
    /// The form's URL-encoded body when `button` is pressed.
    #[must_use]
    pub fn encode(&self, button: Option<&Button>) -> String {
        let mut body = Serializer::new(String::new());
        body.extend_pairs(&self.fields);
        if let Some(button) = button.filter(|button| !button.name.is_empty()) {
            body.append_pair(&button.name, &button.value);
        }
        body.finish()
    }

    /// Where the form goes when `button` is pressed.
    #[must_use]
    pub fn target<'a>(&'a self, button: Option<&'a Button>) -> &'a str {
        match button {
            Some(button) if !button.action.is_empty() => &button.action,
            _ => &self.action,
        }
    }
}

/// Every form of a page.
#[must_use]
pub fn forms(page: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut open = false;
    for tag in Tags(page) {
        match tag.name.as_str() {
            "form" => {
                let posts = tag.get("method").eq_ignore_ascii_case("post");
                forms.push(Form {
                    action: tag.get("action"),
                    posts,
                    fields: Vec::new(),
                    buttons: Vec::new(),
                });
                open = true;
            }
            "/form" => open = false,
            "input" | "button" if open => {
                if let Some(form) = forms.last_mut() {
                    control(form, &tag);
                }
            }
            _ => {}
        }
    }
    forms
}

fn control(form: &mut Form, tag: &Tag<'_>) {
    let kind = tag.get("type").to_ascii_lowercase();
    let (name, value) = (tag.get("name"), tag.get("value"));
    let submits = kind == "submit" || (tag.name == "button" && kind.is_empty());
    if submits {
        form.buttons.push(Button {
            name,
            value,
            action: tag.get("formaction"),
        });
        return;
    }
    let choice = matches!(kind.as_str(), "checkbox" | "radio");
    if name.is_empty() || tag.name == "button" || (choice && !tag.has("checked")) {
        return;
    }
    form.fields.push((name, value));
}

/// Where a page's `<meta http-equiv="refresh">` leads: seconds to wait and the address, empty for itself.
#[must_use]
pub fn refresh(page: &str) -> Option<(u64, String)> {
    let tag = Tags(page)
        .find(|tag| tag.name == "meta" && tag.get("http-equiv").eq_ignore_ascii_case("refresh"))?;
    let content = tag.get("content");
    let (seconds, rest) = content.split_once(';').unwrap_or((&content, ""));
    let url = rest
        .trim()
        .get(4..)
        .filter(|_| rest.trim().to_ascii_lowercase().starts_with("url="));
    Some((
        seconds.trim().parse().ok()?,
        url.unwrap_or_default().trim_matches(['\'', '"']).to_owned(),
    ))
}

/// The first id with this prefix (`pay_`, `ord_`) that the page shows.
#[must_use]
pub fn id(page: &str, prefix: &str) -> Option<String> {
    page.match_indices(prefix).find_map(|(start, _)| {
        let fresh = page[..start]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_ascii_alphanumeric());
        let rest = &page[start + prefix.len()..];
        let length = rest
            .find(|letter: char| !letter.is_ascii_alphanumeric())
            .unwrap_or(rest.len());
        (fresh && length >= SHORTEST_ID)
            .then(|| page[start..start + prefix.len() + length].to_owned())
    })
}

/// A UUIDv7 in base32 has 26 characters; anything much shorter is a word of the page's own.
const SHORTEST_ID: usize = 16;

struct Tag<'p> {
    name: String,
    attributes: &'p str,
}

impl Tag<'_> {
    fn get(&self, wanted: &str) -> String {
        Attributes(self.attributes)
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| unescape(value))
            .unwrap_or_default()
    }

    fn has(&self, wanted: &str) -> bool {
        Attributes(self.attributes).any(|(name, _)| name.eq_ignore_ascii_case(wanted))
    }
}

/// The tags of a page in order. A `>` inside quotes does not end a tag; comments and scripts are skipped.
struct Tags<'p>(&'p str);

impl<'p> Iterator for Tags<'p> {
    type Item = Tag<'p>;

    fn next(&mut self) -> Option<Tag<'p>> {
        loop {
            let start = self.0.find('<')?;
            let rest = &self.0[start + 1..];
            if let Some(comment) = rest.strip_prefix("!--") {
                self.0 = comment.split_once("-->").map_or("", |(_, after)| after);
                continue;
            }
            let end = tag_end(rest)?;
            self.0 = &rest[end + 1..];
            let inside = rest[..end].trim_end_matches('/');
            let (name, attributes) = inside
                .split_once(char::is_whitespace)
                .unwrap_or((inside, ""));
            let name = name.to_ascii_lowercase();
            if matches!(name.as_str(), "script" | "style") {
                self.0 = self.0.split_once("</").map_or("", |(_, after)| after);
            }
            if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/') {
                return Some(Tag { name, attributes });
            }
        }
    }
}

fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, letter)| {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
        None
    })
}

struct Attributes<'p>(&'p str);

impl<'p> Iterator for Attributes<'p> {
    type Item = (&'p str, &'p str);

    fn next(&mut self) -> Option<Self::Item> {
        let text = self.0.trim_start();
        if text.is_empty() {
            return None;
        }
        let name_end = text
            .find(|letter: char| letter == '=' || letter.is_whitespace())
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(name_end.max(1));
        let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
            self.0 = rest;
            return Some((name, ""));
        };
        let (value, rest) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote).unwrap_or((&value[1..], "")),
            _ => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
        };
        self.0 = rest;
        Some((name, value))
    }
}

fn unescape(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let plain = [
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#x22;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
    ];
    let marks = [
        ("&#x2f;", "/"),
        ("&#x2F;", "/"),
        ("&#47;", "/"),
        ("&#x3d;", "="),
        ("&lt;", "<"),
        ("&gt;", ">"),
    ];
    let mut text = text.to_owned();
    for (escaped, letter) in plain.into_iter().chain(marks) {
        text = text.replace(escaped, letter);
    }
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests;
