//! Which addresses are the Internet's, which are this machine's surroundings, and which are neither.
//!
//! From IANA's registries of special-purpose addresses (RFC 6890): what is not global unicast there
//! is not global here. An IPv6 address that carries an IPv4 one in it is none either: which host
//! that reaches is up to a gateway nobody asked.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Networks of a bit's length in front that are not global.
const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Inside of 2000::/3, which is all that is global unicast: protocols, documentation, 6to4.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

const GLOBAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// Unique local addresses; among them a cloud's metadata service, which is none of ours.
const LOCAL_V6: (Ipv6Addr, u32) = (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);
const METADATA_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);

/// Whether an address is one of the Internet's hosts.
pub(super) fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !SPECIAL_V4
            .iter()
            .any(|(net, bits)| (u32::from(address) ^ u32::from(*net)).leading_zeros() >= *bits),
        IpAddr::V6(address) => {
            is_in(address, GLOBAL_V6) && !SPECIAL_V6.iter().any(|net| is_in(address, *net))
        }
    }
}

/// Whether an address is this machine's or one of its own networks': what `--allow-private-origins`
/// lets in. Link-local ones, where clouds keep their metadata, are not.
pub(super) fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback()
                || address.is_private()
                || (u32::from(address) ^ u32::from(Ipv4Addr::new(100, 64, 0, 0))).leading_zeros()
                    >= 10
        }
        IpAddr::V6(address) => {
            address == Ipv6Addr::LOCALHOST || (is_in(address, LOCAL_V6) && address != METADATA_V6)
        }
    }
}

fn is_in(address: Ipv6Addr, (net, bits): (Ipv6Addr, u32)) -> bool {
    (u128::from(address) ^ u128::from(net)).leading_zeros() >= bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn hosts_of_the_internet_are_global() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "169.253.255.255",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "192.169.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:4860:4860::8888",
            "2a00::1",
            "3ffe::1",
        ] {
            assert!(is_global(address(text)), "{text}");
        }
    }

    #[test]
    fn no_other_address_is_global() {
        for (kind, texts) in [
            ("loopback", &["127.0.0.1", "127.255.255.255", "::1"][..]),
            (
                "private",
                &[
                    "10.0.0.0",
                    "172.16.0.1",
                    "172.31.255.255",
                    "192.168.255.255",
                ],
            ),
            ("carrier", &["100.64.0.0", "100.127.255.255"]),
            (
                "link-local",
                &["169.254.169.254", "169.254.0.1", "fe80::1", "febf::1"],
            ),
            ("unique local", &["fc00::1", "fd00:ec2::254", "fdff::1"]),
            ("multicast", &["224.0.0.1", "239.255.255.255", "ff02::1"]),
            ("unspecified", &["0.0.0.0", "0.255.255.255", "::"]),
            ("broadcast", &["255.255.255.255", "240.0.0.1"]),
            (
                "mapped",
                &["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:8.8.8.8"],
            ),
            ("compatible", &["::127.0.0.1", "::8.8.8.8"]),
            (
                "NAT64",
                &["64:ff9b::7f00:1", "64:ff9b::8.8.8.8", "64:ff9b:1::1"],
            ),
            ("6to4", &["2002:7f00:1::", "2002:a00:1::1", "192.88.99.1"]),
            ("Teredo", &["2001::1", "2001:0:7f00:1::"]),
            (
                "documentation",
                &["192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"],
            ),
            (
                "protocols",
                &[
                    "192.0.0.8",
                    "198.18.0.1",
                    "198.19.255.255",
                    "2001:1::1",
                    "100::1",
                ],
            ),
            ("site-local", &["fec0::1"]),
        ] {
            for text in texts {
                assert!(!is_global(address(text)), "{kind}: {text}");
            }
        }
    }

    #[test]
    fn private_is_this_machine_and_its_networks_and_nothing_else() {
        for text in [
            "127.0.0.1",
            "::1",
            "10.1.1.1",
            "172.20.0.1",
            "192.168.0.1",
            "100.100.0.1",
            "fd12::1",
        ] {
            assert!(is_private(address(text)), "{text}");
        }
        for text in [
            "169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "224.0.0.1",
            "0.0.0.0",
            "::",
            "255.255.255.255",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "8.8.8.8",
        ] {
            assert!(!is_private(address(text)), "{text}");
        }
    }
}
