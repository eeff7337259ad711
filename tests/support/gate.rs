//! A gate on the way to a server of HTTP: one request passes at a time, and somebody looks around after each.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What whoever looks has to say, if anything.
type Look = Box<dyn Fn() -> Option<String> + Send>;

/// Passes requests on, in the order in which they come, and has somebody look around after each: what the request
/// brought about is seen before its sender learns of it, so that nothing is missed. Its threads end with the test run.
pub struct Gate {
    pub endpoint: String,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    look: Look,
    /// After which request, and what was seen.
    seen: Vec<String>,
    passed: usize,
}

impl Gate {
    /// `look` says what is wrong.
    pub fn before(server: &str, look: impl Fn() -> Option<String> + Send + 'static) -> Self {
        let server = server.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::new(Mutex::new(Shared {
            look: Box::new(look),
            seen: Vec::new(),
            passed: 0,
        }));
        let gate = Gate {
            endpoint,
            shared: Arc::clone(&shared),
        };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (server, shared) = (server.clone(), Arc::clone(&shared));
                thread::spawn(move || serve(&stream, &server, &shared));
            }
        });
        gate
    }

    /// What was wrong since it was last asked, and after how many requests it was looked for.
    pub fn report(&self) -> (Vec<String>, usize) {
        let mut shared = self.shared.lock().unwrap();
        let passed = std::mem::take(&mut shared.passed);
        (std::mem::take(&mut shared.seen), passed)
    }
}

/// One connection, request after request. `None` when it ends.
fn serve(stream: &TcpStream, server: &str, shared: &Mutex<Shared>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream.try_clone().ok()?;
    loop {
        let (head, body) = message(&mut reader)?;
        let mut shared = shared.lock().unwrap();
        let mut upstream = TcpStream::connect(server).ok()?;
        upstream
            .write_all(&[head.as_bytes(), &body].concat())
            .ok()?;
        let (answer_head, answer_body) = message(&mut BufReader::new(upstream))?;
        shared.passed += 1;
        if let Some(wrong) = (shared.look)() {
            let name = named(&head, &body);
            shared.seen.push(format!("after {name}: {wrong}"));
        }
        drop(shared);
        writer
            .write_all(&[answer_head.as_bytes(), &answer_body].concat())
            .ok()?;
    }
}

fn message(reader: &mut impl BufRead) -> Option<(String, Vec<u8>)> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some((key, value)) = line.split_once(':')
            && key.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok()?;
        }
        head.push_str(&line);
        if line.trim_end().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

/// The operation, wherever its protocol has it.
fn named(head: &str, body: &[u8]) -> String {
    let body = String::from_utf8_lossy(body);
    let target = head
        .lines()
        .find(|line| line.to_ascii_lowercase().starts_with("x-amz-target:"))
        .and_then(|line| line.rsplit('.').next());
    let action = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="));
    let line = head.lines().next().unwrap_or_default();
    target.or(action).unwrap_or(line).to_owned()
}
