//! Names are looked up once a minute, however many connections a host gets.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system does not say how long an answer holds: this is short enough for any change that was
/// announced, and long enough for many small files.
const HOLDS: Duration = Duration::from_secs(60);

/// Names that are remembered; beyond, all are forgotten.
const MOST: usize = 1024;

type Answer = (Instant, Vec<SocketAddr>);

/// The system's look-up, remembered.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lookup(Arc<Mutex<HashMap<String, Answer>>>);

impl Lookup {
    fn known(&self, name: &str) -> Option<Vec<SocketAddr>> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, addresses) = known.get(name)?;
        (at.elapsed() < HOLDS).then(|| addresses.clone())
    }

    fn learn(&self, name: &str, addresses: Vec<SocketAddr>) {
        // A name without an address may have one the next moment.
        if addresses.is_empty() {
            return;
        }
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(name.to_owned(), (Instant::now(), addresses));
    }
}

impl Resolve for Lookup {
    fn resolve(&self, name: Name) -> Resolving {
        let lookup = self.clone();
        Box::pin(async move {
            if let Some(known) = lookup.known(name.as_str()) {
                return Ok(Box::new(known.into_iter()) as Addrs);
            }
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            lookup.learn(name.as_str(), found.clone());
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_remembered_and_a_failure_is_not() {
        let lookup = Lookup::default();
        let ask = async |name: &str| lookup.resolve(name.parse().expect("a name")).await;
        assert!(ask("localhost").await.expect("there").count() > 0);
        assert!(lookup.known("localhost").is_some());
        assert!(ask("nobody.invalid").await.is_err());
        assert!(lookup.known("nobody.invalid").is_none());
        // What was learned is what is answered.
        let learned: SocketAddr = "127.0.0.9:0".parse().expect("an address");
        lookup.learn("nobody.invalid", vec![learned]);
        let found: Vec<_> = ask("nobody.invalid").await.expect("known").collect();
        assert_eq!(found, [learned]);
    }
}
