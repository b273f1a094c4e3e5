//! An HTTP origin that serves one object, and misbehaves exactly as often as it is told to.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use longhaul_protocol::{Crc64Nvme, Manifest, Sha256};
use sha2::Digest as _;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use url::Url;

use super::listen::listen;

/// How the origin behaves. Counts say how often; each use takes one away.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules {
    /// Answers 200 with everything, whatever range is asked for.
    pub(crate) ignore_ranges: bool,
    /// Ignores ranges that do not begin at the first byte.
    pub(crate) ignore_later_ranges: bool,
    /// Does not say how long a 200 is.
    pub(crate) chunked: bool,
    /// Bytes per second on each connection.
    pub(crate) rate: Option<u64>,
    /// Closes a connection after so many bytes of a body: how often.
    pub(crate) cut: Option<(u64, u32)>,
    /// Falls silent after so many bytes of a body: how often.
    pub(crate) stall: Option<(u64, u32)>,
    /// Goes on at 1 KiB a second after so many bytes of a body: how often.
    pub(crate) crawl: Option<(u64, u32)>,
    /// Flips the byte at this offset: how often.
    pub(crate) corrupt: Option<(u64, u32)>,
    /// Flips the bytes at these offsets, once each.
    pub(crate) rot: BTreeSet<u64>,
    /// Sends another range than was asked for, and says so: how often.
    pub(crate) wrong_range: u32,
    /// Answers this status, with this Retry-After: how often.
    pub(crate) busy: Option<(u16, Option<&'static str>, u32)>,
    /// Answers this status always.
    pub(crate) status: Option<u16>,
    /// Only links with this token work; others get 403.
    pub(crate) token: Option<u32>,
    /// After so many bytes of bodies, the token becomes the next.
    pub(crate) expire_after: Option<u64>,
    /// After so many bytes of bodies, the object becomes this one.
    pub(crate) change_after: Option<(u64, Vec<u8>, &'static str)>,
    /// More headers, as they are.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Redirects to this location always.
    pub(crate) redirect: Option<String>,
    /// Sends no ETag.
    pub(crate) no_etag: bool,
    /// 416 without saying how long the object is.
    pub bare_416: bool,
    /// At most so many bytes for any range.
    pub(crate) short_ranges: Option<u64>,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) headers: HashMap<String, String>,
}

#[derive(Debug)]
struct State {
    object: Mutex<(Arc<Vec<u8>>, String)>,
    rules: Mutex<Rules>,
    seen: Mutex<Vec<Seen>>,
    sent: AtomicU64,
    open: AtomicUsize,
    most_open: AtomicUsize,
    refused: AtomicUsize,
}

/// A running origin; ends when dropped.
#[derive(Debug)]
pub(crate) struct Origin {
    address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

pub(crate) const ETAG: &str = "\"first\"";

/// Bytes that differ everywhere, the same at each run.
pub(crate) fn content(size: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

pub(crate) fn sha256(bytes: &[u8]) -> Sha256 {
    Sha256(sha2::Sha256::digest(bytes).into())
}

pub(crate) fn manifest(bytes: &[u8], block_size: u64) -> Manifest {
    Manifest {
        size: bytes.len() as u64,
        etag: ETAG.to_owned(),
        block_size,
        crc64nvme: bytes
            .chunks(usize::try_from(block_size).expect("small"))
            .map(|block| Crc64Nvme(crc_fast::crc64_nvme(block)))
            .collect(),
        sha256: sha256(bytes),
    }
}

impl Origin {
    pub(crate) async fn start(bytes: Vec<u8>, rules: Rules) -> Self {
        let state = Arc::new(State {
            object: Mutex::new((Arc::new(bytes), ETAG.to_owned())),
            rules: Mutex::new(rules),
            seen: Mutex::default(),
            sent: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        });
        let shared = Arc::clone(&state);
        let (address, tasks) = listen(move |stream| {
            let state = Arc::clone(&shared);
            async move {
                let _ = converse(stream, &state).await;
            }
        })
        .await;
        Self {
            address,
            state,
            _tasks: tasks,
        }
    }

    pub(crate) fn url(&self) -> Url {
        Url::parse(&format!("http://{}/files/thing.bin", self.address)).expect("a URL")
    }

    pub(crate) fn rules(&self) -> MutexGuard<'_, Rules> {
        self.state.rules.lock().expect("rules")
    }

    pub(crate) fn replace(&self, bytes: Vec<u8>, etag: &str) {
        *self.state.object.lock().expect("object") = (Arc::new(bytes), etag.to_owned());
    }

    /// To be asked how much was sent while the origin itself is elsewhere.
    pub(crate) fn sender(&self) -> Sender {
        Sender(Arc::clone(&self.state))
    }

    /// Requests that have begun.
    pub(crate) fn begun(&self) -> usize {
        self.sender().begun()
    }

    /// Bytes of bodies that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("seen").clone()
    }

