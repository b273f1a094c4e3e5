//! What the behaviour tests are built from: the real processes, started and ended by id.

pub mod bins;
pub mod bucket;
pub mod catalogue;
pub mod centre;
pub mod content;
pub mod desk;
pub mod feed;
pub mod launch;
pub mod nginx;
pub mod origin;
pub mod picky_s3;
mod program;
pub mod s3;
mod screen;
pub mod server;
mod serving;
pub mod timetable;
pub mod tray;
pub mod wait;
pub mod window;
