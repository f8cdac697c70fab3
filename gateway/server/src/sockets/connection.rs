//! The actor of one connection.

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, StreamHandler, WrapFuture,
};
use actix_http::ws::CloseCode;
use tessera_actors::Environment;
use tokio::sync::watch;

use super::frames::{self, Inbound};
use super::outbox::Outbox;
use super::{Source, after};
use crate::follow::Ended;
use crate::limits::{SOCKET_SILENT_BEATS_MAX, STREAM_HEARTBEAT};

/// Pushes what its source has, one batch at a time.
pub(super) struct Connection {
    outbox: Outbox,
    /// Absent while it looks for the next batch.
    source: Option<Source>,
    /// The newest ping whose pong has not come. There is never a second one behind it, except that of a batch.
    unanswered: Option<Ping>,
    /// Heartbeats since the client answered, or owed no answer.
    silent_beats: u32,
    closing: watch::Receiver<bool>,
    environment: Environment,
}

/// A ping that went out.
#[derive(Clone, Copy)]
struct Ping {
    /// Drawn at random: who knows it has read everything before it.
    token: u128,
    /// Whether it stands behind a batch.
    ends_batch: bool,
}

/// The connection is no more.
pub(super) struct Gone;

impl Message for Gone {
    type Result = ();
}

impl Connection {
    pub(super) fn new(
        outbox: Outbox,
        source: Source,
        closing: watch::Receiver<bool>,
        environment: Environment,
    ) -> Connection {
        Connection { outbox, source: Some(source), unanswered: None, silent_beats: 0, closing, environment }
    }

    /// Has the source look for the next batch, unless one is in flight.
    fn advance(&mut self, context: &mut Context<Connection>) {
        if self.unanswered.is_some_and(|ping| ping.ends_batch) {
            return;
        }
        let Some(mut source) = self.source.take() else { return };
        let looking = async move {
            let batch = source.next().await;
            (source, batch)
        };
        let found = looking.into_actor(self).map(|(source, batch), connection, context| match batch {
            Ok(batch) => {
                connection.source = Some(source);
                connection.outbox.push(batch);
                connection.ping(true);
            }
            Err(Ended::NotNow) => connection.close(context, CloseCode::Again, "not now; come back"),
            Err(Ended::Revoked) => connection.close(context, CloseCode::Policy, "the key was revoked"),
        });
        context.spawn(found);
    }

    fn ping(&mut self, ends_batch: bool) {
        let token = self.environment.random.bits();
        self.outbox.push([frames::ping(token)]);
        self.unanswered = Some(Ping { token, ends_batch });
    }

    /// Looks from time to time whether the client is there. While a ping is unanswered no other goes out: so what waits for a client
    /// that does not read is bounded, whatever it sends.
    fn beat(&mut self, context: &mut Context<Connection>) {
        let waiting = {
            let clock = &self.environment.clock;
            clock.sleep_until(after(&**clock, STREAM_HEARTBEAT)).into_actor(self)
        };
        context.spawn(waiting.map(|(), connection, context| {
            connection.silent_beats += 1;
            if connection.silent_beats > SOCKET_SILENT_BEATS_MAX {
                return connection.close(context, CloseCode::Policy, "no pong came");
            }
            if connection.unanswered.is_none() {
                connection.ping(false);
            }
            connection.beat(context);
        }));
    }

    fn close(&self, context: &mut Context<Connection>, code: CloseCode, reason: &'static str) {
        self.outbox.end(Some(frames::close(code, reason)));
        context.stop();
    }
}

impl Actor for Connection {
    type Context = Context<Connection>;

    fn started(&mut self, context: &mut Self::Context) {
        let mut closing = self.closing.clone();
        let shutdown = async move {
            // Who would tell is gone where this fails: that is a shutdown, too.
            let _ = closing.wait_for(|closing| *closing).await;
        };
        let shutdown = shutdown.into_actor(self);
        context.spawn(shutdown.map(|(), connection, context| {
            connection.close(context, CloseCode::Away, "this server shuts down; come back");
        }));
        self.beat(context);
        self.advance(context);
    }

    fn stopped(&mut self, _context: &mut Self::Context) {
        self.outbox.end(None);
    }
}

/// What the client sends. When that ends, the actor does.
impl StreamHandler<Inbound> for Connection {
    fn handle(&mut self, inbound: Inbound, context: &mut Self::Context) {
        match inbound {
            Inbound::Pong(data) => {
                if self.unanswered.is_some_and(|ping| frames::answers(&data, ping.token)) {
                    self.unanswered = None;
                    self.silent_beats = 0;
                    self.advance(context);
                }
            }
            Inbound::Ping(data) => self.outbox.pong(frames::pong(&data)),
            Inbound::Close => self.close(context, CloseCode::Normal, ""),
            Inbound::Message => self.close(context, CloseCode::Unsupported, "nothing is listened to here"),
            Inbound::Wrong => self.close(context, CloseCode::Protocol, "not a frame, or too long a one"),
        }
    }
}

impl Handler<Gone> for Connection {
    type Result = ();

    fn handle(&mut self, _gone: Gone, context: &mut Self::Context) {
        context.stop();
    }
}
