//! Everything that the page can ask of the shell: one Tauri command, one table. A line of the
//! table is the only declaration of a command; the page's TypeScript is generated from it.

mod about;
mod carry;
mod downloads;
mod error;
mod files;
mod redact;
mod report;
mod servers;
mod settings;
mod table;
mod updates;

use std::path::PathBuf;

use serde_json::Value;
use tauri::{AppHandle, Manager};
use tauri_plugin_dialog::FilePath;

use self::{
    about::About,
    carry::Imported,
    downloads::{Ids, Limiting, Moving, One, Removal},
    files::FilesQuery,
    servers::OneServer,
    settings::Choice,
    table::commands,
};
pub(crate) use self::{error::CommandError, report::Copied};
use crate::{host::Host, language::Words, lifecycle::Lifecycle, look::Look, updates::UpdateView};
use longhaul_client::{
    AddOutcome, AddRequest, SegmentMap, ServerEdit, ServerId, Settings, Snapshot,
};
use longhaul_protocol::FilesPage;

commands! {
    /// Everything, for a page that starts.
    snapshot: () => Snapshot, downloads::snapshot;
    /// The notices of the snapshot have been read.
    dismissNotices: () => (), downloads::dismiss_notices;
    /// One page of a server's catalogue.
    files: FilesQuery => FilesPage, files::files;
    /// Adds downloads, all or none.
    add: AddRequest => AddOutcome, downloads::add;
    /// Stops downloads for now.
    pause: Ids => (), downloads::pause;
    /// Lets paused downloads go on.
    resume: Ids => (), downloads::resume;
    /// Gives downloads up.
    cancel: Ids => (), downloads::cancel;
    /// Tries failed or cancelled downloads again.
    retry: Ids => (), downloads::retry;
    /// Pulls downloads whose names are taken under numbered ones.
    keepBoth: Ids => (), downloads::keep_both;
    /// Puts the files away that have their names, and pulls them.
    replace: Ids => (), downloads::replace;
    /// Takes rows off the list, with their files where told so.
    remove: Removal => (), downloads::remove;
    /// Brings rows back that were removed a moment ago; answers how many.
    restore: Ids => u32, downloads::restore;
    /// Puts rows that have not ended to another place in the queue.
    place: Moving => (), downloads::put;
    /// Limits one download's speed.
    limit: Limiting => (), downloads::limit;
    /// The map of one pull.
    segments: One => SegmentMap, downloads::segments;
    /// Opens finished files.
    open: Ids => (), files::open;
    /// Shows finished files in their folders.
    showInFolder: Ids => (), files::show_in_folder;
    /// Lets the user choose a folder; null when they did not.
    chooseFolder: () => Option<String>, files::choose_folder;
    /// What the user has set.
    settings: () => Settings, settings::settings;
    /// Sets all of it; answers what now holds.
    setSettings: Settings => Settings, settings::set_settings;
    /// Keeps one choice of how the window looks.
    remember: Choice => (), settings::remember;
    /// Adds a server, or changes one; its id.
    putServer: ServerEdit => ServerId, servers::put;
    /// Forgets a server that nothing waits for.
    removeServer: OneServer => (), servers::remove;
    /// Asks the servers that are away again at once.
    tryNow: () => (), servers::try_now;
    /// Whether the app starts with the system.
    autostart: () => bool, settings::autostart;
    /// Sets that; answers what now holds.
    setAutostart: bool => bool, settings::set_autostart;
    /// Ids and URLs that a link gave and that were not shown yet, once.
    given: () => Vec<String>, settings::given;
    /// Saves the list and the settings to a file; its path, or null when the user did not.
    export: () => Option<String>, carry::export;
    /// Takes such a file in; null when the user chose none.
    import: () => Option<Imported>, carry::import;
    /// What a report of a fault needs, without secrets.
    diagnostics: () => String, report::diagnostics;
    /// Puts that on the clipboard.
    copyDiagnostics: () => (), report::copy_diagnostics;
    /// Shows the folder of the logs.
    openLogs: () => (), report::open_logs;
    /// What there is to say about new versions of the app.
    updates: () => UpdateView, updates::updates;
    /// Asks the source of updates for a newer version.
    lookForUpdates: () => UpdateView, updates::look;
    /// Fetches the version that was found, verifies it, and puts it in this one's place.
    installUpdate: () => UpdateView, updates::install;
    /// Gives up what of it is being fetched.
    cancelUpdate: () => (), updates::cancel;
    /// Ends the app and starts it anew.
    restart: () => (), updates::restart;
    /// What this is, and where it keeps things.
    about: () => About, about::about;
}

/// What a command acts on.
pub(crate) struct Call<'a> {
    pub(crate) app: &'a AppHandle,
    pub(crate) host: &'a Host,
}

impl Call<'_> {
    /// What the shell's own dialogs say, in the window's language.
    fn words(&self) -> &'static Words {
        let language = *self.app.state::<Look>().language().borrow();
        language.words()
    }
}

/// The path that a dialog of the system answered.
fn path_of(chosen: FilePath) -> Result<PathBuf, CommandError> {
    chosen
        .into_path()
        .map_err(|error| CommandError::new("invalid", error.to_string()))
}

/// The one door from the page: `invoke("call", { name, args })`.
#[tauri::command]
pub(crate) async fn call(
    app: AppHandle,
    name: String,
    args: Option<Value>,
) -> Result<Value, CommandError> {
    let host = app.state::<Lifecycle>().host();
    let host = host.await?;
    let call = Call {
        app: &app,
        host: &host,
    };
    dispatch(&call, &name, args.unwrap_or(Value::Null)).await
}
