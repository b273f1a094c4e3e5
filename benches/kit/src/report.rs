//! What was measured, as a page that the run itself writes.

use std::fmt::Write;

/// Figures of one thing over all rounds.
#[derive(Debug, Clone, Default)]
pub struct Figures(Vec<f64>);

impl Figures {
    /// Takes a round's figure.
    pub fn add(&mut self, figure: f64) {
        self.0.push(figure);
    }

    /// The middle one; not a number where there is none.
    #[must_use]
    pub fn median(&self) -> f64 {
        let sorted = self.sorted();
        let middle = sorted.len() / 2;
        match sorted.len() {
            0 => f64::NAN,
            n if n % 2 == 1 => sorted[middle],
            _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
        }
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.0.iter().sum()
    }

    fn sorted(&self) -> Vec<f64> {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted
    }
}

impl std::fmt::Display for Figures {
    /// The median, and the range of all rounds.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sorted = self.sorted();
        let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
            return f.write_str("–");
        };
        let number = |n: f64| match n {
            n if n >= 100.0 => format!("{n:.0}"),
            n if n >= 10.0 => format!("{n:.1}"),
            n => format!("{n:.2}"),
        };
        if sorted.len() == 1 {
            return f.write_str(&number(*least));
        }
        let (median, least, most) = (number(self.median()), number(*least), number(*most));
        write!(f, "{median} ({least}–{most})")
    }
}

/// The page.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// Adds a line, and prints it: a long run shows how far it is.
    pub fn line(&mut self, line: &str) {
        // A pipe that is closed does not stop the run: the page is written all the same.
        let _ = std::io::Write::write_all(&mut std::io::stdout(), format!("{line}\n").as_bytes());
        let _ = writeln!(self.0, "{line}");
    }

    /// Adds a table.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        self.line("");
        self.line(&format!("| {} |", head.join(" | ")));
        self.line(&format!("|{}", " --- |".repeat(head.len())));
        for row in rows {
            self.line(&format!("| {} |", row.join(" | ")));
        }
    }

    /// All of it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// A ratio beside the bar that it has to reach.
#[must_use]
pub fn against(ratio: f64, bar: f64) -> String {
    let mark = if ratio >= bar { "holds" } else { "missed" };
    format!("{ratio:.2} (bar {bar}: {mark})")
}
