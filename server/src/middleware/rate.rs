//! Initiations a minute for each client address (seed: 10); IPv6 is counted by its /64.

use std::{
    net::{IpAddr, Ipv6Addr},
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

use super::caller::ClientAddress;
use crate::api::problem::Refusal;

type Limiter =
    RateLimiter<IpAddr, DashMapStateStore<IpAddr>, DefaultClock, StateInformationMiddleware>;

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
    let (mut response, remaining, reset) = match bucket.limiter.check_key(&counted(address)) {
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

/// One household has a /64: its addresses are one client.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let network = u128::from(v6) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
