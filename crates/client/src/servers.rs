//! Job servers that the user has added beside the first one: what is kept of them, where their tokens
//! are kept, and what front ends see and say of them.

use std::fmt;

use longhaul_protocol::Token;
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use url::Url;
use uuid::Uuid;

use crate::{
    api::{Server, as_base},
    error::ManagerError,
    view::ServerLink,
};

/// Servers that can be added.
pub(crate) const MAX_SERVERS: usize = 32;
const MAX_NAME: usize = 100;
/// A token longer than this is none (as in the server's own settings).
const MAX_TOKEN: usize = 4096;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(export, type = "string")]
pub struct ServerId(Uuid);

impl ServerId {
    /// The one that the manager was opened with.
    pub const FIRST: Self = Self(Uuid::nil());

    pub(crate) fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Whether it is the one that the manager was opened with.
    #[must_use]
    pub const fn is_first(&self) -> bool {
        self.0.is_nil()
    }
}

impl Default for ServerId {
    fn default() -> Self {
        Self::FIRST
    }
}

impl fmt::Display for ServerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is kept of an added server. Its token is not: that is the [`Vault`]'s.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ServerRecord {
    pub(crate) id: ServerId,
    pub(crate) name: String,
    pub(crate) address: Url,
    pub(crate) has_token: bool,
}

/// A server that the user has added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
#[ts(export)]
pub struct ServerView {
    /// Which.
    pub id: ServerId,
    /// As the user calls it.
    pub name: String,
    /// Its base URL.
    pub address: String,
    /// Whether it is spoken to with a token.
    pub has_token: bool,
    /// How the way to it is.
    pub link: ServerLink,
}

/// A server to add, or what one shall be from now on.
#[derive(Clone, PartialEq, Eq, Deserialize, TS)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[ts(export)]
pub struct ServerEdit {
    /// Which one changes; a new one where null.
    pub id: Option<ServerId>,
    /// What to call it; its host where empty.
    pub name: String,
    /// http or https; a path is a prefix of all calls.
    pub address: String,
    /// Null leaves it as it was, an empty one takes it away.
    pub token: Option<String>,
}

/// A token is shown nowhere.
impl fmt::Debug for ServerEdit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerEdit")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl ServerEdit {
    /// What it asks for, `before` being the token that is there.
    ///
    /// # Errors
    /// When the name, the address or the token cannot be one.
    pub(crate) fn checked(
        &self,
        before: Option<Token>,
    ) -> Result<(ServerRecord, Server), ManagerError> {
        let invalid = |text: &str| ManagerError::Invalid(text.to_owned());
        let mut address: Url =
            self.address.trim().parse().map_err(|error| {
                ManagerError::Invalid(format!("the address is no URL ({error})"))
            })?;
        as_base(&mut address).map_err(|why| ManagerError::Invalid(format!("the address {why}")))?;
        if !address.username().is_empty() || address.password().is_some() {
            return Err(invalid(
                "an address with a user name or password would keep them in plain text; take them out",
            ));
        }
        let name = match self.name.trim() {
            "" => address.host_str().unwrap_or_default(),
            name => name,
        };
        if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
            return Err(invalid(
                "a server's name has at most 100 letters, on one line",
            ));
        }
        let token = match self.token.as_deref().map(str::trim) {
            None => before,
            Some("") => None,
            Some(text)
                if text.len() > MAX_TOKEN || !text.chars().all(|one| one.is_ascii_graphic()) =>
            {
                return Err(invalid(
                    "this is no token: one has at most 4096 letters, and none of them is a space",
                ));
            }
            Some(text) => Some(Token::new(text)),
        };
        let record = ServerRecord {
            id: self.id.unwrap_or_else(ServerId::random),
            name: name.to_owned(),
            address: address.clone(),
            has_token: token.is_some(),
        };
        let server = Server {
            base_url: address,
            token,
        };
        Ok((record, server))
    }
}

/// Where tokens are kept: the system's keyring. Its calls may block.
pub trait Vault: fmt::Debug + Send + Sync {
    /// The token of that server, where there is one.
    ///
    /// # Errors
    /// When there is no keyring, or it stays locked.
    fn get(&self, server: ServerId) -> Result<Option<Token>, VaultError>;

    /// Keeps a token.
    ///
    /// # Errors
    /// As [`Vault::get`].
    fn put(&self, server: ServerId, token: &Token) -> Result<(), VaultError>;

    /// Forgets a token; that there is none is no failure.
    ///
    /// # Errors
    /// As [`Vault::get`].
    fn remove(&self, server: ServerId) -> Result<(), VaultError>;
}

/// The keyring did not do as it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct VaultError(
    /// Why, without secrets.
    pub String,
);

/// Keeps nothing: for programs that have no keyring.
#[derive(Debug)]
pub(crate) struct NoVault;

impl Vault for NoVault {
    fn get(&self, _: ServerId) -> Result<Option<Token>, VaultError> {
        Err(VaultError("this program uses no keyring".to_owned()))
    }

    fn put(&self, _: ServerId, _: &Token) -> Result<(), VaultError> {
        Err(VaultError("this program uses no keyring".to_owned()))
    }

    fn remove(&self, _: ServerId) -> Result<(), VaultError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(name: &str, address: &str, token: Option<&str>) -> ServerEdit {
        ServerEdit {
            id: None,
            name: name.to_owned(),
            address: address.to_owned(),
            token: token.map(str::to_owned),
        }
    }

    #[test]
    fn an_address_is_a_base_and_its_host_a_name() {
        let (record, server) = edit(" ", " https://jobs.example/base?x#y ", Some("abc"))
            .checked(None)
            .expect("one");
        assert_eq!(record.name, "jobs.example");
        assert_eq!(record.address.as_str(), "https://jobs.example/base/");
        assert!(record.has_token && server.token.is_some());
        assert!(!format!("{:?}", edit("", "", Some("secret"))).contains("secret"));
    }

    #[test]
    fn what_cannot_be_one_is_refused() {
        for (name, address, token) in [
            ("", "jobs.example", None),
            ("", "ftp://jobs.example/", None),
            ("", "https://me:pw@jobs.example/", None),
            ("a\nb", "https://jobs.example/", None),
            ("", "https://jobs.example/", Some("two words")),
        ] {
            let outcome = edit(name, address, token).checked(None);
            assert!(
                matches!(outcome, Err(ManagerError::Invalid(_))),
                "{address}"
            );
        }
    }

    #[test]
    fn a_token_stays_until_another_or_none_is_given() {
        let was = Some(Token::new("old"));
        let of = |token| {
            let edit = edit("", "http://jobs.example/", token);
            let (_, server) = edit.checked(was.clone()).expect("one");
            server.token.map(|token| token.expose().to_owned())
        };
        assert_eq!(of(None).as_deref(), Some("old"));
        assert_eq!(of(Some("new")).as_deref(), Some("new"));
        assert_eq!(of(Some("")), None);
    }
}
