//! Small proxies that count what goes through them: HTTP (by name and by CONNECT) and SOCKS5.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional},
    net::TcpStream,
    task::JoinSet,
};

use super::listen::listen;

/// Which proxy it is, and whom it serves.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// With this `Proxy-Authorization`, where one is wanted.
    Http(Option<&'static str>),
    /// With this user name and password, where they are wanted.
    Socks5(Option<(&'static str, &'static str)>),
}

/// A running proxy; ends when dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    pub(crate) port: u16,
    served: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub(crate) async fn start(kind: Kind) -> Self {
        let served = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&served);
        let (address, tasks) = listen(move |stream| {
            let served = Arc::clone(&counted);
            async move {
                let _ = match kind {
                    Kind::Http(wanted) => http(stream, wanted, &served).await,
                    Kind::Socks5(wanted) => socks5(stream, wanted, &served).await,
                };
            }
        })
        .await;
        Self {
            port: address.port(),
            served,
            _tasks: tasks,
        }
    }

    /// Connections that it made for others.
    pub(crate) fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }
}

async fn http(mut near: TcpStream, wanted: Option<&str>, served: &AtomicUsize) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(near.read_u8().await?);
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let given = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("proxy-authorization")
            .then(|| value.trim())
    });
    if wanted.is_some() && given != wanted {
        let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
        return near.write_all(refusal.as_bytes()).await;
    }
    served.fetch_add(1, Ordering::SeqCst);
    let (line, rest) = text.split_once("\r\n").unwrap_or_default();
    let words: Vec<_> = line.split(' ').collect();
    if let ["CONNECT", to, _] = words[..] {
        let mut far = TcpStream::connect(to).await?;
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        copy_bidirectional(&mut near, &mut far).await?;
        return Ok(());
    }
    let url = url::Url::parse(words[1]).map_err(io::Error::other)?;
    let to = (url.host_str().unwrap_or_default(), url.port().unwrap_or(80));
    let mut far = TcpStream::connect(to).await?;
    // One request a connection: what comes next would name the host again.
    let path = &url[url::Position::BeforePath..];
    let head = format!(
        "{} {path} HTTP/1.1\r\nConnection: close\r\n{rest}",
        words[0]
    );
    far.write_all(head.as_bytes()).await?;
    copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

/// RFC 1928 and 1929, as far as CONNECT to an IPv4 address or a name goes.
async fn socks5(
    mut near: TcpStream,
    wanted: Option<(&str, &str)>,
    served: &AtomicUsize,
) -> io::Result<()> {
    let _version = near.read_u8().await?;
    let mut methods = vec![0; usize::from(near.read_u8().await?)];
    near.read_exact(&mut methods).await?;
    let method = if wanted.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        return near.write_all(&[5, 0xff]).await;
    }
    near.write_all(&[5, method]).await?;
    if let Some((user, password)) = wanted {
        let _version = near.read_u8().await?;
        let (given_user, given_password) = (words(&mut near).await?, words(&mut near).await?);
        let fits = given_user == user.as_bytes() && given_password == password.as_bytes();
        near.write_all(&[1, u8::from(!fits)]).await?;
        if !fits {
            return Ok(());
        }
    }
    let mut head = [0; 4];
    near.read_exact(&mut head).await?;
    let host = match head[3] {
        1 => {
            let mut address = [0; 4];
            near.read_exact(&mut address).await?;
            std::net::Ipv4Addr::from(address).to_string()
        }
        3 => String::from_utf8_lossy(&words(&mut near).await?).into_owned(),
        _ => return near.write_all(&[5, 8, 0, 1, 0, 0, 0, 0, 0, 0]).await,
    };
    let port = near.read_u16().await?;
    served.fetch_add(1, Ordering::SeqCst);
    let mut far = TcpStream::connect((host.as_str(), port)).await?;
    near.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    copy_bidirectional(&mut near, &mut far).await?;
    Ok(())
}

async fn words(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::from(stream.read_u8().await?)];
    stream.read_exact(&mut bytes).await?;
    Ok(bytes)
}
