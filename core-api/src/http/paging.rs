//! Cursor paging: newest first; a cursor is the last id of the page before, so that a page never
//! shifts while rows are added.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Rows of a page when the caller does not say.
const DEFAULT_LIMIT: u16 = 20;
/// Rows of a page at most: some 100 kB of JSON.
const LIMIT_MAX: u16 = 100;

/// Which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Page {
    /// `nextCursor` of the page before; absent for the first.
    pub cursor: Option<String>,
    /// Rows of the page, 1 to 100, 20 if absent.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u16>,
}

impl Page {
    /// Rows to give, within bounds.
    pub fn limit(&self) -> u16 {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, LIMIT_MAX)
    }
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Paged<T> {
    items: Vec<T>,
    /// Give it as `cursor` for the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

impl<T> Paged<T> {
    /// A page from up to `limit + 1` rows: the one too many only says that there is more.
    pub fn new(mut rows: Vec<T>, limit: u16, cursor_of: impl Fn(&T) -> String) -> Self {
        let more = rows.len() > limit.into();
        rows.truncate(limit.into());
        let next_cursor = if more {
            rows.last().map(cursor_of)
        } else {
            None
        };
        Self {
            items: rows,
            next_cursor,
        }
    }

    /// The same page of other items.
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Paged<U> {
        Paged {
            items: self.items.into_iter().map(f).collect(),
            next_cursor: self.next_cursor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_page_has_no_cursor() {
        assert_eq!(
            Paged::new(vec![3, 2], 2, ToString::to_string).next_cursor,
            None
        );
    }

    #[test]
    fn a_full_page_points_past_its_last_row() {
        let page = Paged::new(vec![3, 2, 1], 2, ToString::to_string);
        assert_eq!(
            (page.items, page.next_cursor.as_deref()),
            (vec![3, 2], Some("2"))
        );
    }
}
