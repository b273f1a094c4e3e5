//! The desktop shell: one window around the client, with the job server inside. Thin: what a
//! terminal could need lives in `longhaul-client`.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod app;
mod awake;
mod background;
mod border;
mod clipboard;
mod commands;
mod display;
mod embedded;
mod host;
mod keys;
mod language;
mod lifecycle;
mod links;
mod logs;
mod look;
mod notify;
mod opening;
mod options;
mod tray;
mod turn;
mod unseen;
mod updates;
mod whole;

use std::process::ExitCode;

use clap::Parser;

use crate::options::{Options, Places};

/// There is nothing to open a window on; `make run` serves the page to a browser then.
const NO_DISPLAY: u8 = 3;

fn main() -> ExitCode {
    let options = Options::parse();
    #[cfg(target_os = "linux")]
    display::draw_plainly_without_gpu();
    if let Err(reason) = display::available() {
        logs::say(&reason);
        return ExitCode::from(NO_DISPLAY);
    }
    match Places::of(&options).and_then(|places| {
        logs::begin(&places)?;
        app::run(options, places)
    }) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            logs::say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}
