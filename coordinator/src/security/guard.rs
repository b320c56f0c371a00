//! What every request passes before a service sees it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Version};
use axum::middleware::Next;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tonic::Status;
use tracing::debug;

use super::hosts::{Hosts, is_own_origin};
use super::role::Need;
use super::tokens::Tokens;

/// The rules, and how often they were broken.
#[derive(Debug)]
pub(crate) struct Guard {
    tokens: Option<Tokens>,
    hosts: Hosts,
    /// Requests that were refused.
    pub(crate) refused: AtomicU64,
}

/// Why a request goes no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Refused {
    /// Neither a call nor a page of this coordinator.
    Foreign(&'static str),
    NoToken,
    UnknownToken,
    OtherRole,
}

impl Guard {
    pub(crate) fn new(tokens: Option<Tokens>, hosts: Hosts) -> Self {
        Self {
            tokens,
            hosts,
            refused: AtomicU64::new(0),
        }
    }

    fn judge(&self, request: &Request) -> Result<(), Refused> {
        let (headers, path) = (request.headers(), request.uri().path());
        let authority = authority(request);
        if is_call(headers) {
            // A page of somebody else can send forms and plain texts, but not this over HTTP/1.
            if request.version() < Version::HTTP_2 {
                return Err(Refused::Foreign("gRPC needs HTTP/2"));
            }
        } else if is_service(path) {
            return Err(Refused::Foreign("this address speaks gRPC"));
        } else if !self.hosts.admit(authority) {
            return Err(Refused::Foreign(
                "this is not one of the coordinator's names: use its address, or name it with --host",
            ));
        }
        let origin = headers.get(ORIGIN).map(|origin| origin.to_str());
        if origin.is_some_and(|origin| !origin.is_ok_and(|o| is_own_origin(o, authority))) {
            return Err(Refused::Foreign("another page sent this request"));
        }
        let (need, Some(tokens)) = (Need::of(path), &self.tokens) else {
            return Ok(());
        };
        if need == Need::Nobody {
            return Ok(());
        }
        let token = token_of(headers).ok_or(Refused::NoToken)?;
        let (role, name) = tokens.look_up(&token).ok_or(Refused::UnknownToken)?;
        if !need.is_met_by(role) {
            debug!(%role, name, path, "a role that may not do this");
            return Err(Refused::OtherRole);
        }
        Ok(())
    }
}

/// Lets a request pass, or answers it.
pub(crate) async fn guard(
    State(guard): State<Arc<Guard>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    match guard.judge(&request) {
        Ok(()) => next.run(request).await,
        Err(refused) => {
            guard.refused.fetch_add(1, Ordering::Relaxed);
            debug!(path = request.uri().path(), ?refused, "refused");
            if is_call(request.headers()) {
                refused.status().into_http()
            } else {
                refused.page()
            }
        }
    }
}

/// What is neither a page nor a method: a browser is told so in its own way.
pub(crate) async fn unknown(request: Request) -> Response<Body> {
    if is_call(request.headers()) {
        return Status::unimplemented("there is no such method").into_http();
    }
    let mut response = Response::new(Body::from("there is no such page\n"));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

impl Refused {
    fn reason(self) -> &'static str {
        match self {
            Self::Foreign(reason) => reason,
            Self::NoToken => {
                "the coordinator asks for a token: --credentials DIR or TAILSWEEP_TOKEN gives it"
            }
            Self::UnknownToken => "the coordinator does not know this token",
            Self::OtherRole => {
                "the role of this token may not do this: workers join, users submit and control, \
                 read-only looks"
            }
        }
    }

    fn status(self) -> Status {
        match self {
            Self::NoToken | Self::UnknownToken => Status::unauthenticated(self.reason()),
            Self::OtherRole | Self::Foreign(_) => Status::permission_denied(self.reason()),
        }
    }

    fn page(self) -> Response<Body> {
        let mut response = Response::new(Body::from(format!("{}\n", self.reason())));
        *response.status_mut() = match self {
            Self::NoToken | Self::UnknownToken => StatusCode::UNAUTHORIZED,
            Self::OtherRole | Self::Foreign(_) => StatusCode::FORBIDDEN,
        };
        let headers = response.headers_mut();
        let plain = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(CONTENT_TYPE, plain);
        if matches!(self, Self::NoToken | Self::UnknownToken) {
            // A browser asks its user: any name, and the token as password.
            let basic = HeaderValue::from_static("Basic realm=\"tailsweep\", charset=\"UTF-8\"");
            headers.insert(WWW_AUTHENTICATE, basic);
        }
        response
    }
}

