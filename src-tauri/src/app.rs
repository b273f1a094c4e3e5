//! The app from its first window to its last: plugins, the task behind the window, the way out.

use std::{path::PathBuf, sync::Arc};

use anyhow::Context;
use longhaul_client::ClientEvent;
use tauri::{AppHandle, Emitter, Env, Manager, RunEvent, WebviewWindow, WindowEvent};
use tauri_plugin_deep_link::DeepLinkExt;
use tauri_plugin_window_state::StateFlags;

use crate::{
    awake::Awake,
    background, border, clipboard,
    commands::{self, Copied},
    host::Host,
    language::Language,
    lifecycle::{Lifecycle, Start},
    links::{self, Given},
    look::{self, Look},
    notify::Notifier,
    options::{Options, Places},
    tray::{self, Taskbar, Tray},
    turn::Turn,
    unseen,
    updates::{self, Source, Updates},
};

/// The event that carries every change to the page.
const CLIENT_EVENT: &str = "client-event";
pub(crate) const WINDOW: &str = "main";

/// Opens the window and returns when the app has quit.
///
/// # Errors
/// When the window cannot be opened.
pub(crate) fn run(options: Options, places: Places) -> anyhow::Result<()> {
    let single = tauri_plugin_single_instance::Builder::new()
        .dbus_id(&places.bus_name)
        .callback(|app, arguments, _folder| again(app, &arguments))
        .build();
    // An absolute name stays where it is: the window's place belongs to the data folder.
    let window_state = tauri_plugin_window_state::Builder::default()
        .with_filename(places.data.join("window.json").display().to_string())
        // One that is hidden was hidden for that run.
        .with_state_flags(StateFlags::all() - StateFlags::VISIBLE)
        .build();
    let kept = Look::open(&places.data);
    let mut context = tauri::generate_context!();
    for window in &mut context.config_mut().app.windows {
        window.visible = !options.in_background;
    }
    let mut env = Env::default();
    env.args_os
        .retain(|argument| !options.is_of_this_start(argument));
    let plugins = &mut context.config_mut().plugins.0;
    let source = Source::find(options.updates.as_deref(), plugins.get("updater"));
    let updates = Updates::new(&source);
    let mut builder = tauri::Builder::default()
        .plugin(single)
        .plugin(window_state)
        .plugin(border::plugin())
        .plugin(look::plugin(&kept))
        .plugin(tauri_plugin_dialog::init())
        .plugin(tauri_plugin_deep_link::init())
        .plugin(
            tauri_plugin_autostart::Builder::new()
                .arg(background::FLAG)
                .build(),
        )
        .manage(env)
        .manage(Lifecycle::new())
        .manage(Given::default())
        .manage(Copied::default())
        .manage(Taskbar::default())
        .manage(kept)
        .manage(updates)
        .invoke_handler(tauri::generate_handler![commands::call])
        .setup(|app| {
            let handle = app.handle().clone();
            hear_links(&handle, options.link.as_deref());
            let work = tauri::async_runtime::spawn(work(handle, options, places));
            app.state::<Lifecycle>().own(work);
            Ok(())
        });
    if let Ok(Some(source)) = source {
        plugins.insert("updater".to_owned(), source.configuration());
        builder = builder.plugin(tauri_plugin_updater::Builder::new().build());
    }
    let app = builder
        .build(context)
        .context("the window cannot be opened")?;
    app.run(|app, event| match event {
        RunEvent::WindowEvent { event, .. } => match event {
            WindowEvent::CloseRequested { api, .. }
                if app.state::<Lifecycle>().closes_to_tray() =>
            {
                api.prevent_close();
                hide(app);
            }
            WindowEvent::Focused(is_seen) => app.state::<Taskbar>().look(app, is_seen),
            _ => {}
        },
        RunEvent::ExitRequested { api, .. } if !app.state::<Lifecycle>().may_exit(app) => {
            api.prevent_exit();
        }
        _ => {}
    });
    Ok(())
}

/// Somebody has started the app while it runs.
fn again(app: &AppHandle, arguments: &[String]) {
    if app.state::<Lifecycle>().is_quitting() {
        // They came just before this one let go of its name: the next start has what they brought.
        app.state::<Lifecycle>().begin_anew();
    }
    if !arguments
        .iter()
        .any(|argument| argument == background::FLAG)
    {
        raise(app);
    }
    links::receive(app, arguments);
}

/// Links come as arguments, of this start or of a later one; on macOS as an event of the system's.
fn hear_links(app: &AppHandle, first: Option<&str>) {
    if let Some(link) = first {
        links::receive(app, &[link.to_owned()]);
    }
    let handle = app.clone();
    app.deep_link().on_open_url(move |event| {
        let links: Vec<_> = event.urls().iter().map(ToString::to_string).collect();
        links::receive(&handle, &links);
    });
}

fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(WINDOW)
        && let Err(error) = window.hide()
    {
        tracing::warn!(%error, "the window cannot be hidden");
    }
}

/// Shows the window to whoever asked for it.
pub(crate) fn raise(app: &AppHandle) {
    if let Some(window) = window(app) {
        let raised = window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus());
        if let Err(error) = raised {
            tracing::warn!(%error, "the window cannot be brought to the front");
        }
    }
}

/// The window, while there is one.
pub(crate) fn window(app: &AppHandle) -> Option<WebviewWindow> {
    app.get_webview_window(WINDOW)
}

