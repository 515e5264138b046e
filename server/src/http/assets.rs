//! The built programs: read into memory at start, and written smaller beforehand.
//!
//! Files whose name carries a hash never change and are kept for ever; the others are asked for again
//! each time. Not here: `index.html`, which every page fills in its own way (`http/shell.rs`).

use anyhow::{Context, bail};
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use brotli::CompressorWriter;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The most a built app may weigh in memory.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
const FILES_MAX: usize = 2_000;
/// Characters of a hash in a file's name, at least.
const HASH_LENGTH_MIN: usize = 8;
/// What is answered to a name that carries a hash: it is the same for ever.
pub(super) const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// Of what we know nothing about.
pub(super) const UNKNOWN_TYPE: &str = "application/octet-stream";
/// The page of the second program.
const DESK: &str = "desk/index.html";
/// What is worth compressing.
const COMPRESSED: [&str; 7] = ["wasm", "js", "css", "html", "svg", "txt", "json"];
/// Brotli's best, for what is compressed once.
const QUALITY_BEST: u32 = 11;
pub(super) const WINDOW_BITS: u8 = 22;
const BUFFER_BYTES: usize = 4_096;

/// The files of the built programs by their address.
#[derive(Debug, Default)]
pub(super) struct Assets {
    files: HashMap<String, Asset>,
    /// The page that the shell fills for those who register.
    pub(super) index: Option<String>,
    /// The page that the shell fills for the desk.
    pub(super) desk: Option<String>,
}

#[derive(Debug)]
struct Asset {
    content_type: &'static str,
    is_hashed: bool,
    tag: HeaderValue,
    plain: Bytes,
    brotli: Option<Bytes>,
}

impl Assets {
    /// Reads the folder.
    ///
    /// # Errors
    /// The folder is missing, unreadable or too large.
    pub(super) fn load(dir: &Path) -> anyhow::Result<Self> {
        let mut assets = Self::default();
        let mut bytes = 0;
        for path in files(dir)? {
            bytes += fs::metadata(&path)?.len();
            if BYTES_MAX < bytes {
                bail!("{} has more than {BYTES_MAX} bytes", dir.display());
            }
            let name = path.strip_prefix(dir)?.to_string_lossy().replace('\\', "/");
            if name == "index.html" {
                assets.index = Some(fs::read_to_string(&path)?);
            } else if name == DESK {
                assets.desk = Some(fs::read_to_string(&path)?);
            } else if !name.ends_with(".br") && !is_hidden(&name) {
                assets.files.insert(format!("/{name}"), Asset::load(&path, &name)?);
            }
        }
        if assets.index.is_none() {
            bail!("{} has no index.html", dir.display());
        }
        Ok(assets)
    }

    /// The answer to a request for a file; `None` when there is no such file.
    pub(super) fn serve(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        let asset = self.files.get(path)?;
        let cache = if asset.is_hashed { IMMUTABLE } else { "public, no-cache" };
        let known = headers.get(header::IF_NONE_MATCH);
        let is_known = known.is_some_and(|known| known == asset.tag);
        let mut response =
            if is_known { StatusCode::NOT_MODIFIED.into_response() } else { asset.body(headers) };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
        headers.insert(header::ETAG, asset.tag.clone());
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        Some(response)
    }
}

impl Asset {
    fn load(path: &Path, name: &str) -> anyhow::Result<Self> {
        let plain: Bytes =
            fs::read(path).with_context(|| format!("cannot read {}", path.display()))?.into();
        let digest = URL_SAFE_NO_PAD.encode(&Sha256::digest(&plain)[..12]);
        let smaller = beside(path);
        // An older one is of an older file.
        let brotli = if is_fresh(&smaller, path) { Some(fs::read(&smaller)?.into()) } else { None };
        Ok(Self {
            content_type: content_type(name),
            is_hashed: is_hashed(name),
            tag: HeaderValue::from_str(&format!("\"{digest}\""))?,
            plain,
            brotli,
        })
    }

    fn body(&self, headers: &HeaderMap) -> Response {
        let kind = [(header::CONTENT_TYPE, self.content_type)];
        match &self.brotli {
            Some(brotli) if accepts_brotli(headers) => {
                let encoding = [(header::CONTENT_ENCODING, "br")];
                (kind, encoding, Body::from(brotli.clone())).into_response()
            }
            _ => (kind, Body::from(self.plain.clone())).into_response(),
        }
    }
}

