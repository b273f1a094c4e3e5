//! English.

use super::Words;

pub(super) const WORDS: Words = Words {
    tag: "en",
    point: '.',
    bytes: "{} bytes",
    tray_idle: "Nothing is being downloaded",
    tray_one: "1 download",
    tray_many: "{} downloads",
    show_longhaul: "Show Longhaul",
    pause_all: "Pause all",
    resume_all: "Resume all",
    quit: "Quit",
    verified: "Complete and verified",
    complete: "Complete",
    open: "Open",
    show_in_folder: "Show in folder",
    many_complete: "{} downloads are complete",
    failed: "It could not be downloaded",
    kept: "{} kept",
    show: "Show",
    retry: "Retry",
    many_failed: "{} downloads failed",
    retry_all: "Retry all",
    more: "and {} more",
    choose_folder: "Where downloads go",
    save_list: "Save the list and the settings",
    take_list: "Take in a saved list",
    copied: "Links to files were copied",
    copied_what: "Nothing is downloaded unless you start it.",
};
