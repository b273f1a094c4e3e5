//! Where a pull connects to: only where its guard allows, whatever the URL, its name server or its
//! origin say.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use longhaul_transfer::{Engine, EngineConfig, Error, Guard, Names};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use tokio::net::TcpListener;
use url::Url;

use crate::{
    MIB,
    support::{
        origin::{Origin, Rules, content},
        pulls::{Links, Pull, names},
    },
};

/// Stands for the Internet here.
const PUBLIC: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Stands for what is nobody's business.
const PRIVATE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A name server that answers one thing after the other, and the last for ever.
struct Flipping {
    answers: Vec<Vec<IpAddr>>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Names for Flipping {
    async fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        Ok(self.answers[n.min(self.answers.len() - 1)].clone())
    }
}

fn engine(answers: Vec<Vec<IpAddr>>) -> (Engine, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let names = Flipping {
        answers,
        asked: Arc::clone(&asked),
    };
    let guard = Guard::new(|address| address == PUBLIC).with_names(Arc::new(names));
    let config = EngineConfig {
        guard: Some(guard),
        redirects: 5,
        attempts: 3,
        backoff: Duration::from_millis(1),
        backoff_cap: Duration::from_millis(5),
        ..EngineConfig::default()
    };
    (Engine::new(config).expect("an engine"), asked)
}

async fn pulled(engine: Engine, url: Url, folder: &Path) -> Result<Vec<u8>, Error> {
    let mut pull = Pull::of(Links::to(url), folder);
    pull.engine = engine;
    let finished = pull.run().await?;
    Ok(std::fs::read(finished.path).expect("read"))
}

async fn refused(engine: Engine, url: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let error = pulled(engine, Url::parse(url).expect("a URL"), folder.path()).await;
    let error = error.expect_err(url);
    assert_eq!(
        (error.code(), error.retryable()),
        ("not_allowed", false),
        "{url}: {error}"
    );
    assert_eq!(names(folder.path()), [""; 0]);
}

/// The URL of an origin, by a name.
fn by_name(origin: &Origin) -> Url {
    let mut url = origin.url();
    url.set_host(Some("files.example")).expect("a host");
    url
}

#[tokio::test]
async fn an_address_that_is_spelt_out_is_checked_in_every_spelling() {
    let private = TcpListener::bind((PRIVATE, 0)).await.expect("a port");
    let port = private.local_addr().expect("known").port();
    for host in [
        "127.0.0.2",
        "2130706434",
        "0x7f000002",
        "017700000002",
        "0177.0.0.2",
        "0x7f.2",
        "127.2",
        "[::1]",
        "[::ffff:127.0.0.2]",
        "[::127.0.0.2]",
        "[64:ff9b::7f00:2]",
        "[2002:7f00:2::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "0.0.0.0",
        "[::]",
        "255.255.255.255",
    ] {
        refused(
            engine(vec![vec![PUBLIC]]).0,
            &format!("http://{host}:{port}/a"),
        )
        .await;
    }
    let came = tokio::time::timeout(Duration::from_millis(50), private.accept()).await;
    assert!(came.is_err(), "somebody connected");
}

#[tokio::test]
async fn a_name_of_a_private_address_is_refused_even_among_public_ones() {
    for answer in [
        vec![PRIVATE],
        vec![PUBLIC, PRIVATE],
        vec![Ipv6Addr::LOCALHOST.into()],
        vec![Ipv4Addr::new(127, 0, 0, 1).to_ipv6_mapped().into()],
    ] {
        refused(engine(vec![answer]).0, "http://files.example:9/a").await;
    }
}

#[tokio::test]
async fn a_name_server_that_changes_its_answer_after_the_check_gains_nothing() {
    let bytes = content(MIB, 50);
    let origin = Origin::start(bytes.clone(), Rules::default()).await;
    let port = origin.url().port().expect("a port");
    let private = TcpListener::bind((PRIVATE, port))
        .await
        .expect("the same port");
    // Whatever was answered when it was checked is what is connected to: there is no second look-up
    // between the two.
    let (engine, asked) = engine(vec![vec![PUBLIC], vec![PRIVATE]]);
    let folder = tempfile::tempdir().expect("a folder");
    let found = pulled(engine.clone(), by_name(&origin), folder.path()).await;
    assert_eq!(found.expect("pulled"), bytes);
    assert_eq!(asked.load(Ordering::SeqCst), 1);
    // A connection anew is a check anew.
    origin.rules().cut = Some((0, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let error = pulled(engine, by_name(&origin), folder.path()).await;
    assert_eq!(error.expect_err("refused").code(), "not_allowed");
    let came = tokio::time::timeout(Duration::from_millis(50), private.accept()).await;
    assert!(came.is_err(), "somebody connected");
}

#[tokio::test]
async fn a_redirect_is_checked_like_the_first_url() {
    let private = TcpListener::bind((PRIVATE, 0)).await.expect("a port");
    let port = private.local_addr().expect("known").port();
    for to in [
        format!("http://127.0.0.2:{port}/"),
        format!("http://2130706434:{port}/"),
        format!("http://[::ffff:127.0.0.2]:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
    ] {
        let rules = Rules {
            redirect: Some(to),
            ..Rules::default()
        };
        let origin = Origin::start(content(MIB, 51), rules).await;
        refused(engine(vec![vec![PUBLIC]]).0, origin.url().as_str()).await;
    }
    let came = tokio::time::timeout(Duration::from_millis(50), private.accept()).await;
    assert!(came.is_err(), "somebody connected");
}

#[tokio::test]
async fn a_redirect_to_a_file_or_with_a_password_or_without_end_is_not_followed() {
    for to in [
        "file:///etc/passwd",
        "http://user:secret@127.0.0.1:9/",
        "/files/again",
    ] {
        let rules = Rules {
            redirect: Some(to.into()),
            ..Rules::default()
        };
        let origin = Origin::start(content(MIB, 52), rules).await;
        let folder = tempfile::tempdir().expect("a folder");
        let (engine, _) = engine(vec![vec![PUBLIC]]);
        let error = pulled(engine, origin.url(), folder.path()).await;
        assert_eq!(error.expect_err("not followed").code(), "redirect", "{to}");
        assert!(origin.seen().len() <= 6, "five redirects at most");
    }
}

#[tokio::test]
async fn a_header_goes_to_the_sources_own_host_and_no_further() {
    let bytes = content(MIB, 53);
    let last = Origin::start(bytes.clone(), Rules::default()).await;
    let rules = Rules {
        redirect: Some(last.url().into()),
        ..Rules::default()
    };
    let first = Origin::start(Vec::new(), rules).await;
    let folder = tempfile::tempdir().expect("a folder");
    let mut pull = Pull::of(Links::to(first.url()), folder.path());
    let own = HeaderName::from_static("x-key");
    pull.request.headers = HeaderMap::from_iter([
        (AUTHORIZATION, HeaderValue::from_static("Bearer planted")),
        (own, HeaderValue::from_static("planted")),
    ]);
    pull.run().await.expect("pulled");
    for seen in first.seen() {
        assert_eq!(seen.headers["authorization"], "Bearer planted");
        assert_eq!(seen.headers["x-key"], "planted");
    }
    assert!(!first.seen().is_empty() && !last.seen().is_empty());
    for seen in last.seen() {
        assert!(!seen.headers.values().any(|value| value.contains("planted")));
    }
}
