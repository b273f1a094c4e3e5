//! Names of things: jobs, downloads, files of the catalogue.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, de};
use ts_rs::TS;
use uuid::Uuid;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
        #[serde(transparent)]
        #[ts(type = "string")]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new random id (UUIDv4: 122 unguessable bits).
            #[must_use]
            pub fn random() -> Self {
                Self(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            /// The one form that is ever written; a UUID has others.
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                let id = text.parse::<uuid::fmt::Hyphenated>()?;
                Ok(Self(id.into_uuid()))
            }
        }
    };
}

uuid_id! {
    /// A job on the server. Unguessable, and still no authorisation by itself.
    JobId
}
uuid_id! {
    /// A row of the local list. It is also the click's idempotency key, so that a crash between
    /// the request and its answer never makes two jobs.
    DownloadId
}

/// A file that the server's catalogue offers: `0..=2^53-1`, so that JavaScript reads it exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, TS)]
#[serde(transparent)]
#[ts(type = "number")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "openapi",
    schema(maximum = 9007199254740991_u64, example = 70000)
)]
pub struct FileId(u64);

impl FileId {
    /// The largest id: the largest integer that a JavaScript number holds exactly.
    pub const MAX: u64 = (1 << 53) - 1;

    /// An id, or none where it is larger than [`FileId::MAX`].
    #[must_use]
    pub const fn new(id: u64) -> Option<Self> {
        if id <= Self::MAX {
            Some(Self(id))
        } else {
            None
        }
    }

    /// The id as a number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for FileId {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse()
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| format!("a file id is a whole number from 0 to {}", Self::MAX))
    }
}

impl<'de> Deserialize<'de> for FileId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let id = crate::whole::number(deserializer)?;
        Self::new(id)
            .ok_or_else(|| de::Error::custom(format!("a file id is at most {}", Self::MAX)))
    }
}
