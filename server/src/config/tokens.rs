//! Who may ask: names and their bearer tokens.

use std::{fs, path::Path};

use longhaul_protocol::Token;
use subtle::ConstantTimeEq;

use super::{ConfigError, values::MIN_SECRET};
use crate::queue::Owner;

/// Names and their bearer tokens. Empty means that no token is asked for.
#[derive(Debug, Clone, Default)]
pub struct Tokens(Vec<(Owner, Token)>);

impl Tokens {
    /// One name, one token.
    #[must_use]
    pub fn one(owner: Owner, token: Token) -> Self {
        Self(vec![(owner, token)])
    }

    /// Reads a file with a line `NAME TOKEN` for each; `#` begins a comment.
    ///
    /// # Errors
    /// [`ConfigError`] where the file cannot be read, or a line is wrong; the line's number is
    /// told, never its text.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::File {
            key: "tokens",
            path: path.to_owned(),
            source,
        })?;
        let mut tokens = Vec::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let wrong = |why: &str| ConfigError::Value {
                key: "tokens",
                why: format!("line {}: {why}", number + 1),
            };
            let mut words = line.split_whitespace();
            let (Some(name), Some(token), None) = (words.next(), words.next(), words.next()) else {
                return Err(wrong("must be a name, a space and a token"));
            };
            if token.len() < MIN_SECRET {
                return Err(wrong("the token is shorter than 16 characters"));
            }
            tokens.push((Owner(name.to_owned()), Token::new(token)));
        }
        if tokens.is_empty() {
            return Err(ConfigError::Value {
                key: "tokens",
                why: "the file names no token".into(),
            });
        }
        Ok(Self(tokens))
    }

    /// Whether no token is asked for.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose token this is. Takes the same time for every wrong token of one length.
    #[must_use]
    pub fn owner(&self, presented: &str) -> Option<&Owner> {
        let mut found = None;
        for (owner, token) in &self.0 {
            if token.expose().as_bytes().ct_eq(presented.as_bytes()).into() {
                found = Some(owner);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_owner_and_nothing_else_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tokens");
        fs::write(
            &file,
            "# people\nada 0123456789abcdef\nbob fedcba9876543210\n",
        )
        .expect("written");
        let tokens = Tokens::read(&file).expect("valid");
        assert_eq!(tokens.owner("fedcba9876543210"), Some(&Owner("bob".into())));
        assert_eq!(tokens.owner("fedcba987654321"), None);
        assert_eq!(tokens.owner(""), None);
    }

    #[test]
    fn a_wrong_line_is_told_by_number_and_never_shown() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tokens");
        fs::write(&file, "ada canary-of-a-token\nbob canary\n").expect("written");
        let error = Tokens::read(&file).expect_err("too short").to_string();
        assert!(
            error.contains("line 2") && !error.contains("canary"),
            "{error}"
        );
    }
}
