//! `fluxgate room history`: the last day of a room, as a chart or as CSV.

use std::fmt::Write as _;

use serde_json::Value;

/// The columns, in the order in which they are shown.
const COLUMNS: [&str; 10] = [
    "arrivals",
    "waiting",
    "called",
    "claimed",
    "lapsed",
    "left",
    "active",
    "limit",
    "rate",
    "origin_p95_ms",
];
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Points of a chart, so that it fits a terminal of 100 columns.
const WIDEST: usize = 72;

/// What is asked for, and how it is shown.
#[derive(Debug, Default, PartialEq)]
pub(super) struct How {
    pub(super) from: Option<u64>,
    pub(super) step: Option<u64>,
    pub(super) csv: bool,
}

impl How {
    /// What follows the room in the address.
    pub(super) fn address(&self) -> String {
        let mut query = String::new();
        for (name, value) in [("from", self.from), ("step", self.step)] {
            if let Some(value) = value {
                let separator = if query.is_empty() { '?' } else { '&' };
                write!(query, "{separator}{name}={value}").expect("a String takes any write");
            }
        }
        format!("/history{query}")
    }

    /// The answer for people, or for a spreadsheet.
    pub(super) fn show(&self, answer: &Value) -> Option<String> {
        let history = History::read(answer)?;
        Some(match self.csv {
            true => history.csv(),
            false => history.chart(),
        })
    }
}

/// An answer of the operators' API.
struct History<'a> {
    from: u64,
    step: u64,
    columns: Vec<(&'static str, &'a [Value])>,
}

impl<'a> History<'a> {
    fn read(answer: &'a Value) -> Option<Self> {
        let columns = COLUMNS
            .iter()
            .map(|name| Some((*name, answer[*name].as_array()?.as_slice())));
        Some(Self {
            from: answer["from"].as_u64()?,
            step: answer["step"].as_u64()?,
            columns: columns.collect::<Option<_>>()?,
        })
    }

    fn rows(&self) -> usize {
        self.columns
            .iter()
            .map(|(_, values)| values.len())
            .min()
            .unwrap_or(0)
    }

    fn time(&self, row: usize) -> String {
        let at = i64::try_from(self.from + self.step * 1_000 * row as u64).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(at).map_or_else(|_| String::new(), |at| at.to_string())
    }

    fn csv(&self) -> String {
        let mut out = format!("time,{}\n", COLUMNS.join(","));
        for row in self.first_seen().unwrap_or(self.rows())..self.rows() {
            out.push_str(&self.time(row));
            for (_, values) in &self.columns {
                out.push(',');
                if !values[row].is_null() {
                    out.push_str(&values[row].to_string());
                }
            }
            out.push('\n');
        }
        out
    }

    /// The first row of which anything is known.
    fn first_seen(&self) -> Option<usize> {
        let is_seen = |row: &usize| {
            self.columns
                .iter()
                .any(|(_, values)| !values[*row].is_null())
        };
        (0..self.rows()).find(is_seen)
    }

    /// One line a column: its greatest value, and a bar for every few minutes.
    fn chart(&self) -> String {
        let rows = self.rows();
        let Some(first) = self.first_seen() else {
            return "nothing was seen in this time\n".to_owned();
        };
        let each = (rows - first).div_ceil(WIDEST);
        let minutes = self.step / 60 * each as u64;
        let mut out = format!(
            "{} to {}, a bar for {minutes} min\n",
            self.time(first),
            self.time(rows)
        );
        for (name, values) in &self.columns {
            let values = &values[first..rows];
            let bars: Vec<Option<f64>> = values.chunks(each).map(greatest).collect();
            let most = greatest(values).unwrap_or(0.0);
            let bar = |value: &Option<f64>| match value {
                None => ' ',
                Some(value) if most > 0.0 => BARS[((value / most) * 7.0).round() as usize],
                Some(_) => BARS[0],
            };
            let bars: String = bars.iter().map(bar).collect();
            writeln!(out, "{name:>13} {most:>9} {bars}").expect("a String takes any write");
        }
        out
    }
}

fn greatest(values: &[Value]) -> Option<f64> {
    values.iter().filter_map(Value::as_f64).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer() -> Value {
        let mut answer = json!({ "from": 1_790_000_040_000_u64, "step": 60 });
        for name in COLUMNS {
            answer[name] = json!([null, 0, 35, 70]);
        }
        answer["rate"] = json!([null, 0.5, 1.0, 60.5]);
        answer
    }

    #[test]
    fn a_gap_is_empty_in_csv() {
        let how = How {
            csv: true,
            ..How::default()
        };
        let mut gap = answer();
        for name in COLUMNS {
            gap[name] = json!([null, 0, null, 70]);
        }
        let csv = how.show(&gap).expect("complete");
        let lines: Vec<&str> = csv.lines().collect();
        // It begins where something was seen.
        assert_eq!(lines.len(), 4);
        assert!(lines[0].starts_with("time,arrivals,waiting,"));
        assert_eq!(lines[2], "2026-09-21T14:16:00Z,,,,,,,,,,");
        assert!(lines[3].ends_with(",70,70,70"), "{}", lines[3]);
    }

    #[test]
    fn a_chart_begins_where_something_was_seen() {
        let chart = How::default().show(&answer()).expect("complete");
        let arrivals = chart.lines().nth(1).expect("a line");
        assert_eq!(arrivals, "     arrivals        70 ▁▅█");
    }

    #[test]
    fn what_is_not_a_history_is_not_shown() {
        assert_eq!(How::default().show(&json!({ "from": 3 })), None);
    }

    #[test]
    fn the_address_says_what_is_asked() {
        assert_eq!(How::default().address(), "/history");
        let how = How {
            from: Some(5),
            step: Some(300),
            csv: false,
        };
        assert_eq!(how.address(), "/history?from=5&step=300");
    }
}
