//! What is read when the crowd has left: the whole change feed, and the documents at its end.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::header::HeaderValue;
use serde::Deserialize;
use serde_json::Value;
use tessera_demo::client::{Call, Connection, Server};
use tessera_demo::error::DemoError;
use tessera_demo::feed::Reader;

use crate::error::RehearsalError;
use crate::stage::Stage;

/// Longest wait of one look at the feed; nothing new for so long is quiet.
const FEED_WAIT: Duration = Duration::from_secs(1);
/// Longest that quiet is waited for. An event that others buy at never is.
pub(crate) const QUIET_MAX: Duration = Duration::from_secs(60);

/// What is read when all is quiet.
pub(crate) struct Quiet {
    pub(crate) feed: Vec<Value>,
    pub(crate) last: Value,
    pub(crate) seat_map: Option<Value>,
}

/// Read the whole feed, and the documents until they stand at its end, for so long at most.
pub(crate) async fn read(stage: &Stage, at_most: Duration) -> Result<Quiet, RehearsalError> {
    let until = Instant::now() + at_most;
    let connection = Connection::new(&stage.server);
    let mut feed: Reader<Value> = Reader::new(connection, stage.organizer.clone(), &stage.event);
    let mut connection = Connection::new(&stage.server);
    loop {
        while !feed.read(FEED_WAIT).await? && Instant::now() < until {}
        let last = document(&mut connection, stage, "/availability").await?;
        let seat_map = if stage.venue.seats.is_empty() {
            None
        } else {
            Some(document(&mut connection, stage, "/seat-map").await?)
        };
        let end = feed.items.last().map(|item| item["sequence"].clone());
        let shown = [Some(&last), seat_map.as_ref()].into_iter().flatten();
        let is_quiet =
            shown.map(|document| &document["sequence"]).all(|sequence| Some(sequence) == end.as_ref());
        if is_quiet {
            return Ok(Quiet { feed: feed.items, last, seat_map });
        }
        if Instant::now() >= until {
            // What the documents show must stand in the feed.
            feed.read(Duration::ZERO).await?;
            return Ok(Quiet { feed: feed.items, last, seat_map });
        }
    }
}

/// What all accounts of the ledger sum to, by currency.
pub(crate) async fn books(
    server: &Server,
    administrator: &HeaderValue,
) -> Result<BTreeMap<String, i64>, RehearsalError> {
    let mut call = Call::get("/v1/trial-balance".to_owned());
    call.credential = Some(administrator.clone());
    let (reply, _) = Connection::new(server).call(&call).await?;
    if reply.status == 404 {
        // An older server keeps no ledger.
        return Ok(BTreeMap::new());
    }
    let unreadable = |error| DemoError::unreadable("/trial-balance", &reply.body, error);
    let TrialBalance { items } = serde_json::from_slice(&reply.body).map_err(unreadable)?;
    Ok(items.into_iter().map(|trial| (trial.currency, trial.sum)).collect())
}

#[derive(Deserialize)]
struct TrialBalance {
    items: Vec<Trial>,
}

#[derive(Deserialize)]
struct Trial {
    currency: String,
    sum: i64,
}

async fn document(connection: &mut Connection, stage: &Stage, rest: &str) -> Result<Value, RehearsalError> {
    let (reply, _) = connection.call(&Call::get(stage.path(rest))).await?;
    let read = serde_json::from_slice(&reply.body);
    Ok(read.map_err(|error| DemoError::unreadable(rest, &reply.body, error))?)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used)]
mod tests {
    use tessera_demo::setup::bearer;
    use tessera_demo::venue::Venue;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::{TcpListener, TcpStream};

    use super::*;

    /// An event that somebody buys at all the time: each look at its feed finds one item more, and its documents are of the last one.
    async fn restless(listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream));
        }
    }

    async fn answer(mut stream: TcpStream) {
        let mut buffer = [0; 4_096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            let request = String::from_utf8_lossy(&buffer[..read]).into_owned();
            let after = request.split_once("after=").and_then(|(_, rest)| rest.split('&').next());
            let body = match after.and_then(|after| after.parse::<u64>().ok()) {
                Some(after) => {
                    let next = after + 1;
                    format!(r#"{{"items":[{{"sequence":{next}}}],"next":{next},"head":{next}}}"#)
                }
                None => r#"{"sequence":0}"#.to_owned(),
            };
            let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.write_all(reply.as_bytes()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn an_event_that_others_buy_at_is_not_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server::at(listener.local_addr().unwrap(), "here").unwrap();
        tokio::spawn(restless(listener));
        let stage = Stage {
            server,
            event: "evt_test".into(),
            venue: Venue::default(),
            organizer: bearer("tsa_test").unwrap(),
            scanner: bearer("tsa_test").unwrap(),
            has_sandbox: false,
            tokens: Vec::new(),
            behaviours: Vec::new(),
            menus: Vec::new(),
            patience: Duration::from_secs(1),
            seed: 1,
        };
        let quiet = read(&stage, Duration::from_millis(50)).await.unwrap();
        assert!(quiet.feed.len() > 1, "what happened until then is there");
        assert_eq!((&quiet.last["sequence"], quiet.seat_map), (&0.into(), None));
    }
}
