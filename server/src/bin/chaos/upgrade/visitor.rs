//! People who open pages while servers of two releases answer: the page comes from one of them, and every
//! file that it names must come, wherever the balancer sends the question.

use crate::connection::{Http, Reply};
use crate::scenarios::Stage;
use crate::world::World;
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const VISITORS: usize = 3;
const PAUSE: Duration = Duration::from_millis(150);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) pages: u64,
    pub(crate) files: u64,
    /// What was answered instead of a page or a file.
    pub(crate) missing: Vec<String>,
    /// The programs that pages named; two releases have two.
    pub(crate) programs: BTreeSet<String>,
}

pub(crate) struct Visits(JoinSet<Figures>);

impl Visits {
    /// Nobody comes when the servers have nothing but plain pages.
    pub(crate) fn begin(stage: &Stage, has_pages: bool) -> Self {
        let mut visitors = JoinSet::new();
        for number in 0..if has_pages { VISITORS } else { 0 } {
            let conferences = &stage.world.conferences;
            let page = match number {
                0 => "/manage".to_owned(),
                _ => format!("/{}/seats", conferences[number % conferences.len()].slug),
            };
            visitors.spawn(visit(stage.world.clone(), page));
        }
        Self(visitors)
    }

    /// When it is over.
    pub(crate) async fn end(self) -> Figures {
        let mut figures = Figures::default();
        for other in super::all(self.0).await {
            figures.pages += other.pages;
            figures.files += other.files;
            figures.missing.extend(other.missing);
            figures.programs.extend(other.programs);
        }
        figures
    }
}

async fn visit(world: Arc<World>, page: String) -> Figures {
    let mut figures = Figures::default();
    while !world.is_over() {
        figures.pages += 1;
        if let Some(html) = ask(&world, &page, &mut figures).await {
            let html = String::from_utf8_lossy(&html.body).into_owned();
            for file in named(&html) {
                figures.files += 1;
                ask(&world, &file, &mut figures).await;
                figures.programs.insert(file);
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    figures
}

/// On a connection of its own, so that the balancer decides anew.
async fn ask(world: &World, path: &str, figures: &mut Figures) -> Option<Reply> {
    world.asks();
    let asking = async {
        let mut http = Http::connect(world.addr).await?;
        http.ask(Method::GET, path, Some(("accept-encoding", "identity".to_owned())), String::new())
            .await
    };
    match asking.await {
        Ok(reply) if reply.status == StatusCode::OK => Some(reply),
        Ok(reply) => {
            figures.missing.push(format!("{path}: {}", reply.status));
            None
        }
        Err(error) => {
            world.failed(format!("{path}: {error:#}"));
            None
        }
    }
}

/// The programs that a page names: those whose name has a hash.
fn named(html: &str) -> BTreeSet<String> {
    let words = html.split(['"', '\'']).filter(|word| word.starts_with('/'));
    let programs = words.filter(|word| word.ends_with(".js") || word.ends_with(".wasm"));
    programs.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_names_its_programs() {
        let html = "<link href=\"/app-1a.js\"><script>import init from '/app-1a.js'; \
                    init('/app-1a_bg.wasm')</script><a href=\"/rustconf\">";
        let named: Vec<String> = named(html).into_iter().collect();
        assert_eq!(named, ["/app-1a.js", "/app-1a_bg.wasm"]);
    }
}
