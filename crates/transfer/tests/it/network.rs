//! How sources are reached: proxies, certificates, versions of HTTP, user names, cookies.

use http::Version;
use longhaul_transfer::{Cookies, Engine, EngineConfig, Error, Finished, Network, Proxy as Choice};
use url::Url;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content},
        proxy::{Kind, Proxy},
        pulls::{Links, Pull, names, patience},
        tls::{HTTP_1, HTTP_2, TlsOrigin},
    },
};

async fn pulled(network: Network, url: Url) -> Result<(Finished, Vec<u8>), Error> {
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(url), folder.path());
    pull.engine = Engine::new(EngineConfig {
        network,
        attempts: 3,
        ..patience()
    })
    .expect("an engine");
    let finished = pull.run().await;
    if finished.is_err() {
        assert!(names(folder.path()).is_empty());
    }
    let finished = finished?;
    let bytes = std::fs::read(&finished.path).expect("reads");
    Ok((finished, bytes))
}

fn by(proxy: &str) -> Network {
    Network {
        proxy: Choice::Url(Url::parse(proxy).expect("a URL")),
        ..Network::default()
    }
}

fn trusting(origin: &TlsOrigin) -> Network {
    Network {
        proxy: Choice::Direct,
        authorities: vec![origin.authority.clone()],
        ..Network::default()
    }
}

#[tokio::test]
async fn each_kind_of_proxy_is_gone_through_and_none_is_gone_around() {
    let bytes = content(3 * MIB, 1);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    // "user:secret" in base64.
    let basic = Some("Basic dXNlcjpzZWNyZXQ=");
    let words = Some(("user", "secret"));
    for (kind, scheme) in [
        (Kind::Http(None), "http://"),
        (Kind::Http(basic), "http://user:secret@"),
        (Kind::Socks5(None), "socks5://"),
        (Kind::Socks5(None), "socks5h://"),
        (Kind::Socks5(words), "socks5://user:secret@"),
    ] {
        let proxy = Proxy::start(kind).await;
        let before = proxy.served();
        let network = by(&format!("{scheme}127.0.0.1:{}", proxy.port));
        let (_, found) = pulled(network, origin.url()).await.expect("pulled");
        assert!(found == bytes, "{scheme}");
        assert!(proxy.served() > before, "{scheme}");
    }
}

