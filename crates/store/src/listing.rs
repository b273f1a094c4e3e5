//! A page of keys out of the index: prefix, delimiter, and where the page before ended.
use std::{
    collections::BTreeMap,
    ops::Bound::{self, Excluded, Included, Unbounded},
    sync::Arc,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::index::Stored;

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cursor {
    Start,
    AfterKey(String),
    /// After everything below a common prefix.
    AfterPrefix(String),
}

#[derive(Debug)]
pub(crate) enum Entry {
    Object(Arc<Stored>),
    CommonPrefix(String),
}

#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins, if there is one.
    pub(crate) next: Option<Cursor>,
}

impl Cursor {
    /// Opaque to clients; a key may hold anything, so it is not sent bare.
    pub(crate) fn token(&self) -> String {
        let (kind, text) = match self {
            Self::Start => ("s", ""),
            Self::AfterKey(key) => ("k", key.as_str()),
            Self::AfterPrefix(prefix) => ("p", prefix.as_str()),
        };
        URL_SAFE_NO_PAD.encode(format!("{kind}{text}"))
    }

    pub(crate) fn from_token(token: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
        match text.split_at_checked(1)? {
            ("s", "") => Some(Self::Start),
            ("k", key) => Some(Self::AfterKey(key.to_owned())),
            ("p", prefix) => Some(Self::AfterPrefix(prefix.to_owned())),
            _ => None,
        }
    }
}

/// The least string above every string that begins with `prefix`; `None` when nothing is above them.
fn beyond(prefix: &str) -> Option<String> {
    let mut text = prefix.to_owned();
    while let Some(last) = text.pop() {
        // Past the end of the BMP's lower half come the surrogates, which no string holds.
        let next = if last == '\u{d7ff}' {
            Some('\u{e000}')
        } else {
            char::from_u32(u32::from(last) + 1)
        };
        if let Some(next) = next {
            text.push(next);
            return Some(text);
        }
    }
    None
}

/// At most `max` entries; each costs one descent of the tree, and a common prefix is stepped over whole.
pub(crate) fn page(
    objects: &BTreeMap<String, Arc<Stored>>,
    prefix: &str,
    delimiter: Option<&str>,
    after: &Cursor,
    max: usize,
) -> Page {
    let mut page = Page::default();
    let mut last = Cursor::Start;
    let mut from: Bound<String> = match after {
        Cursor::Start => Included(prefix.to_owned()),
        Cursor::AfterKey(key) if key.as_str() < prefix => Included(prefix.to_owned()),
        Cursor::AfterKey(key) => Excluded(key.clone()),
        Cursor::AfterPrefix(passed) => match beyond(passed) {
            Some(next) if next.as_str() < prefix => Included(prefix.to_owned()),
            Some(next) => Included(next),
            None => return page,
        },
    };
    while let Some((key, stored)) = objects
        .range::<str, _>((from.as_ref().map(String::as_str), Unbounded))
        .next()
    {
        let Some(rest) = key.strip_prefix(prefix) else {
            break;
        };
        if page.entries.len() == max {
            page.next = (max > 0).then_some(last);
            break;
        }
        let common = delimiter.and_then(|delimiter| {
            rest.find(delimiter)
                .map(|at| prefix.len() + at + delimiter.len())
        });
        if let Some(end) = common {
            let common = key[..end].to_owned();
            last = Cursor::AfterPrefix(common.clone());
            let next = beyond(&common);
            page.entries.push(Entry::CommonPrefix(common));
            match next {
                Some(next) => from = Included(next),
                None => break,
            }
        } else {
            last = Cursor::AfterKey(key.clone());
            from = Excluded(key.clone());
            page.entries.push(Entry::Object(Arc::clone(stored)));
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Description, ObjectRecord};
    use proptest::prelude::*;

    fn index(keys: &[String]) -> BTreeMap<String, Arc<Stored>> {
        keys.iter()
            .map(|key| {
                let record = ObjectRecord {
                    key: key.clone(),
                    etag: String::new(),
                    size: 0,
                    modified: jiff::Timestamp::UNIX_EPOCH,
                    pieces: vec![],
                    description: Description::default(),
                    checksum: None,
                    upload: None,
                };
                (
                    key.clone(),
                    Arc::new(Stored {
                        record,
                        files: vec![],
                    }),
                )
            })
            .collect()
    }

    fn names(entries: &[Entry]) -> Vec<String> {
        entries
            .iter()
            .map(|entry| match entry {
                Entry::Object(stored) => stored.record.key.clone(),
                Entry::CommonPrefix(prefix) => prefix.clone(),
            })
            .collect()
    }

    proptest! {
        #[test]
        fn pages_put_together_are_the_whole_listing(
            keys in proptest::collection::vec("[ab/\u{d7ff}\u{10ffff}]{1,6}", 0..40),
            prefix in "[ab/]{0,2}", with_delimiter: bool, max in 1usize..5,
        ) {
            let objects = index(&keys);
            let delimiter = with_delimiter.then_some("/");
            let mut expected: Vec<String> = objects.keys().filter_map(|key| {
                let rest = key.strip_prefix(prefix.as_str())?;
                Some(match delimiter.and_then(|d| rest.find(d)) {
                    Some(at) => key[..=prefix.len() + at].to_owned(),
                    None => key.clone(),
                })
            }).collect();
            expected.dedup();
            let (mut seen, mut after) = (Vec::new(), Cursor::Start);
            loop {
                let part = page(&objects, &prefix, delimiter, &after, max);
                prop_assert!(part.entries.len() <= max);
                seen.extend(names(&part.entries));
                match part.next {
                    Some(next) => {
                        prop_assert_eq!(Cursor::from_token(&next.token()), Some(next.clone()));
                        after = next;
                    }
                    None => break,
                }
            }
            prop_assert_eq!(seen, expected);
        }
    }
}