    /// Links that were refused so far.
    pub(crate) fn refused(&self) -> usize {
        self.state.refused.load(Ordering::SeqCst)
    }

    /// Replies that are under way.
    pub(crate) fn open(&self) -> usize {
        self.state.open.load(Ordering::SeqCst)
    }

    /// The most replies that were under way at once.
    pub(crate) fn most_open(&self) -> usize {
        self.state.most_open.load(Ordering::SeqCst)
    }
}

/// What an origin has sent.
#[derive(Debug)]
pub(crate) struct Sender(Arc<State>);

impl Sender {
    pub(crate) fn sent(&self) -> u64 {
        self.0.sent.load(Ordering::SeqCst)
    }

    pub(crate) fn begun(&self) -> usize {
        self.0.seen.lock().expect("seen").len()
    }
}

async fn converse(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some((line, headers)) = head(&mut stream).await? {
        state.seen.lock().expect("seen").push(Seen {
            method: line.split(' ').next().unwrap_or_default().to_owned(),
            headers: headers.clone(),
        });
        let open = state.open.fetch_add(1, Ordering::SeqCst) + 1;
        state.most_open.fetch_max(open, Ordering::SeqCst);
        let answered = answer(&mut stream, state, &line, &headers).await;
        state.open.fetch_sub(1, Ordering::SeqCst);
        if !answered? {
            return Ok(());
        }
    }
    Ok(())
}

pub(crate) async fn head(
    stream: &mut TcpStream,
) -> io::Result<Option<(String, HashMap<String, String>)>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read(&mut byte).await? == 0 {
            return Ok(None);
        }
        bytes.push(byte[0]);
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Some((line, headers)))
}

/// Whether the connection may be used again.
async fn answer(
    stream: &mut TcpStream,
    state: &State,
    line: &str,
    headers: &HashMap<String, String>,
) -> io::Result<bool> {
    let (bytes, etag) = state.object.lock().expect("object").clone();
    let size = bytes.len() as u64;
    let plan = {
        let mut rules = state.rules.lock().expect("rules");
        if let Some((status, retry_after, times)) = &mut rules.busy
            && *times > 0
        {
            *times -= 1;
            let more = retry_after.map(|after| format!("Retry-After: {after}\r\n"));
            (Some((*status, more.unwrap_or_default())), rules.clone())
        } else {
            (None, rules.clone())
        }
    };
    let (refusal, rules) = plan;
    if let Some((status, more)) = refusal {
        return plain(stream, status, &more).await;
    }
    if let Some(to) = &rules.redirect {
        return plain(stream, 302, &format!("Location: {to}\r\n")).await;
    }
    if let Some(status) = rules.status {
        return plain(stream, status, "").await;
    }
    if let Some(token) = rules.token
        && !line.contains(&format!("token={token} "))
    {
        state.refused.fetch_add(1, Ordering::SeqCst);
        return plain(stream, 403, "").await;
    }
    if let Some(wanted) = headers.get("if-match")
        && *wanted != etag
    {
        return plain(stream, 412, "").await;
    }
    let asked = headers.get("range").and_then(|range| range_of(range, size));
    let ignored = rules.ignore_ranges
        || (rules.ignore_later_ranges && asked.as_ref().is_some_and(|range| range.start > 0));
    let mut more = String::new();
    if !rules.no_etag {
        more += &format!("ETag: {etag}\r\n");
    }
    for (key, value) in &rules.headers {
        more += &format!("{key}: {value}\r\n");
    }
    let Some(asked) = asked.filter(|_| !ignored) else {
        if headers.contains_key("range") && !ignored {
            let total = if rules.bare_416 {
                String::new()
            } else {
                format!("Content-Range: bytes */{size}\r\n")
            };
            return plain(stream, 416, &format!("{total}{more}")).await;
        }
        let length = if rules.chunked {
            "Transfer-Encoding: chunked".to_owned()
        } else {
            format!("Content-Length: {size}")
        };
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\n{length}\r\n{more}\r\n").as_bytes())
            .await?;
        return body(stream, state, &bytes, 0..size, rules.chunked).await;
    };
    let mut range = asked;
    if let Some(most) = rules.short_ranges {
        range.end = range.end.min(range.start + most);
    }
    let wrong = take(state, |rules| &mut rules.wrong_range);
    if wrong {
        // Of the length that was asked for where that can be, and never the right one.
        let length = range.end - range.start;
        range = match range.start {
            0 => 1..(length + 1).min(size),
            _ => 0..length,
        };
    }
    stream
        .write_all(
            format!(
                "HTTP/1.1 206 Partial Content\r\nContent-Length: {}\r\nContent-Range: bytes {}-{}/{size}\r\n{more}\r\n",
                range.end - range.start,
                range.start,
                range.end - 1,
            )
            .as_bytes(),
        )
        .await?;
    body(stream, state, &bytes, range, false).await
}

