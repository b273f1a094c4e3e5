//! Makes of one table both the dispatch by name and the page's TypeScript map of commands.

/// `name: arguments => reply, handler;` a line. The name is the one on the wire.
macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident: $args:ty => $reply:ty, $handler:path;)*) => {
        /// Carries out the command of that name.
        ///
        /// # Errors
        /// When there is none, the arguments are not its own, or it fails.
        async fn dispatch(
            call: &Call<'_>,
            name: &str,
            args: serde_json::Value,
        ) -> Result<serde_json::Value, CommandError> {
            $(if name == stringify!($name) {
                let args: $args = serde_json::from_value(args)
                    .map_err(|error| CommandError::arguments(name, &error))?;
                let reply: $reply = Box::pin($handler(call, args)).await?;
                return serde_json::to_value(reply)
                    .map_err(|error| CommandError::new("faulty_reply", error.to_string()));
            })*
            Err(CommandError::new("unknown_command", format!("there is no command “{name}”")))
        }

        #[cfg(test)]
        mod typescript {
            use super::*;

            /// What a command takes and gives.
            #[derive(ts_rs::TS)]
            #[expect(dead_code, reason = "only its TypeScript is used")]
            struct Shape<Args, Reply> {
                args: Args,
                reply: Reply,
            }

            /// Every command of the shell by its name.
            #[derive(ts_rs::TS)]
            #[ts(export)]
            #[expect(dead_code, non_snake_case, reason = "only its TypeScript is used")]
            struct Commands {
                $($(#[$doc])* #[ts(inline)] $name: Shape<$args, $reply>,)*
            }
        }
    };
}

pub(super) use commands;