/// Writes a `.br` file beside every file that is worth it and has none, or an older one.
///
/// # Errors
/// The folder cannot be read or written.
pub fn compress(dir: &Path) -> anyhow::Result<()> {
    for path in files(dir)? {
        let extension = path.extension().and_then(|extension| extension.to_str());
        let smaller = beside(&path);
        if !extension.is_some_and(|kind| COMPRESSED.contains(&kind)) || is_fresh(&smaller, &path) {
            continue;
        }
        let plain = fs::read(&path)?;
        let compressed = brotli(&plain, QUALITY_BEST)?;
        fs::write(&smaller, &compressed)
            .with_context(|| format!("cannot write {}", smaller.display()))?;
        println!("{}: {} → {} bytes", path.display(), plain.len(), compressed.len());
    }
    Ok(())
}

/// The bytes, compressed.
pub(super) fn brotli(plain: &[u8], quality: u32) -> std::io::Result<Vec<u8>> {
    let mut compressed = Vec::with_capacity(plain.len() / 3);
    let mut writer =
        CompressorWriter::new(&mut compressed, BUFFER_BYTES, quality, u32::from(WINDOW_BITS));
    writer.write_all(plain)?;
    writer.flush()?;
    drop(writer);
    Ok(compressed)
}

/// True when the client can read brotli.
pub(super) fn accepts_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter();
    accepted.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).any(
        |item| {
            let mut parts = item.split(';').map(str::trim);
            parts.next() == Some("br") && !parts.any(|part| matches!(part, "q=0" | "q=0.0"))
        },
    )
}

/// Every file in the folder, however deep.
fn files(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
        if FILES_MAX < found.len() + folders.len() {
            bail!("{} has more than {FILES_MAX} files", dir.display());
        }
    }
    Ok(found)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".br");
    name.into()
}

fn is_fresh(smaller: &Path, path: &Path) -> bool {
    let changed = |path: &Path| fs::metadata(path).and_then(|known| known.modified()).ok();
    match (changed(smaller), changed(path)) {
        (Some(smaller), Some(path)) => path <= smaller,
        _ => false,
    }
}

fn is_hidden(name: &str) -> bool {
    name.split('/').any(|part| part.starts_with('.'))
}

/// `app-1a2b3c4d5e6f7a8b_bg.wasm`: a part of the name is a long hexadecimal number.
pub(super) fn is_hashed(name: &str) -> bool {
    name.split(['-', '_', '.', '/']).any(|part| {
        HASH_LENGTH_MIN <= part.len() && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    })
}

pub(super) fn content_type(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("wasm") => "application/wasm",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("html") => "text/html; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("webmanifest") => "application/manifest+json",
        Some("woff2") => "font/woff2",
        _ => UNKNOWN_TYPE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashed_names_are_kept_for_ever() {
        for name in ["app-1a2b3c4d5e6f7a8b_bg.wasm", "tokens-0123456789abcdef.css"] {
            assert!(is_hashed(name), "{name}");
        }
        for name in ["robots.txt", "favicon.svg", "app_bg.wasm", "facade.css"] {
            assert!(!is_hashed(name), "{name}");
        }
    }

    #[test]
    fn brotli_is_sent_to_those_who_can_read_it() {
        let accepts = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_ENCODING, value.parse().unwrap());
            accepts_brotli(&headers)
        };
        assert!(accepts("gzip, deflate, br") && accepts("br;q=0.5"));
        assert!(!accepts("gzip") && !accepts("br;q=0") && !accepts("brotli"));
    }

    #[test]
    fn what_changed_is_compressed_again_and_what_did_not_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (page, smaller) = (folder.path().join("a.css"), folder.path().join("a.css.br"));
        fs::write(&page, "a{}".repeat(1_000)).unwrap();
        compress(folder.path()).unwrap();
        let first = fs::read(&smaller).unwrap();
        assert!(first.len() < 100);
        fs::write(&smaller, "mine").unwrap();
        compress(folder.path()).unwrap();
        assert_eq!(fs::read(&smaller).unwrap(), b"mine");
        assert!(!folder.path().join("a.css.br.br").exists());
    }
}
