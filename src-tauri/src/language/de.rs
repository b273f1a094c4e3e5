//! German.

use super::Words;

pub(super) const WORDS: Words = Words {
    tag: "de",
    point: ',',
    bytes: "{} Bytes",
    tray_idle: "Es wird nichts geladen",
    tray_one: "1 Download",
    tray_many: "{} Downloads",
    show_longhaul: "Longhaul zeigen",
    pause_all: "Alle anhalten",
    resume_all: "Alle fortsetzen",
    quit: "Beenden",
    verified: "Vollständig und geprüft",
    complete: "Vollständig",
    open: "Öffnen",
    show_in_folder: "Im Ordner zeigen",
    many_complete: "{} Downloads sind fertig",
    failed: "Es konnte nicht geladen werden",
    kept: "{} behalten",
    show: "Zeigen",
    retry: "Erneut versuchen",
    many_failed: "{} Downloads sind fehlgeschlagen",
    retry_all: "Alle erneut versuchen",
    more: "und {} weitere",
    choose_folder: "Speicherort der Downloads",
    save_list: "Liste und Einstellungen sichern",
    take_list: "Eine gesicherte Liste übernehmen",
    copied: "Links zu Dateien wurden kopiert",
    copied_what: "Nichts wird geladen, solange Sie es nicht starten.",
};
