//! What the shell itself says (tray, notifications, file dialogs), in the languages of the page.

mod de;
mod en;
mod es;
mod ja;
mod zh;

use std::{collections::HashMap, sync::LazyLock};

/// Why a download failed, by language and by the fault's code: the page's own words.
static FAULTS: LazyLock<HashMap<&str, HashMap<&str, &str>>> = LazyLock::new(|| {
    let words = include_str!("../../../ui/src/i18n/faults.json");
    serde_json::from_str(words).expect("a file of this repository, read by the tests below")
});

/// A language that Longhaul speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Language {
    #[default]
    En,
    Zh,
    De,
    Es,
    Ja,
}

impl Language {
    /// What was chosen (a tag as the page names it), else the system's language, else English.
    pub(crate) fn of(chosen: Option<&str>) -> Self {
        match chosen {
            Some(tag) if tag != "system" => Self::tagged(tag),
            _ => sys_locale::get_locales().find_map(|tag| Self::tagged(&tag)),
        }
        .unwrap_or_default()
    }

    fn tagged(tag: &str) -> Option<Self> {
        let tag = tag.to_ascii_lowercase();
        match tag.split(['-', '_', '.']).next() {
            Some("en") => Some(Self::En),
            Some("zh") => Some(Self::Zh),
            Some("de") => Some(Self::De),
            Some("es") => Some(Self::Es),
            Some("ja") => Some(Self::Ja),
            _ => None,
        }
    }

    /// Its words.
    pub(crate) const fn words(self) -> &'static Words {
        match self {
            Self::En => &en::WORDS,
            Self::Zh => &zh::WORDS,
            Self::De => &de::WORDS,
            Self::Es => &es::WORDS,
            Self::Ja => &ja::WORDS,
        }
    }
}

/// Every string of a language: one that is missing does not compile. `{}` stands for a figure.
#[derive(Debug)]
pub(crate) struct Words {
    /// As the page names the language.
    tag: &'static str,
    /// Before a decimal.
    pub(crate) point: char,
    pub(crate) bytes: &'static str,

    pub(crate) tray_idle: &'static str,
    pub(crate) tray_one: &'static str,
    pub(crate) tray_many: &'static str,
    pub(crate) show_longhaul: &'static str,
    pub(crate) pause_all: &'static str,
    pub(crate) resume_all: &'static str,
    pub(crate) quit: &'static str,

    pub(crate) verified: &'static str,
    pub(crate) complete: &'static str,
    pub(crate) open: &'static str,
    pub(crate) show_in_folder: &'static str,
    pub(crate) many_complete: &'static str,
    pub(crate) failed: &'static str,
    pub(crate) kept: &'static str,
    pub(crate) show: &'static str,
    pub(crate) retry: &'static str,
    pub(crate) many_failed: &'static str,
    pub(crate) retry_all: &'static str,
    pub(crate) more: &'static str,

    pub(crate) choose_folder: &'static str,
    pub(crate) save_list: &'static str,
    pub(crate) take_list: &'static str,
    /// Of the notification of links that were copied.
    pub(crate) copied: &'static str,
    pub(crate) copied_what: &'static str,
}

/// `words` with `figure` in its place.
pub(crate) fn with(words: &str, figure: &dyn std::fmt::Display) -> String {
    words.replace("{}", &figure.to_string())
}

impl Words {
    /// A sentence about a fault of that code; none for a code of a later version.
    pub(crate) fn fault(&self, code: &str) -> Option<&'static str> {
        FAULTS.get(self.tag)?.get(code).copied()
    }

    /// Decimal units, three figures: `204 MB`, `1.20 GB`.
    pub(crate) fn size(&self, count: u64) -> String {
        const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
        if count < 1000 {
            return with(self.bytes, &count);
        }
        #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
        let mut value = count as f64;
        let mut unit = "";
        for next in UNITS {
            value /= 1000.0;
            unit = next;
            // What rounds to 1000 belongs to the next unit.
            if value < 999.5 {
                break;
            }
        }
        let digits = if value < 9.995 {
            2
        } else {
            usize::from(value < 99.95)
        };
        let figures = format!("{value:.digits$}").replace('.', &self.point.to_string());
        format!("{figures} {unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_comes_before_the_system_and_what_is_not_spoken_is_english() {
        for (tag, language) in [
            ("de", Language::De),
            ("zh-CN", Language::Zh),
            ("es_MX.UTF-8", Language::Es),
            ("JA", Language::Ja),
            ("fr", Language::En),
            ("", Language::En),
        ] {
            assert_eq!(Language::of(Some(tag)), language, "{tag}");
        }
    }

    #[test]
    fn every_language_has_a_place_for_each_figure_that_english_has() {
        for language in [Language::Zh, Language::De, Language::Es, Language::Ja] {
            let words = language.words();
            let figured = [
                words.bytes,
                words.tray_many,
                words.many_complete,
                words.many_failed,
                words.kept,
                words.more,
            ];
            assert!(figured.iter().all(|text| text.contains("{}")), "{words:?}");
        }
    }

    #[test]
    fn a_fault_is_told_in_each_language() {
        assert_eq!(Language::En.words().fault("of_tomorrow"), None);
        for language in [Language::En, Language::Zh, Language::Es, Language::Ja] {
            for code in FAULTS["de"].keys() {
                assert!(
                    language.words().fault(code).is_some(),
                    "{language:?} {code}"
                );
            }
        }
    }

    #[test]
    fn sizes_have_three_figures() {
        let words = Language::En.words();
        for (count, text) in [
            (999, "999 bytes"),
            (1000, "1.00 kB"),
            (99_949, "99.9 kB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (204_800_000, "205 MB"),
            (u64::MAX, "18.4 EB"),
        ] {
            assert_eq!(words.size(count), text);
        }
        assert_eq!(Language::De.words().size(1200), "1,20 kB");
    }
}
