//! A display without a window manager: which windows it shows, what is in them, and the button in a
//! window's corner.

use anyhow::{bail, ensure};
use x11rb::{
    connection::Connection,
    errors::ReplyError,
    protocol::xproto::{
        Atom, AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, ImageFormat, MapState, Window,
    },
};

/// Asks the one window on the display that can be asked to close: the message that a window manager
/// would send (ICCCM §4.2.8.1).
pub(crate) fn press_close(display: &str) -> anyhow::Result<()> {
    let found = Found::on(display)?;
    let window = found.only()?;
    let time = x11rb::CURRENT_TIME;
    let message =
        ClientMessageEvent::new(32, window, found.protocols, [found.delete, time, 0, 0, 0]);
    let sent = found
        .connection
        .send_event(false, window, EventMask::NO_EVENT, message)?;
    Ok(sent.check()?)
}

/// What the one window on the display shows, as a PNG.
pub(crate) fn picture(display: &str) -> anyhow::Result<Vec<u8>> {
    let found = Found::on(display)?;
    let window = found.only()?;
    let connection = &found.connection;
    let size = connection.get_geometry(window)?.reply()?;
    let (wide, high) = (size.width, size.height);
    let image = connection
        .get_image(ImageFormat::Z_PIXMAP, window, 0, 0, wide, high, u32::MAX)?
        .reply()?;
    // What Xvfb is started with: 24 bits, in words of 32, the blue byte first.
    let pixels = image.data.chunks_exact(4);
    ensure!(
        image.depth == 24 && pixels.len() == usize::from(wide) * usize::from(high),
        "a display of depth {}",
        image.depth
    );
    let colours: Vec<u8> = pixels.flat_map(|it| [it[2], it[1], it[0]]).collect();
    let mut png = Vec::new();
    let mut encoder = png::Encoder::new(&mut png, wide.into(), high.into());
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&colours)?;
    Ok(png)
}

/// How many windows on the display are shown and can be closed.
pub(crate) fn count(display: &str) -> anyhow::Result<usize> {
    Ok(Found::on(display)?.windows.len())
}

/// The windows that have such a button.
struct Found<C> {
    connection: C,
    windows: Vec<Window>,
    protocols: Atom,
    delete: Atom,
}

impl<C> Found<C> {
    fn only(&self) -> anyhow::Result<Window> {
        match self.windows[..] {
            [window] => Ok(window),
            _ => bail!("{} windows can be closed, not one", self.windows.len()),
        }
    }
}

impl Found<x11rb::rust_connection::RustConnection> {
    fn on(display: &str) -> anyhow::Result<Self> {
        let (connection, screen) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[screen].root;
        let protocols = atom(&connection, b"WM_PROTOCOLS")?;
        let delete = atom(&connection, b"WM_DELETE_WINDOW")?;
        let mut windows = Vec::new();
        for window in connection.query_tree(root)?.reply()?.children {
            match closable(&connection, window, protocols, delete) {
                Ok(true) => windows.push(window),
                Ok(false) => {}
                // It has gone since it was listed.
                Err(ReplyError::X11Error(error))
                    if error.error_kind == x11rb::protocol::ErrorKind::Window => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self {
            connection,
            windows,
            protocols,
            delete,
        })
    }
}

fn closable(
    connection: &impl Connection,
    window: Window,
    protocols: Atom,
    delete: Atom,
) -> Result<bool, ReplyError> {
    let shown = connection.get_window_attributes(window)?.reply()?.map_state == MapState::VIEWABLE;
    let known = connection
        .get_property(false, window, protocols, AtomEnum::ATOM, 0, 32)?
        .reply()?;
    let can = known
        .value32()
        .is_some_and(|mut atoms| atoms.any(|it| it == delete));
    Ok(shown && can)
}

fn atom(connection: &impl Connection, name: &[u8]) -> anyhow::Result<Atom> {
    Ok(connection.intern_atom(false, name)?.reply()?.atom)
}
