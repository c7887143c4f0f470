//! Answers each event with the architecture and the event: Lambda's runtime API by hand, so that the
//! example takes no crate. A program of yours has the crate lambda_runtime for this.

use std::env;
use std::io::{Read, Result, Write};
use std::net::TcpStream;

const PATH: &str = "/2018-06-01/runtime/invocation";

/// Sends one request of HTTP/1.0, and returns the whole answer.
fn ask(request: &str, body: &str) -> Result<String> {
    let mut api = TcpStream::connect(env::var("AWS_LAMBDA_RUNTIME_API").expect("Lambda sets it"))?;
    let length = body.len();
    write!(api, "{request} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}")?;
    let mut answer = String::new();
    api.read_to_string(&mut answer)?;
    Ok(answer)
}

fn main() -> Result<()> {
    loop {
        let next = ask(&format!("GET {PATH}/next"), "")?;
        let (head, event) = next.split_once("\r\n\r\n").expect("an answer has a head");
        let id = head
            .lines()
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case("lambda-runtime-aws-request-id"))
            .expect("an event has an id")
            .1;
        let answer = format!(r#"{{"architecture":"{}","event":{event}}}"#, env::consts::ARCH);
        ask(&format!("POST {PATH}/{id}/response"), &answer)?;
    }
}
