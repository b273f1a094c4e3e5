//! How many connections each address has, so that one client cannot take all places.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use ipnet::IpNet;

/// What one address may have.
#[derive(Debug, Clone)]
pub struct PerAddress {
    /// Connections at a time; an IPv6 client is counted by its /64.
    pub connections: usize,
    /// Proxies, which speak for many clients.
    pub exempt: Vec<IpNet>,
}

/// The connections that are open, by address: as many entries as there are connections at most.
#[derive(Debug, Clone, Default)]
pub(crate) struct Crowd(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection's place, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Crowd,
    address: Option<IpAddr>,
}

impl Crowd {
    /// A place for a connection from `peer`; none where it has as many as it may.
    pub(crate) fn admit(&self, peer: IpAddr, limit: Option<&PerAddress>) -> Option<Place> {
        let peer = peer.to_canonical();
        let limit = limit.filter(|limit| !limit.exempt.iter().any(|net| net.contains(&peer)));
        let Some(limit) = limit else {
            return Some(Place {
                crowd: self.clone(),
                address: None,
            });
        };
        let address = counted(peer);
        let mut open = self.lock();
        let count = open.entry(address).or_default();
        if *count >= limit.connections {
            return None;
        }
        *count += 1;
        Some(Place {
            crowd: self.clone(),
            address: Some(address),
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut open = self.crowd.lock();
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

/// What an address is counted as: itself, and for IPv6 its /64, as one household has all of that.
/// An IPv4 address mapped into IPv6 is that IPv4 address.
#[must_use]
pub fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn an_address_has_its_places_and_a_proxy_has_all() {
        let limit = PerAddress {
            connections: 2,
            exempt: vec!["10.0.0.0/8".parse().expect("a network")],
        };
        let crowd = Crowd::default();
        let admit = |text| crowd.admit(address(text), Some(&limit));
        let first = admit("2001:db8::1").expect("a place");
        let _second = admit("2001:db8::2").expect("a place");
        assert!(admit("2001:db8::3").is_none(), "one household");
        assert!(admit("2001:db8:0:1::3").is_some(), "another household");
        drop(first);
        assert!(admit("2001:db8::3").is_some(), "a place was given back");
        let through: Vec<_> = (0..9).map(|_| admit("::ffff:10.1.2.3")).collect();
        assert!(through.iter().all(Option::is_some), "the proxy is exempt");
        assert_eq!(crowd.lock().len(), 1, "nothing is kept of who is gone");
    }
}
