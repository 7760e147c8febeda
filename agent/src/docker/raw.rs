//! HTTP over a unix or TCP socket, one connection per call.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{HeaderMap, Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
};

use super::{EngineError, address::Address, error};

/// No answer that Ballast asks for is longer: the largest are archives of secrets and configs.
const ANSWER_LIMIT: usize = 64 << 20;

pub(super) enum Body<'a> {
    Empty,
    Json(&'a Value),
    Tar(Bytes),
}

/// An answer that is no refusal.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

/// Sends one request and gives the answer, or the engine's refusal.
pub(super) async fn call(
    address: &Address,
    method: Method,
    path: &str,
    body: Body<'_>,
    limit: Duration,
) -> Result<Answer, EngineError> {
    let call = format!("{method} {}", path.split('?').next().unwrap_or_default());
    let exchanged = tokio::time::timeout(limit, async {
        match address {
            Address::Unix(socket) => {
                let stream = UnixStream::connect(socket).await.map_err(|error| away(address, &error))?;
                exchange(address, stream, method, path, body).await
            }
            Address::Tcp(authority) => {
                let stream = TcpStream::connect(authority).await.map_err(|error| away(address, &error))?;
                exchange(address, stream, method, path, body).await
            }
        }
    });
    let (status, answer) = exchanged.await.map_err(|_| EngineError::TimedOut {
        address: address.to_string(),
        call: call.clone(),
        limit,
    })??;
    if status < 400 {
        return Ok(answer);
    }
    let message = serde_json::from_slice::<Value>(&answer.body)
        .ok()
        .and_then(|answer| answer["message"].as_str().map(str::to_owned))
        .unwrap_or_else(|| String::from_utf8_lossy(&answer.body).into_owned());
    Err(EngineError::Refused { call, status, message })
}

/// The text of a log, without the 8-byte header that precedes each piece of it where there is no terminal:
/// stream, three zeros, length (big-endian).
pub(super) fn strip_stream_headers(mut bytes: &[u8]) -> String {
    let mut text = Vec::with_capacity(bytes.len());
    while let [0..=2, 0, 0, 0, a, b, c, d, rest @ ..] = bytes {
        let length = (u32::from_be_bytes([*a, *b, *c, *d]) as usize).min(rest.len());
        text.extend_from_slice(&rest[..length]);
        bytes = &rest[length..];
    }
    text.extend_from_slice(bytes);
    String::from_utf8_lossy(&text).into_owned()
}

async fn exchange(
    address: &Address,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    method: Method,
    path: &str,
    body: Body<'_>,
) -> Result<(u16, Answer), EngineError> {
    let (content_type, body) = match body {
        Body::Empty => (None, Bytes::new()),
        Body::Json(value) => (Some("application/json"), Bytes::from(value.to_string())),
        Body::Tar(tar) => (Some("application/x-tar"), tar),
    };
    let mut request = Request::builder().method(method).uri(path).header(header::HOST, "docker");
    if let Some(content_type) = content_type {
        request = request.header(header::CONTENT_TYPE, content_type);
    }
    let request = request.body(Full::new(body)).map_err(|error| away(address, &error))?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|error| away(address, &error))?;
    // The connection must be driven for as long as the answer is read, and ends with it.
    let exchange = async move {
        let answer = sender.send_request(request).await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = Limited::new(answer.into_body(), ANSWER_LIMIT).collect().await;
        Ok::<_, hyper::Error>((status, headers, body.map(http_body_util::Collected::to_bytes)))
    };
    tokio::pin!(exchange, connection);
    let mut connected = true;
    let (status, headers, body) = loop {
        tokio::select! {
            answer = &mut exchange => break answer.map_err(|error| away(address, &error))?,
            _ = &mut connection, if connected => connected = false,
        }
    };
    let body = body.map_err(|error| error::away(&address.to_string(), &error.to_string()))?;
    Ok((status, Answer { headers, body }))
}

fn away(address: &Address, why: &dyn std::error::Error) -> EngineError {
    let mut text = why.to_string();
    let mut source = why.source();
    while let Some(deeper) = source {
        text = format!("{text}: {deeper}");
        source = deeper.source();
    }
    error::away(&address.to_string(), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_headers_are_not_part_of_the_text() {
        let log = b"\x01\0\0\0\0\0\0\x04one\n\x02\0\0\0\0\0\0\x04two\n";
        assert_eq!(strip_stream_headers(log), "one\ntwo\n");
        assert_eq!(strip_stream_headers(b"with a terminal\n"), "with a terminal\n");
        assert_eq!(strip_stream_headers(b"\x01\0\0\0\0\0\0\xffcut"), "cut");
    }
}
