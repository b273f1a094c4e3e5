//! Commands on new versions of the app.

use tauri::Manager as _;

use super::{Call, CommandError};
use crate::{
    lifecycle::Lifecycle,
    updates::{UpdateView, Updates},
};

pub(crate) async fn updates(call: &Call<'_>, (): ()) -> Result<UpdateView, CommandError> {
    Ok(call.app.state::<Updates>().view())
}

pub(crate) async fn look(call: &Call<'_>, (): ()) -> Result<UpdateView, CommandError> {
    Ok(call.app.state::<Updates>().look(call.app).await)
}

pub(crate) async fn install(call: &Call<'_>, (): ()) -> Result<UpdateView, CommandError> {
    Ok(call.app.state::<Updates>().install(call.app).await)
}

pub(crate) async fn cancel(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    call.app.state::<Updates>().cancel().await;
    Ok(())
}

pub(crate) async fn restart(call: &Call<'_>, (): ()) -> Result<(), CommandError> {
    call.app.state::<Lifecycle>().begin_anew();
    call.app.exit(0);
    Ok(())
}
