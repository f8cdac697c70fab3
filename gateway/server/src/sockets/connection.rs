//! The actor of one connection.

use std::sync::Arc;

use actix::{
    Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, Message, StreamHandler, WrapFuture,
};
use actix_http::ws::CloseCode;
use tessera_actors::Clock;
use tokio::sync::watch;

use super::frames::{self, Inbound};
use super::outbox::Outbox;
use super::{Source, after};
use crate::limits::{SOCKET_SILENT_BEATS_MAX, STREAM_HEARTBEAT};

/// Pushes what its source has, one batch at a time.
pub(super) struct Connection {
    outbox: Outbox,
    /// Absent while it looks for the next batch.
    source: Option<Source>,
    /// How many batches and pings were sent; each has a number.
    sent: u64,
    /// The batch whose pong has not come.
    in_flight: Option<u64>,
    /// Heartbeats since the client was heard.
    silent_beats: u32,
    closing: watch::Receiver<bool>,
    clock: Arc<dyn Clock>,
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
        clock: Arc<dyn Clock>,
    ) -> Connection {
        Connection { outbox, source: Some(source), sent: 0, in_flight: None, silent_beats: 0, closing, clock }
    }

    /// Has the source look for the next batch, unless one is in flight.
    fn advance(&mut self, context: &mut Context<Connection>) {
        if self.in_flight.is_some() {
            return;
        }
        let Some(mut source) = self.source.take() else { return };
        let looking = async move {
            let batch = source.next().await;
            (source, batch)
        };
        let found = looking.into_actor(self).map(|(source, batch), connection, context| match batch {
            Some(batch) => {
                connection.source = Some(source);
                connection.outbox.push(batch);
                connection.in_flight = Some(connection.ping());
            }
            None => connection.close(context, CloseCode::Again, "not now; come back"),
        });
        context.spawn(found);
    }

    fn ping(&mut self) -> u64 {
        self.sent += 1;
        self.outbox.push([frames::ping(self.sent)]);
        self.sent
    }

    /// Looks from time to time whether the client is there. While a batch is in flight its ping is what is to be answered.
    fn beat(&mut self, context: &mut Context<Connection>) {
        let waiting = self.clock.sleep_until(after(&*self.clock, STREAM_HEARTBEAT)).into_actor(self);
        context.spawn(waiting.map(|(), connection, context| {
            connection.silent_beats += 1;
            if connection.silent_beats > SOCKET_SILENT_BEATS_MAX {
                return connection.close(context, CloseCode::Policy, "no pong came");
            }
            if connection.in_flight.is_none() {
                connection.ping();
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
        self.silent_beats = 0;
        match inbound {
            Inbound::Pong(data) => {
                if self.in_flight.is_some_and(|number| frames::answers(&data, number)) {
                    self.in_flight = None;
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