/// Everything behind the window, from the moment on when no other run is at its folder.
async fn work(app: AppHandle, options: Options, places: Places) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        data = %places.data.display(),
        "Longhaul starts"
    );
    let stop = app.state::<Lifecycle>().stop();
    let folder = places.data.clone();
    let turn = tokio::select! {
        turn = Turn::come(&folder) => turn,
        () = wait_for_the_end(&app, &stop) => return keep_unseen(&app, folder).await,
    };
    run_all(&app, &options, places).await;
    app.state::<Look>().written().await;
    keep_unseen(&app, folder).await;
    tracing::info!("Longhaul has stopped");
    drop(turn);
}

/// Starts it all, tells the page and the user of each change, stops it.
async fn run_all(app: &AppHandle, options: &Options, places: Places) {
    let lifecycle = app.state::<Lifecycle>();
    let stop = lifecycle.stop();
    let host = match Host::start(options, places).await {
        Ok(host) => Arc::new(host),
        Err(error) => {
            tracing::error!(%error, "Longhaul cannot start");
            lifecycle.announce(Start::Failed(error));
            // The page says why.
            raise(app);
            wait_for_the_end(app, &stop).await;
            return;
        }
    };
    match host.manager.settings().await {
        Ok(settings) => lifecycle.obey(&settings),
        Err(error) => tracing::warn!(%error, "the settings cannot be read"),
    }
    tracing::info!(server = %host.address, embedded = host.is_embedded(), "ready");
    let folder = host.places.data.clone();
    let unseen = tokio::task::spawn_blocking(move || unseen::take(&folder));
    links::offer(app, unseen.await.unwrap_or_default());
    let beside = [
        Some(clipboard::watch(
            app.clone(),
            host.clone(),
            lifecycle.settings(),
        )),
        Some(updates::watch(app.clone(), lifecycle.settings())),
        options
            .in_background
            .then(|| background::settle(app.clone())),
    ];
    let telling = tell(app, &host);
    lifecycle.announce(Start::Ready(host.clone()));
    tokio::select! {
        result = telling => if let Err(error) = result {
            tracing::error!(%error, "changes are no longer told");
            wait_for_the_end(app, &stop).await;
        },
        () = wait_for_the_end(app, &stop) => {}
    }
    for task in beside.into_iter().flatten() {
        task.abort();
    }
    host.stop().await;
}

/// What the page has not asked for is asked for after the next start.
async fn keep_unseen(app: &AppHandle, folder: PathBuf) {
    let lines = app.state::<Given>().take();
    let kept = tokio::task::spawn_blocking(move || unseen::keep(&folder, &lines));
    if !matches!(kept.await, Ok(Ok(()))) {
        tracing::warn!("links that were given could not be kept");
    }
}

/// Forwards each batch to the page, and what matters to the notifier, until the manager stops.
async fn tell(app: &AppHandle, host: &Arc<Host>) -> Result<(), longhaul_client::ManagerError> {
    // First the subscription, then the snapshot: nothing falls between the two.
    let mut changes = host.manager.subscribe().await?;
    let mut language = app.state::<Look>().language();
    let tray = tray_of(app, *language.borrow_and_update());
    let settings = app.state::<Lifecycle>().settings();
    let awake = Awake::begin(settings);
    let given = app.state::<Given>();
    let (mut notifier, mut faults) = Notifier::new(app.clone(), host.clone());
    let start = host.manager.snapshot().await?;
    notifier.already_known(&start);
    let mut last = ClientEvent {
        changed: Vec::new(),
        removed: Vec::new(),
        totals: start.totals,
        server: start.server,
        servers: start.servers,
        notices: Vec::new(),
    };
    loop {
        tokio::select! {
            change = changes.next() => match change {
                Some(event) => {
                    show(app, &event);
                    last.totals.clone_from(&event.totals);
                    last.server.clone_from(&event.server);
                    last.servers.clone_from(&event.servers);
                    if let Some(tray) = &tray {
                        tray.tell(&event);
                    }
                    app.state::<Taskbar>().hear(app, &event);
                    awake.hear(&event.totals);
                    notifier.hear(&event);
                }
                None => return Ok(()),
            },
            Some(notice) = faults.recv() => if host.keep(&notice) {
                show(app, &ClientEvent { notices: vec![notice], ..last.clone() });
            },
            () = notifier.due() => {
                let spoken = *language.borrow();
                notifier.tell(spoken).await;
            }
            () = given.unseen() => {
                let spoken = *language.borrow();
                notifier.offer(spoken).await;
            }
            Ok(()) = language.changed() => if let Some(tray) = &tray {
                tray.speak(*language.borrow_and_update());
            },
        }
    }
}

/// The tray's icon, where the system has a tray.
fn tray_of(app: &AppHandle, language: Language) -> Option<Tray> {
    if !tray::is_possible() {
        tracing::info!("no tray: libayatana-appindicator3 is not installed");
        return None;
    }
    match tray::show(app, language) {
        Ok(tray) => {
            app.state::<Lifecycle>().has_icon();
            Some(tray)
        }
        Err(error) => {
            tracing::warn!(%error, "the tray cannot be used");
            None
        }
    }
}

fn show(app: &AppHandle, event: &ClientEvent) {
    if let Err(error) = app.emit(CLIENT_EVENT, event) {
        tracing::warn!(%error, "a change could not be told to the page");
    }
}

/// Returns when the app quits, and makes it quit when the system says so.
async fn wait_for_the_end(app: &AppHandle, stop: &tokio_util::sync::CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => return,
        () = asked_to_stop() => {}
    }
    tracing::info!("asked to stop");
    app.exit(0);
    stop.cancelled().await;
}

#[cfg(unix)]
async fn asked_to_stop() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt), Ok(mut hangup)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
        signal(SignalKind::hangup()),
    ) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = hangup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn asked_to_stop() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