fn is_call(headers: &HeaderMap) -> bool {
    let content = headers.get(CONTENT_TYPE);
    content.is_some_and(|content| content.as_bytes().starts_with(b"application/grpc"))
}

fn is_service(path: &str) -> bool {
    path.starts_with("/tailsweep.") || path.starts_with("/grpc.")
}

/// What the client calls this coordinator: HTTP/2 says it in the address, HTTP/1 in a header.
fn authority(request: &Request) -> &str {
    let header = request.headers().get(HOST);
    let header = header.and_then(|host| host.to_str().ok());
    let uri = request
        .uri()
        .authority()
        .map(|authority| authority.as_str());
    uri.or(header).unwrap_or("")
}

/// The token of `Bearer TOKEN`, or the password of `Basic`.
fn token_of(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, word) = value.split_once(' ')?;
    if scheme.eq_ignore_ascii_case("bearer") {
        return Some(word.trim().to_owned());
    }
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = STANDARD.decode(word.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&pair).ok()?.split_once(':')?;
    Some(password.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::Role;

    fn guard() -> Guard {
        let lines: String = Role::ALL
            .iter()
            .map(|role| Tokens::line(*role, "someone", &format!("{role}-token")))
            .collect();
        let tokens = Tokens::parse(&lines).unwrap();
        Guard::new(Some(tokens), Hosts::default())
    }

    fn call(path: &str, token: Option<&str>) -> Request {
        let mut request = Request::builder()
            .version(Version::HTTP_2)
            .uri(format!("http://127.0.0.1:7171{path}"))
            .header(CONTENT_TYPE, "application/grpc");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        request.body(Body::empty()).unwrap()
    }

    fn page(path: &str, headers: &[(&str, &str)]) -> Request {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(Body::empty()).unwrap()
    }

    const SUBMIT: &str = "/tailsweep.v1.SweepService/Submit";

    #[test]
    fn a_call_needs_a_token_of_its_role() {
        let guard = guard();
        let judge = |token| guard.judge(&call(SUBMIT, token));
        assert_eq!(judge(Some("user-token")), Ok(()));
        assert_eq!(judge(None), Err(Refused::NoToken));
        assert_eq!(judge(Some("stolen")), Err(Refused::UnknownToken));
        assert_eq!(judge(Some("read-only-token")), Err(Refused::OtherRole));
        assert_eq!(judge(Some("worker-token")), Err(Refused::OtherRole));
        assert_eq!(
            guard.judge(&call("/grpc.health.v1.Health/Check", None)),
            Ok(())
        );
    }

    #[test]
    fn a_browser_gives_the_token_as_a_password() {
        let guard = guard();
        let host = ("host", "127.0.0.1:7171");
        assert_eq!(guard.judge(&page("/", &[host])), Err(Refused::NoToken));
        let word = STANDARD.encode("anybody:read-only-token");
        let basic = format!("Basic {word}");
        let known = page("/", &[host, ("authorization", &basic)]);
        assert_eq!(guard.judge(&known), Ok(()));
    }

    #[test]
    fn what_a_strange_page_can_make_a_browser_send_is_refused() {
        let open = Guard::new(None, Hosts::default());
        let host = ("host", "127.0.0.1:7171");
        let refused = |request: Request| {
            let judged = open.judge(&request);
            assert!(matches!(judged, Err(Refused::Foreign(_))), "{request:?}");
        };
        refused(page("/", &[("host", "evil.example:7171")]));
        refused(page("/", &[host, ("origin", "https://evil.example")]));
        refused(page("/", &[host, ("origin", "null")]));
        refused(page(SUBMIT, &[host, ("content-type", "text/plain")]));
        refused(page(SUBMIT, &[host, ("content-type", "application/grpc")]));
        assert_eq!(open.judge(&page("/", &[host])), Ok(()));
        let own = ("origin", "http://127.0.0.1:7171");
        assert_eq!(open.judge(&page("/", &[host, own])), Ok(()));
        assert_eq!(open.judge(&call(SUBMIT, None)), Ok(()));
    }
}
