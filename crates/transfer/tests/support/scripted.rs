//! An origin that misbehaves by a script: one act for each request, and honest once it is through.

use std::{
    collections::VecDeque,
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use rand::{Rng, RngExt as _, seq::IndexedRandom as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    task::JoinSet,
};
use url::Url;

use super::{
    listen::listen,
    origin::{head, plain, range_of},
};

/// What is done to one request, instead of serving it.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Nothing: it is served.
    Serve,
    /// The connection closes after so many bytes of the body.
    Cut(u64),
    /// Nothing comes any more after so many bytes.
    Stall(u64),
    /// A byte a second after so many.
    Crawl(u64),
    /// A shorter body than the head says, by its own Content-Length.
    Truncate(u64),
    /// These bits are flipped, counted from the body's beginning.
    Corrupt(Vec<u64>),
    /// The reply waits.
    Delay(Duration),
    /// The whole for any range.
    Whole,
    /// The object is another one from here on.
    Change,
    /// The object is another one from the middle of this body on, under the old ETag's head.
    ChangeMidway,
    /// Another range than was asked for.
    WrongRange,
    /// A Content-Range that no one can read.
    OddRange(&'static str),
    /// An encoding that nobody asked for.
    Gzip,
    /// A web page in place of the file.
    Page,
    Redirect(&'static str),
    /// To itself.
    Circle,
    Busy(u16, Option<&'static str>),
    Refuse(u16),
    /// No reply at all.
    Hang,
    Close,
    Garbage,
    /// Less than was asked for, honestly.
    Short(u64),
}

impl Act {
    /// Any act, for an object of `size` bytes.
    pub(crate) fn any(random: &mut impl Rng, size: u64) -> Self {
        let at = random.random_range(0..=size.max(1));
        match random.random_range(0..23) {
            0 => Self::Serve,
            1 | 2 => Self::Cut(at),
            3 => Self::Stall(at),
            4 => Self::Crawl(at),
            5 => Self::Truncate(at),
            6 | 7 => {
                let many = random.random_range(1..4);
                Self::Corrupt(
                    (0..many)
                        .map(|_| random.random_range(0..=size * 8))
                        .collect(),
                )
            }
            8 => Self::Delay(Duration::from_millis(random.random_range(1..80))),
            9 => Self::Whole,
            10 => Self::Change,
            11 => Self::ChangeMidway,
            12 => Self::WrongRange,
            13 => {
                let odd = [
                    "bytes",
                    "bytes 0-0/*",
                    "bytes 5-1/9",
                    "bytes 0-18446744073709551615/18446744073709551615",
                    "bytes -1-2/3",
                    "items 0-1/2",
                ];
                Self::OddRange(odd.choose(random).expect("some"))
            }
            14 => Self::Gzip,
            15 => Self::Page,
            16 => {
                let to = [
                    "file:///etc/passwd",
                    "ftp://127.0.0.1/a",
                    "data:,a",
                    "http://u:p@127.0.0.1/",
                    "http://",
                ];
                Self::Redirect(to.choose(random).expect("some"))
            }
            17 => Self::Circle,
            18 => {
                let status = [408, 429, 500, 502, 503, 504].choose(random).copied();
                let after = [None, Some("0"), Some("soon"), Some("-1")]
                    .choose(random)
                    .copied();
                Self::Busy(status.expect("some"), after.expect("some"))
            }
            19 => Self::Refuse(
                [400, 401, 403, 404, 410, 412, 416, 451]
                    .choose(random)
                    .copied()
                    .expect("some"),
            ),
            20 => Self::Hang,
            21 => Self::Close,
            _ => match random.random() {
                true => Self::Garbage,
                false => Self::Short(at),
            },
        }
    }
}

/// One state of the object.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) bytes: Arc<Vec<u8>>,
    pub(crate) etag: &'static str,
}

#[derive(Debug)]
struct State {
    script: Mutex<VecDeque<Act>>,
    /// The present version, then the next ones.
    versions: Mutex<VecDeque<Version>>,
    seen: AtomicUsize,
}

/// A running origin; ends when dropped.
#[derive(Debug)]
pub(crate) struct Scripted {
    address: SocketAddr,
    state: Arc<State>,
    _tasks: JoinSet<()>,
}

impl Scripted {
    pub(crate) async fn start(script: Vec<Act>, versions: Vec<Version>) -> Self {
        let state = Arc::new(State {
            script: Mutex::new(script.into()),
            versions: Mutex::new(versions.into()),
            seen: AtomicUsize::new(0),
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

    /// Requests so far.
    pub(crate) fn seen(&self) -> usize {
        self.state.seen.load(Ordering::SeqCst)
    }

    /// Honest from now on.
    pub(crate) fn heal(&self) {
        self.state.script.lock().expect("script").clear();
    }

    pub(crate) fn version(&self) -> Version {
        self.state.versions.lock().expect("versions")[0].clone()
    }
}

impl State {
    fn version(&self) -> Version {
        self.versions.lock().expect("versions")[0].clone()
    }

    fn change(&self) {
        let mut versions = self.versions.lock().expect("versions");
        if versions.len() > 1 {
            versions.pop_front();
        }
    }
}

async fn converse(mut stream: TcpStream, state: &State) -> io::Result<()> {
    stream.set_nodelay(true)?;
    while let Some((_, headers)) = head(&mut stream).await? {
        state.seen.fetch_add(1, Ordering::SeqCst);
        let act = state.script.lock().expect("script").pop_front();
        let act = act.unwrap_or(Act::Serve);
        let range = headers.get("range").map(String::as_str);
        let wanted = headers.get("if-match").map(String::as_str);
        if !answer(&mut stream, state, act, range, wanted).await? {
            return Ok(());
        }
    }
    Ok(())
}

/// Until the other side gives up.
async fn hang(stream: &mut TcpStream) -> io::Result<bool> {
    let mut rest = [0; 1];
    let _ = stream.read(&mut rest).await;
    Ok(false)
}

/// Whether the connection may be used again.
async fn answer(
    stream: &mut TcpStream,
    state: &State,
    act: Act,
    range: Option<&str>,
    wanted: Option<&str>,
) -> io::Result<bool> {
    match &act {
        Act::Delay(time) => tokio::time::sleep(*time).await,
        Act::Change => state.change(),
        Act::Redirect(to) => return plain(stream, 302, &format!("Location: {to}\r\n")).await,
        Act::Circle => return plain(stream, 302, "Location: /files/thing.bin\r\n").await,
        Act::Busy(status, after) => {
            let more = after.map(|after| format!("Retry-After: {after}\r\n"));
            return plain(stream, *status, &more.unwrap_or_default()).await;
        }
        Act::Refuse(status) => return plain(stream, *status, "").await,
        Act::Hang => return hang(stream).await,
        Act::Close => return Ok(false),
        Act::Garbage => {
            stream
                .write_all(b"\x00\xffnothing that is known\r\n\r\n")
                .await?;
            return Ok(false);
        }
        Act::Page => {
            let page = "<!doctype html><title>Sign in</title>";
            let length = page.len();
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {length}\r\n\r\n{page}"
            );
            stream.write_all(head.as_bytes()).await?;
            return Ok(true);
        }
        _ => {}
    }
    let Version { bytes, etag } = state.version();
    let size = bytes.len() as u64;
    if wanted.is_some_and(|wanted| wanted != etag) {
        return plain(stream, 412, "").await;
    }
    let asked = range.and_then(|range| range_of(range, size));
    let whole = range.is_none() || matches!(act, Act::Whole);
    let Some(mut range) = (if whole { Some(0..size) } else { asked }) else {
        let more = format!("Content-Range: bytes */{size}\r\nETag: {etag}\r\n");
        return plain(stream, 416, &more).await;
    };
    if let Act::Short(length) = act {
        range.end = range.end.min(range.start + length.max(1));
    }
    let mut shown = range.clone();
    if matches!(act, Act::WrongRange) {
        shown.start += 1;
    }
    let mut length = range.end - range.start;
    if let Act::Truncate(to) = act {
        length = length.min(to);
    }
    let mut head = match whole {
        true => "HTTP/1.1 200 OK\r\n".to_owned(),
        false => "HTTP/1.1 206 Partial Content\r\n".to_owned(),
    };
    if !whole {
        head += &match act {
            Act::OddRange(odd) => format!("Content-Range: {odd}\r\n"),
            _ => format!(
                "Content-Range: bytes {}-{}/{size}\r\n",
                shown.start,
                shown.end.saturating_sub(1)
            ),
        };
    }
    if matches!(act, Act::Gzip) {
        head += "Content-Encoding: gzip\r\n";
    }
    head += &format!("ETag: {etag}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await?;
    let mut body = bytes[range.start as usize..(range.start + length) as usize].to_vec();
    match &act {
        Act::Corrupt(bits) => {
            for bit in bits {
                if let Some(byte) = body.get_mut((bit / 8) as usize) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
        Act::ChangeMidway => {
            state.change();
            let next = state.version().bytes;
            let middle = body.len() / 2;
            for (at, byte) in body.iter_mut().enumerate().skip(middle) {
                *byte = next
                    .get(range.start as usize + at)
                    .copied()
                    .unwrap_or_default();
            }
        }
        _ => {}
    }
    let stop = match act {
        Act::Cut(at) | Act::Stall(at) | Act::Crawl(at) => (at as usize).min(body.len()),
        _ => body.len(),
    };
    stream.write_all(&body[..stop]).await?;
    match act {
        Act::Cut(_) => {
            stream.flush().await?;
            Ok(false)
        }
        Act::Stall(_) => hang(stream).await,
        Act::Crawl(_) => {
            for byte in &body[stop..] {
                stream.write_all(&[*byte]).await?;
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Ok(true)
        }
        _ => Ok(true),
    }
}
