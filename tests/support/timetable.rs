//! A timetable for tests, as the settings have it.

use serde_json::{Value, json};

/// All downloads rest, at any hour of any day.
#[must_use]
pub fn always_at_rest() -> Value {
    json!({ "days": vec![true; 7], "from": 0, "to": 0, "limit": null })
}
