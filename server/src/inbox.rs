//! The development inbox: the mails that were written to files, as a mail program shows them. Only
//! while mails go to files, and only on this machine unless the operator says otherwise
//! (`Config::inbox`).
//!
//! Reads the folder anew each time and keeps nothing. Not here: how mails are written (`mailer/`).

mod pages;

use crate::mailer::STYLE as MAIL_STYLE;
use axum::Router;
use axum::extract::{Path as InPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state, map_response};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mail_parser::{Message, MessageParser, MimeHeaders};
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;
use tracing::error;

/// Mails in the list.
const SHOWN_MAX: usize = 100;
/// Files of the folder that are looked at; in a fuller folder the newest mail may not be found.
const FILES_MAX: usize = 20_000;
/// The largest mail that is shown, in bytes.
const BYTES_MAX: u64 = 4 * 1024 * 1024;
const STYLE: &str = concat!(include_str!("html/plain.css"), include_str!("inbox/style.css"));
/// Only its own style sheet, and frames with its own mails.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; frame-src 'self'; \
                                       base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// One mail of the list.
struct Line {
    name: String,
    subject: String,
    to: String,
    date: String,
}

/// Why a mail is not shown.
enum Problem {
    NotThere,
    Fault(anyhow::Error),
}

type Folder = Arc<Path>;

/// The doors of the inbox, all below `/inbox`. `public_url` is how the world reaches us.
pub fn router(folder: &Path, public_url: Arc<str>) -> Router {
    Router::new()
        .route("/inbox", get(list))
        .route("/inbox/style.css", get(style))
        .route("/inbox/{name}", get(mail))
        .route("/inbox/{name}/html", get(html_part))
        .route("/inbox/{name}/files/{number}", get(file))
        .layer(from_fn_with_state(public_url, asked_by_our_name))
        .layer(map_response(guarded))
        .with_state::<()>(Folder::from(folder))
}

/// A page elsewhere can make its own name lead to this machine and then read what is here. It cannot
/// make its name ours.
async fn asked_by_our_name(
    State(public_url): State<Arc<str>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.unwrap_or_default();
    if is_ours(host, &public_url) { Ok(next.run(request).await) } else { Err(Problem::NotThere) }
}

fn is_ours(host: &str, public_url: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let is_public = public_url.split_once("://").is_some_and(|(_, ours)| ours == host);
    is_address || is_public || name.eq_ignore_ascii_case("localhost")
}

/// Nothing is kept, guessed or loaded from elsewhere. What a mail brings has a policy of its own.
async fn guarded(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn style() -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE)
}

async fn list(State(folder): State<Folder>) -> Result<Html<String>, Problem> {
    let lines = aside(move || {
        let newest = newest(&folder)?;
        Ok(newest.into_iter().filter_map(|name| line(&folder, name)).collect::<Vec<_>>())
    });
    Ok(Html(pages::list(&lines.await?)))
}

async fn mail(
    State(folder): State<Folder>,
    InPath(name): InPath<String>,
) -> Result<Html<String>, Problem> {
    let bytes = bytes(&folder, &name).await?;
    Ok(Html(pages::mail(&name, &parsed(&bytes)?)))
}

/// The HTML part alone, for the frame: without scripts, with the style of our mails and with the
/// pictures it brings.
async fn html_part(
    State(folder): State<Folder>,
    InPath(name): InPath<String>,
) -> Result<Response, Problem> {
    let bytes = bytes(&folder, &name).await?;
    let mail = parsed(&bytes)?;
    let html = mail.body_html(0).ok_or(Problem::NotThere)?;
    let policy =
        HeaderValue::from_str(&mail_policy()).map_err(|error| Problem::Fault(error.into()));
    let headers = HeaderMap::from_iter([
        (header::CONTENT_SECURITY_POLICY, policy?),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN")),
    ]);
    Ok((headers, Html(shown(&html, &mail))).into_response())
}

async fn file(
    State(folder): State<Folder>,
    InPath((name, number)): InPath<(String, u32)>,
) -> Result<impl IntoResponse, Problem> {
    let bytes = bytes(&folder, &name).await?;
    let mail = parsed(&bytes)?;
    let part = mail.attachment(number).ok_or(Problem::NotThere)?;
    // A browser saves it and shows nothing of it.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file_name(part))),
    ];
    Ok((headers, part.contents().to_vec()))
}

