//! The one pair of keys that may speak to the store.
use std::fmt;

use uuid::Uuid;

/// An access key and its secret; `Debug` never shows the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Travels in every request, in the clear.
    pub access_key: String,
    /// Signs every request and never travels.
    pub secret_key: String,
}

impl Credentials {
    /// Fresh keys from the system's randomness: 20 characters, and a secret of 244 random bits.
    pub fn random() -> Self {
        let name = Uuid::new_v4().simple().to_string().to_uppercase();
        Self {
            access_key: format!("LH{}", &name[..18]),
            secret_key: format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple()),
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key", &self.access_key)
            .field("secret_key", &"<redacted>")
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_the_secret() {
        let keys = Credentials::random();
        let shown = format!("{keys:?}");
        assert!(shown.contains(&keys.access_key));
        assert!(!shown.contains(&keys.secret_key));
        assert_ne!(keys, Credentials::random());
    }
}
