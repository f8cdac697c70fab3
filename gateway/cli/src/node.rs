//! `tessera node`: what an operator asks of the nodes of a running cluster, and the certificates by which they know each other.

mod certificates;

use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use tessera_server::settings::Settings;

use crate::arguments::{InstallationArguments, NodeArguments, NodeCommand};
use crate::failure::Failure;
use crate::output::line;
use crate::repair::token;

/// How often a drain is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The nodes, as the one that is asked sees them.
#[derive(Deserialize)]
struct Nodes {
    me: Option<String>,
    items: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    name: String,
    state: String,
    peer_address: String,
    release: String,
    owned_events: u32,
    beat_age_ms: u64,
}

/// A running node, and the administrator's token for it.
struct Administrator {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// Lists the nodes, drains one, moves an event, or makes certificates.
pub(crate) async fn run(arguments: NodeArguments) -> Result<(), Failure> {
    let NodeArguments { installation, url, command } = arguments;
    let administrator = || Administrator::of(&installation, &url);
    match command {
        NodeCommand::List => administrator()?.list().await,
        NodeCommand::Drain { node, no_wait } => administrator()?.drain(&node, !no_wait).await,
        NodeCommand::Move { event, node } => administrator()?.move_event(&event, &node).await,
        NodeCommand::Certificates { out, names } => certificates::make(&out, &names),
    }
}

impl Administrator {
    fn of(installation: &InstallationArguments, url: &str) -> Result<Administrator, Failure> {
        let settings: Settings = installation.settings()?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Administrator { client: reqwest::Client::new(), url, token: token(settings)? })
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<String, Failure> {
        let no_server = |source| Failure::NoServer { url: self.url.clone(), source };
        let mut request = self.client.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let reply = request.send().await.map_err(no_server)?;
        let status = reply.status();
        let body = reply.text().await.map_err(no_server)?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(Failure::Refused { url: self.url.clone(), status: status.as_u16(), body })
        }
    }

    async fn nodes(&self) -> Result<Nodes, Failure> {
        let body = self.ask(Method::GET, "/v1/nodes", None).await?;
        let unreadable = || Failure::Refused { url: self.url.clone(), status: 200, body: body.clone() };
        serde_json::from_str(&body).map_err(|_| unreadable())
    }

    /// The node of this id, or the one that goes by this name.
    async fn find(&self, wanted: &str) -> Result<Node, Failure> {
        let mut named = self.nodes().await?.items;
        // Registrations of before, which nobody has forgotten yet, have the name too.
        named.retain(|node| node.id == wanted || node.name == wanted && node.state != "evicted");
        match (named.pop(), named.is_empty()) {
            (Some(node), true) => Ok(node),
            (Some(_), false) => Err(Failure::ManyNodes(wanted.to_owned())),
            (None, _) => Err(Failure::NoSuchNode(wanted.to_owned())),
        }
    }

    async fn list(&self) -> Result<(), Failure> {
        let Nodes { me, items } = self.nodes().await?;
        if items.is_empty() {
            line(format_args!("{} is no node of a cluster", self.url));
            return Ok(());
        }
        for row in table(&items, me.as_deref()) {
            line(row);
        }
        Ok(())
    }

    async fn drain(&self, wanted: &str, waits: bool) -> Result<(), Failure> {
        let node = self.find(wanted).await?;
        self.ask(Method::POST, &format!("/v1/nodes/{}/drain", node.id), None).await?;
        line(format_args!("{} drains: it owned {} events", node.name, node.owned_events));
        let mut left = node.owned_events;
        while waits && left > 0 {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = self.nodes().await?.items.into_iter().find(|found| found.id == node.id);
            // Gone, or evicted: others have its events.
            let now = now.filter(|node| node.state != "evicted").map_or(0, |node| node.owned_events);
            if now != left {
                line(format_args!("{} has {now} events left", node.name));
            }
            left = now;
        }
        Ok(())
    }

    async fn move_event(&self, event: &str, wanted: &str) -> Result<(), Failure> {
        let node = self.find(wanted).await?;
        let body = json!({"node": node.id});
        self.ask(Method::POST, &format!("/v1/events/{event}/move"), Some(body)).await?;
        line(format_args!("{event} goes to {}", node.name));
        Ok(())
    }
}

/// One line for each node below a heading; the one that was asked has a star.
fn table(nodes: &[Node], me: Option<&str>) -> Vec<String> {
    let mut rows = vec![["node", "state", "events", "beat", "address", "release", "id"].map(str::to_owned)];
    rows.extend(nodes.iter().map(|node| {
        let star = if me == Some(&node.id) { "*" } else { "" };
        [
            format!("{}{star}", node.name),
            node.state.clone(),
            node.owned_events.to_string(),
            format!("{} ms", node.beat_age_ms),
            node.peer_address.clone(),
            node.release.clone(),
            node.id.clone(),
        ]
    }));
    let widths: Vec<usize> =
        (0..rows[0].len()).map(|at| rows.iter().map(|row| row[at].len()).max().unwrap_or(0)).collect();
    let aligned = |row: &[String; 7]| {
        let cells: Vec<_> =
            row.iter().zip(widths.iter().copied()).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(aligned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, state: &str) -> Node {
        Node {
            id: format!("nod_{name}"),
            name: name.to_owned(),
            state: state.to_owned(),
            peer_address: format!("{name}:7443"),
            release: "0.1.0".to_owned(),
            owned_events: 12,
            beat_age_ms: 380,
        }
    }

    #[test]
    fn columns_are_aligned_and_the_node_that_was_asked_has_a_star() {
        let nodes = [node("a", "serving"), node("node-b", "draining")];
        let lines = table(&nodes, Some("nod_a"));
        assert_eq!(lines[1], "a*      serving   12      380 ms  a:7443       0.1.0    nod_a");
        assert_eq!(lines[2], "node-b  draining  12      380 ms  node-b:7443  0.1.0    nod_node-b");
        assert!(lines[0].starts_with("node    state     events  beat"), "{}", lines[0]);
    }
}
