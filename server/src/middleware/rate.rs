//! Initiations a minute for each client address (seed: 10); IPv6 is counted by its /64.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    extract::{Extension, Request, State},
    http::HeaderValue,
    middleware::Next,
    response::{IntoResponse, Response},
};
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    middleware::StateInformationMiddleware,
    state::keyed::DashMapStateStore,
};
use longhaul_protocol::ProblemCode;
use longhaul_serve::counted;

use super::caller::ClientAddress;
use crate::api::problem::Refusal;

type Limiter =
    RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

/// Beyond so many addresses at once, neighbours are counted as one: a flood of addresses costs no
/// more memory than this, and twice 65,536 networks.
const MOST_ADDRESSES: usize = 100_000;
/// The addresses of the past are forgotten each time so many requests have come.
const FORGET_EVERY: u64 = 1024;

/// The limit, or none.
#[derive(Debug, Clone)]
pub(crate) struct Rate(Option<Arc<Bucket>>);

#[derive(Debug)]
struct Bucket {
    limiter: Limiter,
    per_minute: u32,
    seen: AtomicU64,
}

impl Rate {
    /// So many initiations a minute for each address; none for no limit.
    #[must_use]
    pub(crate) fn new(per_minute: Option<u32>) -> Self {
        Self(per_minute.and_then(NonZeroU32::new).map(|n| {
            Arc::new(Bucket {
                limiter: RateLimiter::keyed(Quota::per_minute(n)).with_middleware(),
                per_minute: n.get(),
                seen: AtomicU64::new(0),
            })
        }))
    }
}

impl Bucket {
    fn key(&self, address: IpAddr, most: usize) -> IpAddr {
        let address = counted(address);
        if self.limiter.len() < most {
            return address;
        }
        match address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from(u32::from(v4) & 0xffff_0000)),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6) & (0xffff << 96))),
        }
    }
}

/// Refuses an initiation that comes too soon, and says when to come back.
pub(crate) async fn rate(
    State(Rate(bucket)): State<Rate>,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    request: Request,
    next: Next,
) -> Response {
    let Some(bucket) = bucket else {
        return next.run(request).await;
    };
    if bucket.seen.fetch_add(1, Ordering::Relaxed) % FORGET_EVERY == FORGET_EVERY - 1 {
        bucket.limiter.retain_recent();
    }
    let key = bucket.key(address, MOST_ADDRESSES);
    let (mut response, remaining, reset) = match bucket.limiter.check_key(&key) {
        Ok(state) => (
            next.run(request).await,
            state.remaining_burst_capacity(),
            None,
        ),
        Err(until) => {
            let wait = until.wait_time_from(DefaultClock::default().now());
            let wait = wait.max(Duration::from_secs(1));
            let detail = format!(
                "At most {} downloads a minute can be begun from one address. \
                 Those that run are not affected.",
                bucket.per_minute
            );
            let refusal = Refusal::new(ProblemCode::RateLimited, detail).after(wait);
            (refusal.into_response(), 0, Some(wait.as_secs() + 1))
        }
    };
    // draft-ietf-httpapi-ratelimit-headers-10.
    let policy = format!("\"initiate\";q={};w=60", bucket.per_minute);
    let limit = match reset {
        Some(reset) => format!("\"initiate\";r={remaining};t={reset}"),
        None => format!("\"initiate\";r={remaining}"),
    };
    for (name, value) in [("ratelimit-policy", policy), ("ratelimit", limit)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_addresses_does_not_grow_what_is_kept() {
        let Rate(Some(bucket)) = Rate::new(Some(10)) else {
            panic!("there is a limit")
        };
        const MOST: usize = 100;
        for n in 0..5_000_u32 {
            let v4 = IpAddr::V4(Ipv4Addr::from(0x0a01_0000 + n));
            let v6 = IpAddr::V6(Ipv6Addr::from(
                (0x2001_0db8_u128 << 96) + (u128::from(n) << 64),
            ));
            for address in [v4, v6] {
                let _ = bucket.limiter.check_key(&bucket.key(address, MOST));
            }
        }
        let kept = bucket.limiter.len();
        assert!((MOST..=MOST + 2).contains(&kept), "{kept}");
    }

    #[test]
    fn addresses_of_one_household_count_as_one() {
        let address = |text: &str| text.parse::<IpAddr>().expect("an address");
        assert_eq!(
            counted(address("2001:db8::1")),
            counted(address("2001:db8::2:3:4"))
        );
        assert_ne!(
            counted(address("2001:db8::1")),
            counted(address("2001:db8:0:1::1"))
        );
        assert_eq!(counted(address("::ffff:1.2.3.4")), address("1.2.3.4"));
    }
}