fn take(state: &State, count: impl Fn(&mut Rules) -> &mut u32) -> bool {
    let mut rules = state.rules.lock().expect("rules");
    let count = count(&mut rules);
    let there = *count > 0;
    *count = count.saturating_sub(1);
    there
}

/// One use of a fault that strikes after so many bytes.
fn strike(state: &State, fault: impl Fn(&mut Rules) -> &mut Option<(u64, u32)>, at: u64) -> bool {
    let mut rules = state.rules.lock().expect("rules");
    match fault(&mut rules) {
        Some((after, times)) if *times > 0 && at >= *after => {
            *times -= 1;
            true
        }
        _ => false,
    }
}

async fn body(
    stream: &mut TcpStream,
    state: &State,
    bytes: &[u8],
    range: Range<u64>,
    chunked: bool,
) -> io::Result<bool> {
    const PIECE: u64 = 16 << 10;
    let mut at = range.start;
    let started = tokio::time::Instant::now();
    while at < range.end {
        let end = range.end.min(at + PIECE);
        let mut piece = bytes[at as usize..end as usize].to_vec();
        let (rate, corrupt, rotten) = {
            let mut rules = state.rules.lock().expect("rules");
            let rate = rules.rate;
            let mut hit = None;
            if let Some((offset, times)) = &mut rules.corrupt
                && *times > 0
                && (at..end).contains(offset)
            {
                *times -= 1;
                hit = Some(*offset);
            }
            let rotten: Vec<u64> = rules.rot.range(at..end).copied().collect();
            for offset in &rotten {
                rules.rot.remove(offset);
            }
            (rate, hit, rotten)
        };
        for offset in rotten {
            piece[(offset - at) as usize] ^= 0x01;
        }
        if let Some(offset) = corrupt {
            piece[(offset - at) as usize] ^= 0x20;
        }
        if chunked {
            stream
                .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                .await?;
        }
        stream.write_all(&piece).await?;
        if chunked {
            stream.write_all(b"\r\n").await?;
        }
        at = end;
        note_sent(state, piece.len() as u64);
        let gone = at - range.start;
        if strike(state, |rules| &mut rules.cut, gone) {
            stream.flush().await?;
            return Ok(false);
        }
        if strike(state, |rules| &mut rules.stall, gone) {
            // Until the other side gives up.
            let mut rest = [0; 1];
            let _ = stream.read(&mut rest).await;
            return Ok(false);
        }
        if strike(state, |rules| &mut rules.crawl, gone) {
            crawl(stream, &bytes[at as usize..range.end as usize]).await?;
            return Ok(false);
        }
        if let Some(rate) = rate {
            let due = started + Duration::from_secs_f64(gone as f64 / rate as f64);
            tokio::time::sleep_until(due).await;
        }
    }
    if chunked {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    Ok(true)
}

/// A byte now and then, until the other side gives up or all is sent.
async fn crawl(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    for piece in bytes.chunks(64) {
        stream.write_all(piece).await?;
        tokio::time::sleep(Duration::from_millis(62)).await;
    }
    Ok(())
}

fn note_sent(state: &State, bytes: u64) {
    let sent = state.sent.fetch_add(bytes, Ordering::SeqCst) + bytes;
    let mut rules = state.rules.lock().expect("rules");
    if rules.expire_after.is_some_and(|after| sent >= after) {
        rules.expire_after = None;
        rules.token = rules.token.map(|token| token + 1);
    }
    if rules
        .change_after
        .as_ref()
        .is_some_and(|(after, ..)| sent >= *after)
        && let Some((_, bytes, etag)) = rules.change_after.take()
    {
        *state.object.lock().expect("object") = (Arc::new(bytes), etag.to_owned());
    }
}

pub(crate) async fn plain(stream: &mut TcpStream, status: u16, more: &str) -> io::Result<bool> {
    let head = format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n{more}\r\n");
    stream.write_all(head.as_bytes()).await?;
    Ok(true)
}

/// The bytes of `bytes=a-` or `bytes=a-b`; none where they cannot be had.
pub(crate) fn range_of(range: &str, size: u64) -> Option<Range<u64>> {
    let (start, end) = range.strip_prefix("bytes=")?.split_once('-')?;
    let start: u64 = start.parse().ok()?;
    let end = end.parse().map_or(size, |end: u64| size.min(end + 1));
    (start < end).then_some(start..end)
}
