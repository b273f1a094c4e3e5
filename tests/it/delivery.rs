//! The three ways to an artifact: S3's own URL, a redirect to it, and through the server itself.

use longhaul_tests::{
    content::incompressible,
    server::{Place, Server},
};
use reqwest::{Client, RequestBuilder, Response, Url, redirect::Policy};
use serde_json::Value;

const SIZE: u64 = (3 << 20) + 17;
const NAME: &str = "Ünï.bin";

struct Made {
    _place: Place,
    server: Server,
    bytes: Vec<u8>,
    check: String,
    client: Client,
}

/// A completed job on a server that delivers like this, and a client that follows nothing by itself.
async fn made(options: &[&str], library_size: u64) -> Made {
    let place = Place::new();
    incompressible(&place.library().join(NAME), library_size, 5);
    let bytes = std::fs::read(place.library().join(NAME)).expect("read");
    let server = place.serve(options);
    let job = server.initiate(server.file_id(NAME).await).await;
    server.completed(&job.check_url).await;
    Made {
        _place: place,
        server,
        bytes,
        check: job.check_url,
        client: Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .build()
            .expect("a client"),
    }
}

impl Made {
    async fn url(&self) -> Url {
        let job = self.server.job(&self.check).await;
        job.result.expect("a result").download_url.expose().clone()
    }

    async fn etag(&self) -> String {
        self.server
            .job(&self.check)
            .await
            .result
            .expect("a result")
            .etag
    }
}

async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("an answer")
}

