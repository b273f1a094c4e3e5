//! The button in a window's corner, on a display without a window manager: the message that one
//! would send (ICCCM §4.2.8.1).

use anyhow::ensure;
use x11rb::{
    connection::Connection,
    protocol::xproto::{
        Atom, AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, MapState, Window,
    },
};

/// Asks each window on the display that can be asked to close.
pub(crate) fn press(display: &str) -> anyhow::Result<()> {
    let (connection, screen) = x11rb::connect(Some(display))?;
    let root = connection.setup().roots[screen].root;
    let protocols = atom(&connection, b"WM_PROTOCOLS")?;
    let delete = atom(&connection, b"WM_DELETE_WINDOW")?;
    let mut pressed = 0;
    for window in connection.query_tree(root)?.reply()?.children {
        if closable(&connection, window, protocols, delete)? {
            let message = ClientMessageEvent::new(
                32,
                window,
                protocols,
                [delete, x11rb::CURRENT_TIME, 0, 0, 0],
            );
            connection
                .send_event(false, window, EventMask::NO_EVENT, message)?
                .check()?;
            pressed += 1;
        }
    }
    ensure!(pressed == 1, "{pressed} windows can be closed, not one");
    Ok(())
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
