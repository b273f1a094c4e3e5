//! How many connections each host gets, over all pulls.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use url::Url;

/// Counts connections by host and port.
#[derive(Debug)]
pub(crate) struct Hosts {
    cap: usize,
    hosts: Mutex<HashMap<String, Arc<Semaphore>>>,
}

impl Hosts {
    pub(crate) fn new(cap: usize) -> Self {
        Self {
            cap: cap.clamp(1, 1024),
            hosts: Mutex::default(),
        }
    }

    /// Room for one more connection, given back when dropped; none where the host is full.
    pub(crate) fn room(&self, url: &Url) -> Option<OwnedSemaphorePermit> {
        let key = format!(
            "{}:{}",
            url.host_str().unwrap_or_default(),
            url.port_or_known_default().unwrap_or_default()
        );
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        // Hosts without connections are forgotten, so that the map stays as small as the work.
        hosts.retain(|name, room| *name == key || room.available_permits() < self.cap);
        let room = hosts
            .entry(key)
            .or_insert_with(|| Arc::new(Semaphore::new(self.cap)));
        Arc::clone(room).try_acquire_owned().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_full_at_its_cap_and_another_is_not() {
        let hosts = Hosts::new(2);
        let one = Url::parse("http://one:1/a").expect("a URL");
        let two = Url::parse("http://one:2/a").expect("a URL");
        let first = hosts.room(&one);
        let second = hosts.room(&one);
        assert!(first.is_some() && second.is_some());
        assert!(hosts.room(&one).is_none());
        assert!(hosts.room(&two).is_some());
        drop(first);
        assert!(hosts.room(&one).is_some());
    }
}
