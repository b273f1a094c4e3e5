//! Commands on new versions of the app.

use std::sync::Arc;

use tauri::Manager as _;

use super::{Call, CommandError};
use crate::{
    lifecycle::Lifecycle,
    updates::{UpdateView, Updates},
};

pub(crate) async fn updates(call: &Call<'_>, (): ()) -> Result<UpdateView, CommandError> {
    Ok(call.app.state::<Arc<Updates>>().view())
}

pub(crate) async fn look(call: &Call<'_>, (): ()) -> Result<UpdateView, CommandError> {
    Ok(call.app.state::<Arc<Updates>>().look(call.app).await)
}

pub(crate) async fn install(call: &Call<'_>, (): ()) -> Result<UpdateView, CommandError> {
    Ok(call.app.state::<Arc<Updates>>().install(call.app).await)
}

pub(crate) async fn restart(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    call.app.state::<Lifecycle>().begin_anew();
    call.app.exit(0);
    Ok(())
}
