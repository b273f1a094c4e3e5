//! The button in a window's corner, on a display without a window manager: the message that one
//! would send (ICCCM §4.2.8.1).

use anyhow::bail;
use x11rb::{
    connection::Connection,
    protocol::xproto::{
        Atom, AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, MapState, Window,
    },
};

/// Asks the one window on the display that can be asked to close.
pub(crate) fn press(display: &str) -> anyhow::Result<()> {
    let found = Found::on(display)?;
    let [window] = found.windows[..] else {
        bail!("{} windows can be closed, not one", found.windows.len());
    };
    let time = x11rb::CURRENT_TIME;
    let message =
        ClientMessageEvent::new(32, window, found.protocols, [found.delete, time, 0, 0, 0]);
    let sent = found
        .connection
        .send_event(false, window, EventMask::NO_EVENT, message)?;
    Ok(sent.check()?)
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

impl Found<x11rb::rust_connection::RustConnection> {
    fn on(display: &str) -> anyhow::Result<Self> {
        let (connection, screen) = x11rb::connect(Some(display))?;
        let root = connection.setup().roots[screen].root;
        let protocols = atom(&connection, b"WM_PROTOCOLS")?;
        let delete = atom(&connection, b"WM_DELETE_WINDOW")?;
        let mut windows = Vec::new();
        for window in connection.query_tree(root)?.reply()?.children {
            if closable(&connection, window, protocols, delete)? {
                windows.push(window);
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
) -> anyhow::Result<bool> {
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
