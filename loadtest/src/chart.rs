//! Reports as one HTML file that needs nothing else: a text, and line charts as SVG.

use std::fmt::Write as _;

/// One line of a chart.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    /// What it shows, for the legend.
    pub(crate) name: String,
    /// One value for each of the chart's moments; not a number where there is none.
    pub(crate) values: Vec<f64>,
}

impl Series {
    pub(crate) fn new(name: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Self {
        Self {
            name: name.into(),
            values: values.into_iter().collect(),
        }
    }
}

/// Values over time.
#[derive(Clone, Debug)]
pub(crate) struct Chart {
    pub(crate) title: String,
    /// Seconds since the start.
    pub(crate) at: Vec<f64>,
    pub(crate) series: Vec<Series>,
    /// A level to compare with, and what it is.
    pub(crate) level: Option<(f64, String)>,
    /// Moments that matter, and what happened.
    pub(crate) marks: Vec<(f64, String)>,
}

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 200.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 24.0;
/// Told apart also by those who see no red or green (Okabe and Ito).
const COLOURS: [&str; 4] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7"];

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;\
background:#fff}pre{background:#f4f4f2;padding:1rem;overflow:auto;font-size:13px}figure{margin:2rem 0}figcaption{font-weight:600}\
svg{width:100%;height:auto}text{font:11px system-ui,sans-serif;fill:#555}";

/// The whole page.
pub(crate) fn page(title: &str, text: &str, charts: &[Chart]) -> String {
    let (title, text) = (escape(title), escape(text));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head>\n\
         <body><h1>{title}</h1>\n<pre>{text}</pre>\n"
    );
    charts.iter().for_each(|chart| chart.push(&mut out));
    out.push_str("</body></html>\n");
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

impl Chart {
    fn push(&self, out: &mut String) {
        let values = self
            .series
            .iter()
            .flat_map(|series| &series.values)
            .copied();
        let most = values.chain(self.level.iter().map(|(level, _)| *level));
        let most = round_up(most.filter(|value| value.is_finite()).fold(0.0, f64::max));
        let end = self.at.last().copied().unwrap_or_default().max(1.0);
        let x = |at: f64| LEFT + at / end * (WIDTH - LEFT);
        let y = |value: f64| (HEIGHT - BOTTOM) * (1.0 - value / most) + 4.0;
        let mut draw = |text: String| out.push_str(&text);
        draw(format!(
            "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\">",
            escape(&self.title)
        ));
        for part in [0.0, 0.5, 1.0] {
            let at = y(most * part);
            draw(format!(
                "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                at + 4.0,
                short(most * part)
            ));
        }
        for part in 0..=4 {
            let at = end * f64::from(part) / 4.0;
            let anchor = if part == 4 { "end" } else { "middle" };
            draw(format!(
                "<text x=\"{:.1}\" y=\"{HEIGHT}\" text-anchor=\"{anchor}\">{at:.0} s</text>",
                x(at)
            ));
        }
        for (at, what) in &self.marks {
            draw(format!(
                "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"4\" y2=\"{1:.1}\" stroke=\"#888\" stroke-dasharray=\"2 3\"/>\
                 <text x=\"{2:.1}\" y=\"14\">{3}</text>",
                x(*at),
                HEIGHT - BOTTOM,
                x(*at) + 3.0,
                escape(what)
            ));
        }
        if let Some((level, what)) = &self.level {
            draw(format!(
                "<line x1=\"{LEFT}\" x2=\"{WIDTH}\" y1=\"{0:.1}\" y2=\"{0:.1}\" stroke=\"#555\" stroke-dasharray=\"6 3\"/>\
                 <text x=\"{1:.1}\" y=\"{2:.1}\" text-anchor=\"end\">{3}</text>",
                y(*level),
                WIDTH - 4.0,
                y(*level) - 4.0,
                escape(what)
            ));
        }
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let points = self
                .at
                .iter()
                .zip(&series.values)
                .filter(|(_, value)| value.is_finite());
            let mut path = String::new();
            for (at, value) in points {
                write!(path, "{:.1},{:.1} ", x(*at), y(*value)).expect("a String takes any write");
            }
            draw(format!(
                "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\" points=\"{path}\"/>"
            ));
        }
        self.push_legend(out);
    }

    fn push_legend(&self, out: &mut String) {
        out.push_str("</svg>");
        for (series, colour) in self.series.iter().zip(COLOURS.iter().cycle()) {
            let name = escape(&series.name);
            write!(
                out,
                "<span style=\"color:{colour}\">■</span> {name} &nbsp; "
            )
            .expect("a String takes any write");
        }
        out.push_str("</figure>\n");
    }
}

/// The next of 1, 2, 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    steps
        .into_iter()
        .find(|step| *step >= value)
        .unwrap_or(value)
}

fn short(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{:.1}M", value / 1e6),
        value if value >= 1e4 => format!("{:.0}k", value / 1e3),
        value if value >= 10.0 || value == 0.0 => format!("{value:.0}"),
        value => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_alone_and_shows_every_value() {
        let chart = Chart {
            title: "a <b>".into(),
            at: vec![0.0, 1.0, 2.0],
            series: vec![Series::new("one", [1.0, f64::NAN, 3.0])],
            level: Some((4.0, "limit".into())),
            marks: vec![(1.0, "halved".into())],
        };
        let page = page("Drill", "x < y & z", &[chart]);
        assert!(page.contains("x &lt; y &amp; z") && page.contains("a &lt;b>"));
        assert!(page.contains("halved") && page.contains("limit"));
        assert!(!page.contains("NaN"));
        assert!(!page.contains("src=") && !page.contains("href="));
        let points = page.split("points=\"").nth(1).expect("a line");
        assert_eq!(
            points
                .split('"')
                .next()
                .unwrap_or_default()
                .split_whitespace()
                .count(),
            2
        );
    }

    #[test]
    fn an_axis_ends_at_a_round_number() {
        assert_eq!(
            [0.0, 3.0, 17.0, 1_000.0, 5_001.0].map(round_up),
            [1.0, 5.0, 20.0, 1_000.0, 10_000.0]
        );
    }
}