/// Only the sheet of our mails, pictures that came along, and links that open elsewhere.
fn mail_policy() -> String {
    let sheet = STANDARD.encode(Sha256::digest(MAIL_STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{sheet}'; img-src data:; form-action 'none'; \
         frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
    )
}

/// The HTML with its pictures inside, and with links that do not open in the frame. Its lines end as a
/// browser reads them, because its sheet is known by its hash.
fn shown(html: &str, mail: &Message<'_>) -> String {
    let html = html.replace("\r\n", "\n").replacen("<head>", "<head>\n<base target=\"_blank\">", 1);
    mail.attachments().fold(html, |html, part| match (part.content_id(), part.content_type()) {
        (Some(id), Some(kind)) if kind.ctype() == "image" && kind.subtype() == Some("png") => {
            let data = format!("data:image/png;base64,{}", STANDARD.encode(part.contents()));
            html.replace(&format!("\"cid:{id}\""), &format!("\"{data}\""))
        }
        _ => html,
    })
}

/// The name of a file that came along, with nothing in it that means something in a header.
fn file_name(part: &mail_parser::MessagePart<'_>) -> String {
    let name = part.attachment_name().unwrap_or("file");
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.');
    name.chars().filter(is_plain).collect()
}

/// The names of the newest mails, newest first.
fn newest(folder: &Path) -> anyhow::Result<Vec<String>> {
    let Ok(files) = std::fs::read_dir(folder) else { return Ok(vec![]) };
    let mut mails: Vec<(SystemTime, String)> = Vec::new();
    for file in files.take(FILES_MAX) {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        // Another mail may take its final name while we look.
        if let (true, Ok(facts)) = (is_mail(&name), file.metadata()) {
            mails.push((facts.modified()?, name));
        }
    }
    mails.sort_unstable_by(|a, b| b.cmp(a));
    mails.truncate(SHOWN_MAX);
    Ok(mails.into_iter().map(|(_, name)| name).collect())
}

fn line(folder: &Path, name: String) -> Option<Line> {
    let bytes = std::fs::read(folder.join(&name)).ok()?;
    let mail = MessageParser::default().parse(&bytes)?;
    let to = mail.to().and_then(|to| to.first()?.address()).unwrap_or_default().to_owned();
    let subject = mail.subject().unwrap_or_default().to_owned();
    Some(Line { name, subject, to, date: date(&mail) })
}

/// When a mail was written, as people read it.
fn date(mail: &Message<'_>) -> String {
    let at = mail.date().map(mail_parser::DateTime::to_timestamp);
    let at = at.and_then(|at| jiff::Timestamp::from_second(at).ok());
    at.map_or_else(String::new, |at| at.strftime("%-d %B %Y, %H:%M:%S UTC").to_string())
}

/// A name that we give to mails, and that leads nowhere else.
fn is_mail(name: &str) -> bool {
    let stem = name.strip_suffix(".eml").unwrap_or_default();
    !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

async fn bytes(folder: &Folder, name: &str) -> Result<Vec<u8>, Problem> {
    if !is_mail(name) {
        return Err(Problem::NotThere);
    }
    let path: PathBuf = folder.join(name);
    let facts = tokio::fs::metadata(&path).await.map_err(|_| Problem::NotThere)?;
    if BYTES_MAX < facts.len() {
        return Err(Problem::NotThere);
    }
    tokio::fs::read(&path).await.map_err(|_| Problem::NotThere)
}

fn parsed(bytes: &[u8]) -> Result<Message<'_>, Problem> {
    MessageParser::default().parse(bytes).ok_or(Problem::NotThere)
}

/// On a thread that may wait for the disk.
async fn aside<T: Send + 'static>(
    act: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(act).await {
        Ok(done) => done.map_err(Problem::Fault),
        Err(died) => Err(Problem::Fault(died.into())),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::NotThere => (StatusCode::NOT_FOUND, Html(pages::not_there())).into_response(),
            Self::Fault(fault) => {
                error!(error = format!("{fault:#}"), "The inbox failed");
                (StatusCode::SERVICE_UNAVAILABLE, Html(pages::not_there())).into_response()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_lead_to_a_file() {
        assert!(is_mail("ticket-void-0190a5e4-0000-7000-8000-000000000001.eml"));
        for name in ["../secret.eml", ".eml", "a/b.eml", "secret.key", ".a.eml.unfinished", "ä.eml"]
        {
            assert!(!is_mail(name), "{name}");
        }
    }

    #[test]
    fn a_foreign_name_that_leads_here_opens_nothing() {
        let ours = "https://tickets.example.org";
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "tickets.example.org"] {
            assert!(is_ours(host, ours), "{host}");
        }
        for host in
            ["", "evil.example:8080", "tickets.example.org.evil.example", "127.0.0.1.evil.io"]
        {
            assert!(!is_ours(host, ours), "{host}");
        }
    }

    #[test]
    fn a_mails_policy_allows_its_sheet_and_nothing_that_runs() {
        let policy = mail_policy();
        assert!(policy.contains("style-src 'sha256-") && policy.contains("default-src 'none'"));
        for word in ["unsafe-inline", "script-src", "allow-scripts", "allow-same-origin", "http"] {
            assert!(!policy.contains(word), "{word}");
        }
    }
}