async fn code(reply: Response, status: u16) -> Value {
    assert_eq!(reply.status(), status);
    assert_eq!(reply.headers()["content-type"], "application/problem+json");
    let problem: Value = reply.json().await.expect("a problem");
    problem["code"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirecting_server_names_itself_and_leads_on_to_a_fresh_signed_url() {
    let made = made(&["--delivery", "redirect"], SIZE).await;
    let url = made.url().await;
    assert_eq!(url.origin(), made.server.url.origin(), "{url}");
    assert_eq!(
        url.path(),
        made.check.replace("/jobs/", "/downloads/signed/")
    );
    let reply = send(made.client.get(url.clone())).await;
    assert_eq!(reply.status(), 307);
    let location = reply.headers()["location"]
        .to_str()
        .expect("ASCII")
        .to_owned();
    assert!(location.contains("X-Amz-Signature="), "{location}");
    let fetched = send(made.client.get(location)).await;
    assert!(fetched.bytes().await.expect("bytes") == made.bytes);
    assert!(
        !made.server.log().contains("signature="),
        "a link is in the log"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxying_server_gives_the_whole_and_any_part_under_the_files_name() {
    let made = made(&["--delivery", "proxy"], SIZE).await;
    let (url, etag) = (made.url().await, made.etag().await);
    let whole = send(made.client.get(url.clone())).await;
    assert_eq!(whole.status(), 200);
    let headers = whole.headers().clone();
    assert_eq!(headers["content-length"], SIZE.to_string().as_str());
    assert_eq!(headers["accept-ranges"], "bytes");
    assert_eq!(headers["etag"], etag.as_str());
    assert_eq!(headers["content-type"], "application/octet-stream");
    let disposition = headers["content-disposition"].to_str().expect("ASCII");
    assert!(
        disposition.starts_with("attachment; ") && disposition.ends_with("''%C3%9Cn%C3%AF.bin")
    );
    assert!(whole.bytes().await.expect("bytes") == made.bytes);

    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=1048570-1048590", 1_048_570, 1_048_591),
        ("bytes=-17", SIZE as usize - 17, SIZE as usize),
        ("bytes=3145700-99999999", 3_145_700, SIZE as usize),
    ] {
        let request = made.client.get(url.clone());
        let part = send(request.header("range", range).header("if-match", &etag)).await;
        assert_eq!(part.status(), 206, "{range}");
        let stated = format!("bytes {from}-{}/{SIZE}", to - 1);
        assert_eq!(part.headers()["content-range"], stated.as_str());
        assert_eq!(part.headers()["etag"], etag.as_str());
        assert!(
            part.bytes().await.expect("bytes") == made.bytes[from..to],
            "{range}"
        );
    }
    let head = send(made.client.head(url)).await;
    assert_eq!(
        (head.status().as_u16(), &head.headers()["content-length"]),
        (200, &headers["content-length"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxying_server_holds_conditions_against_the_artifact() {
    let made = made(&["--delivery", "proxy"], SIZE).await;
    let (url, etag) = (made.url().await, made.etag().await);
    let ask = |name: &'static str, value: &str| {
        let request = made.client.get(url.clone()).header("range", "bytes=0-9");
        send(request.header(name, value))
    };
    let changed = ask("if-match", "\"another\"").await;
    assert_eq!(code(changed, 412).await, "precondition_failed");
    let fresh = ask("if-none-match", &etag).await;
    assert_eq!(
        (fresh.status().as_u16(), &fresh.headers()["etag"]),
        (304, &etag.parse().expect("ASCII"))
    );
    assert_eq!(ask("if-range", &etag).await.status(), 206);
    let whole = ask("if-range", "\"another\"").await;
    assert_eq!(whole.status(), 200);
    assert!(whole.bytes().await.expect("bytes") == made.bytes);
    let beyond = made
        .client
        .get(url.clone())
        .header("range", format!("bytes={SIZE}-"));
    let beyond = send(beyond).await;
    assert_eq!(
        beyond.headers()["content-range"],
        format!("bytes */{SIZE}").as_str()
    );
    assert_eq!(code(beyond, 416).await, "range_not_satisfiable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_opens_its_own_job_without_a_token_and_only_while_it_is_whole() {
    let made = made(&["--delivery", "proxy", "--presign-ttl", "2s"], 0).await;
    let url = made.url().await;
    let empty = send(made.client.get(url.clone())).await;
    assert_eq!(
        (
            empty.status().as_u16(),
            empty.bytes().await.expect("bytes").len()
        ),
        (200, 0)
    );
    let mut forged = url.clone();
    let later = url
        .query()
        .expect("a query")
        .replacen("expires=1", "expires=2", 1);
    forged.set_query(Some(&later));
    assert_ne!(forged, url);
    assert_eq!(
        code(send(made.client.get(forged)).await, 403).await,
        "link_expired"
    );
    let run_out = longhaul_tests::wait::eventually(
        "the link runs out",
        longhaul_tests::wait::SOON,
        async || {
            let reply = made.client.get(url.clone()).send().await?;
            Ok((reply.status() == 403).then_some(reply))
        },
    );
    assert_eq!(
        code(run_out.await.expect("in time"), 403).await,
        "link_expired"
    );
    assert_eq!(send(made.client.get(made.url().await)).await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_links_address_is_what_the_client_used_or_what_was_configured() {
    let behind = made(
        &[
            "--delivery",
            "proxy",
            "--trusted-proxy",
            "127.0.0.0/8",
            "--allowed-hosts",
            "files.example",
        ],
        10,
    )
    .await;
    let ask = |made: &Made, forwarded: Option<&str>| {
        let mut request = made
            .client
            .get(made.server.at(&made.check))
            .header("host", "files.example");
        if let Some(scheme) = forwarded {
            request = request.header("x-forwarded-proto", scheme);
        }
        async move {
            let job: Value = send(request).await.json().await.expect("JSON");
            job["result"]["downloadUrl"]
                .as_str()
                .expect("a URL")
                .to_owned()
        }
    };
    let path = format!(
        "files.example{}?",
        behind.check.replace("/jobs/", "/downloads/signed/")
    );
    assert!(
        ask(&behind, Some("https"))
            .await
            .starts_with(&format!("https://{path}"))
    );
    assert!(
        ask(&behind, None)
            .await
            .starts_with(&format!("http://{path}"))
    );
    let direct = made(
        &["--delivery", "proxy", "--allowed-hosts", "files.example"],
        10,
    )
    .await;
    assert!(
        ask(&direct, Some("https"))
            .await
            .starts_with("http://files.example/")
    );
    let named = made(
        &[
            "--delivery",
            "proxy",
            "--allowed-hosts",
            "files.example",
            "--public-url",
            "https://dl.example/lh/",
        ],
        10,
    )
    .await;
    assert!(
        ask(&named, None)
            .await
            .starts_with("https://dl.example/lh/v1/downloads/signed/")
    );
}
