//! The tokens of added servers, in the system's keyring: Secret Service on Linux, Keychain on macOS,
//! Credential Manager on Windows.

use keyring::v1::{Entry, Error};
use longhaul_client::{ServerId, Vault, VaultError};
use longhaul_protocol::Token;

/// The keyring of whoever runs this, in the entries of one data folder.
#[derive(Debug)]
pub(crate) struct Keyring {
    /// Two runs with two data folders have two lists of servers.
    service: String,
}

impl Keyring {
    /// `name` tells this list of servers from others.
    pub(crate) fn new(name: &str) -> Self {
        Self {
            service: name.to_owned(),
        }
    }

    fn entry(&self, server: ServerId) -> Result<Entry, VaultError> {
        if let Err(error) = Entry::store_status() {
            return Err(told(error));
        }
        Entry::new(&self.service, &server.to_string()).map_err(|error| told(&error))
    }
}

impl Vault for Keyring {
    fn get(&self, server: ServerId) -> Result<Option<Token>, VaultError> {
        match self.entry(server)?.get_password() {
            Ok(text) => Ok(Some(Token::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(error) => Err(told(&error)),
        }
    }

    fn put(&self, server: ServerId, token: &Token) -> Result<(), VaultError> {
        let entry = self.entry(server)?;
        entry
            .set_password(token.expose())
            .map_err(|error| told(&error))
    }

    fn remove(&self, server: ServerId) -> Result<(), VaultError> {
        match self.entry(server)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(told(&error)),
        }
    }
}

/// What can be said of a failure: some of the library's errors carry the secret itself.
fn told(error: &Error) -> VaultError {
    VaultError(
        match error {
            Error::NoStorageAccess(_) => "it is locked, or may not be used",
            Error::PlatformFailure(_) | Error::NoDefaultStore => {
                "this system has no keyring that answers"
            }
            _ => "it did not do as it was asked",
        }
        .to_owned(),
    )
}
