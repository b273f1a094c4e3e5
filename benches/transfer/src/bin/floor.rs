//! What any program pays that reads from sockets and writes to a file: `bench-floor PATH URL` pulls
//! with two connections, each a loop of a read of 128 KiB and a write, and nothing besides: no
//! check, no record, no retry, no sync. No client; the floor under all of them.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::FileExt as _,
    thread,
};

use anyhow::Context as _;

const CONNECTIONS: u64 = 2;
const BUFFER: usize = 128 << 10;

fn main() -> anyhow::Result<()> {
    let mut args = std::env::args().skip(1);
    let (path, url) = (args.next(), args.next());
    let usage = "usage: bench-floor PATH URL";
    let url = reqwest::Url::parse(&url.context(usage)?)?;
    let host = url.host_str().context("no host")?;
    let address = format!("{host}:{}", url.port_or_known_default().context("no port")?);
    let size = size_of(&address, url.path())?;
    let file = File::create(path.context(usage)?)?;
    fs4::FileExt::allocate(&file, size)?;
    thread::scope(|scope| {
        let pulls: Vec<_> = (0..CONNECTIONS)
            .map(|part| {
                let (start, end) = (size * part / CONNECTIONS, size * (part + 1) / CONNECTIONS);
                let (address, file, path) = (&address, &file, url.path());
                scope.spawn(move || pull(address, path, start, end, file))
            })
            .collect();
        pulls
            .into_iter()
            .try_for_each(|pull| pull.join().map_err(|_| anyhow::anyhow!("it panicked"))?)
    })
}

/// Sends a question for a range; the head of the reply, and the connection behind it.
fn ask(address: &str, path: &str, range: &str) -> anyhow::Result<(String, TcpStream)> {
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nRange: bytes={range}\r\nConnection: close\r\n\r\n"
    )?;
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok((String::from_utf8(head)?, stream))
}

fn size_of(address: &str, path: &str) -> anyhow::Result<u64> {
    let (head, _) = ask(address, path, "0-0")?;
    let total = head.lines().find_map(|line| line.split_once("bytes 0-0/"));
    Ok(total.context("no Content-Range")?.1.trim().parse()?)
}

fn pull(address: &str, path: &str, start: u64, end: u64, file: &File) -> anyhow::Result<()> {
    let (_, mut stream) = ask(address, path, &format!("{start}-{}", end - 1))?;
    let mut buffer = vec![0; BUFFER];
    let mut at = start;
    while at < end {
        let length = stream.read(&mut buffer)?;
        anyhow::ensure!(length > 0, "it ended early");
        file.write_all_at(&buffer[..length], at)?;
        at += length as u64;
    }
    Ok(())
}