#[tokio::test]
async fn https_goes_through_proxies_as_well() {
    let bytes = content(MIB, 2);
    let origin = TlsOrigin::start(bytes.clone(), &[HTTP_1], "localhost").await;
    for (kind, scheme) in [(Kind::Http(None), "http"), (Kind::Socks5(None), "socks5h")] {
        let proxy = Proxy::start(kind).await;
        let network = Network {
            proxy: by(&format!("{scheme}://127.0.0.1:{}", proxy.port)).proxy,
            ..trusting(&origin)
        };
        let (_, found) = pulled(network, origin.url("localhost"))
            .await
            .expect("pulled");
        assert!(found == bytes, "{scheme}");
        assert!(proxy.served() > 0, "{scheme}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_its_password_is_not() {
    let plain = Origin::start(content(MIB, 3), Rules::default()).await;
    let encrypted = TlsOrigin::start(content(MIB, 3), &[HTTP_1], "localhost").await;
    let proxy = Proxy::start(Kind::Http(Some("Basic another"))).await;
    let network = Network {
        authorities: vec![encrypted.authority.clone()],
        ..by(&format!("http://user:secret@127.0.0.1:{}", proxy.port))
    };
    assert!(!format!("{network:?}").contains("secret"));
    let socks = Proxy::start(Kind::Socks5(Some(("user", "another")))).await;
    let by_socks = by(&format!("socks5://user:secret@127.0.0.1:{}", socks.port));
    for (network, url) in [
        (network.clone(), plain.url()),
        (network, encrypted.url("localhost")),
        (by_socks, plain.url()),
    ] {
        let error = pulled(network, url).await.expect_err("refused");
        assert_eq!(error.code(), "proxy", "{error}");
        assert!(!error.retryable());
        assert!(!error.to_string().contains("secret"));
    }
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let origin = Origin::start(content(MIB, 4), Rules::default()).await;
    let gone = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = gone.local_addr().expect("an address").port();
    drop(gone);
    for scheme in ["http", "socks5"] {
        let network = by(&format!("{scheme}://user:secret@127.0.0.1:{port}"));
        let error = pulled(network, origin.url())
            .await
            .expect_err("unreachable");
        assert_eq!(error.code(), "network");
        let words = error.to_string();
        assert!(
            words.contains("the proxy") && !words.contains("secret"),
            "{words}"
        );
    }
    assert!(origin.seen().is_empty());
}

#[tokio::test]
async fn http_1_is_spoken_where_it_can_be_and_http_2_where_nothing_else_is() {
    let bytes = content(5 * MIB, 5);
    for (protocols, version) in [
        (&[HTTP_1][..], Version::HTTP_11),
        (&[HTTP_2, HTTP_1][..], Version::HTTP_11),
        (&[HTTP_2][..], Version::HTTP_2),
    ] {
        let origin = TlsOrigin::start(bytes.clone(), protocols, "localhost").await;
        let (_, found) = pulled(trusting(&origin), origin.url("localhost"))
            .await
            .expect("pulled");
        assert!(found == bytes);
        let spoken = origin.spoken();
        assert!(
            !spoken.is_empty() && spoken.iter().all(|one| *one == version),
            "{spoken:?}"
        );
    }
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_the_end_at_once() {
    let origin = TlsOrigin::start(content(MIB, 6), &[HTTP_1], "localhost").await;
    let stranger = Network {
        proxy: Choice::Direct,
        ..Network::default()
    };
    for (network, host) in [(stranger, "localhost"), (trusting(&origin), "127.0.0.1")] {
        let error = pulled(network, origin.url(host))
            .await
            .expect_err("not trusted");
        assert_eq!(error.code(), "untrusted", "{error}");
        assert!(!error.retryable());
    }
    assert!(origin.spoken().is_empty());
}

#[tokio::test]
async fn a_user_name_in_the_url_is_for_its_origin_alone() {
    let bytes = content(MIB, 7);
    let last = Origin::start(bytes.clone(), Rules::default()).await;
    let rules = Rules {
        redirect: Some(last.url().into()),
        ..Rules::default()
    };
    let first = Origin::start(Vec::new(), rules).await;
    let mut url = first.url();
    url.set_username("us%20er").expect("has a place");
    url.set_password(Some("se:cret")).expect("has a place");
    let (_, found) = pulled(Network::default(), url).await.expect("pulled");
    assert!(found == bytes);
    // "us er:se:cret" in base64.
    let basic = "Basic dXMgZXI6c2U6Y3JldA==";
    assert!(
        first
            .seen()
            .iter()
            .all(|seen| seen.headers["authorization"] == basic)
    );
    assert!(
        last.seen()
            .iter()
            .all(|seen| !seen.headers.contains_key("authorization"))
    );
}

#[tokio::test]
async fn cookies_go_where_they_belong_and_what_is_set_on_the_way_is_kept() {
    let bytes = content(MIB, 8);
    let last = Origin::start(bytes.clone(), Rules::default()).await;
    let rules = Rules {
        redirect: Some(last.url().into()),
        ..Rules::default()
    };
    let first = Origin::start(Vec::new(), rules).await;
    let text = "127.0.0.1\tFALSE\t/files\tFALSE\t0\tkey\tvalue\n\
                127.0.0.2\tFALSE\t/\tFALSE\t0\tother\tvalue\n";
    let network = Network {
        cookies: Some(Cookies::parse(text).expect("cookies")),
        ..Network::default()
    };
    last.rules().headers = vec![("Set-Cookie", "fresh=1; Path=/".to_owned())];
    pulled(network.clone(), first.url()).await.expect("pulled");
    assert!(
        first
            .seen()
            .iter()
            .all(|seen| seen.headers["cookie"] == "key=value")
    );
    pulled(network, last.url()).await.expect("pulled");
    let seen = last.seen();
    assert_eq!(seen[0].headers["cookie"], "key=value");
    let then = &seen[seen.len() - 1].headers["cookie"];
    assert!(
        then.contains("key=value") && then.contains("fresh=1"),
        "{then}"
    );
}

#[tokio::test]
async fn a_header_that_the_engine_sets_itself_is_refused_by_name() {
    let origin = Origin::start(content(MIB, 9), Rules::default()).await;
    for name in ["Range", "If-Match", "Accept-Encoding", "Host", "Connection"] {
        let folder = tempfile::tempdir().expect("a folder");
        let mut pull = Pull::of(Links::to(origin.url()), folder.path());
        let name: http::HeaderName = name.parse().expect("a name");
        pull.request
            .headers
            .insert(name.clone(), "x".parse().expect("a value"));
        let error = pull.run().await.expect_err("refused");
        assert_eq!(error.code(), "header");
        assert!(error.to_string().contains(name.as_str()));
    }
    assert!(origin.seen().is_empty());
}
