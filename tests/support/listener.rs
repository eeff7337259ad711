//! Servers on loopback that a test writes itself: one that answers HTTP as the test says, one that is a proxy.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What came in, in the order in which it came.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    fn add(&self, text: String) {
        self.0.lock().unwrap().push(text);
    }
}

/// An HTTP server that answers each request with what a function makes of it. Its threads end with the test run.
pub struct Listener {
    pub endpoint: String,
    /// Each request: its head, an empty line, its body.
    pub requests: Seen,
}

impl Listener {
    /// `answer` gets the request and says status and body.
    pub fn start(answer: impl Fn(&str) -> (u16, String) + Send + Sync + 'static) -> Self {
        let requests = Seen::default();
        let seen = requests.clone();
        let answer = Arc::new(answer);
        let address = accept(move |stream| {
            let seen = seen.clone();
            let answer = Arc::clone(&answer);
            serve(stream, move |request| {
                seen.add(request.to_owned());
                answer(request)
            })
        });
        Listener {
            endpoint: format!("http://{address}"),
            requests,
        }
    }

    /// One that takes connections and says nothing.
    pub fn silent() -> Self {
        let kept = Mutex::new(Vec::new());
        let address = accept(move |stream| {
            kept.lock().unwrap().push(stream);
            Some(())
        });
        Listener {
            endpoint: format!("http://{address}"),
            requests: Seen::default(),
        }
    }
}

/// A proxy for HTTPS, which connects to wherever it is asked to, if that is on loopback.
pub struct Proxy {
    pub url: String,
    /// `host:port` of every CONNECT.
    pub targets: Seen,
}

impl Proxy {
    pub fn start() -> Self {
        let targets = Seen::default();
        let seen = targets.clone();
        let address = accept(move |stream| tunnel(stream, &seen));
        Proxy {
            url: format!("http://{address}"),
            targets,
        }
    }
}

/// Gives every connection to `handle`, in a thread of its own, and answers the address.
fn accept(handle: impl Fn(TcpStream) -> Option<()> + Send + Sync + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let handle = Arc::new(handle);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let handle = Arc::clone(&handle);
            thread::spawn(move || handle(stream));
        }
    });
    address
}

/// One connection, request after request. `None` when it ends.
fn serve(stream: TcpStream, answer: impl Fn(&str) -> (u16, String)) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let head = read_head(&mut reader)?;
        let length = header(&head, "content-length").and_then(|length| length.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        reader.read_exact(&mut body).ok()?;
        let request = format!("{head}\r\n{}", String::from_utf8_lossy(&body));
        let (status, body) = answer(&request);
        write!(
            writer,
            "HTTP/1.1 {status} Answer\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
    }
}

fn tunnel(mut stream: TcpStream, seen: &Seen) -> Option<()> {
    // Byte by byte underneath: what follows the head belongs to the tunnel.
    let head = read_head(&mut BufReader::with_capacity(1, stream.try_clone().ok()?))?;
    let target = head.strip_prefix("CONNECT ")?.split(' ').next()?.to_owned();
    seen.add(target.clone());
    let loopback = target.starts_with("127.0.0.1:") || target.starts_with("localhost:");
    if !loopback {
        stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n").ok()?;
        return None;
    }
    let mut upstream = TcpStream::connect(target).ok()?;
    stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .ok()?;
    let (mut from, mut to) = (stream.try_clone().ok()?, upstream.try_clone().ok()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        to.shutdown(Shutdown::Write)
    });
    std::io::copy(&mut upstream, &mut stream).ok()?;
    Some(())
}

fn read_head(reader: &mut impl BufRead) -> Option<String> {
    let mut head = String::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if line.trim_end().is_empty() {
            return Some(head);
        }
        head.push_str(&line);
    }
}

/// A header's value, by its name in lower case.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}
