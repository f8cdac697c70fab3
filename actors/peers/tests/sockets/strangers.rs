//! Nodes of other releases, written after the protocol and not with this crate: what they say beyond it is met with a clear outcome.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use http::uri::PathAndQuery;
use prost::Message;
use prost::bytes::{Buf, BufMut};
use tessera_actors::{Forwarded, Peer};
use tessera_cluster::NodeId;
use tessera_peers::Security;
use tokio::net::TcpListener;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::transport::Endpoint;
use tonic::transport::server::TcpIncoming;
use tonic::{Code, Request, Response, Status, Streaming};

use crate::nodes::{INSTALLATION, LOOPBACK, Node, PATIENCE, number};

#[derive(Clone, PartialEq, Message)]
struct Asks {
    #[prost(message, optional, tag = "1")]
    hello: Option<Hello>,
    #[prost(message, repeated, tag = "2")]
    asks: Vec<Ask>,
}

#[derive(Clone, PartialEq, Message)]
struct Answers {
    #[prost(message, optional, tag = "1")]
    hello: Option<Hello>,
    #[prost(message, repeated, tag = "2")]
    answers: Vec<Answer>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Hello {
    #[prost(uint32, tag = "1")]
    version: u32,
    #[prost(uint32, tag = "2")]
    version_min: u32,
    #[prost(fixed64, tag = "3")]
    installation_high: u64,
    #[prost(fixed64, tag = "4")]
    installation_low: u64,
    #[prost(fixed64, tag = "5")]
    node_high: u64,
    #[prost(fixed64, tag = "6")]
    node_low: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Ask {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(uint64, tag = "2")]
    give_up_us: u64,
    #[prost(bytes = "vec", tag = "3")]
    ask: Vec<u8>,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(uint64, tag = "1")]
    number: u64,
    #[prost(bytes = "vec", tag = "2")]
    answer: Vec<u8>,
}

/// Frames as they are.
#[derive(Clone, Copy)]
pub(crate) struct Frames;

impl Codec for Frames {
    type Encode = Vec<u8>;
    type Decode = Vec<u8>;
    type Encoder = Frames;
    type Decoder = Frames;

    fn encoder(&mut self) -> Frames {
        Frames
    }

    fn decoder(&mut self) -> Frames {
        Frames
    }
}

impl Encoder for Frames {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, frame: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put_slice(&frame);
        Ok(())
    }
}

impl Decoder for Frames {
    type Item = Vec<u8>;
    type Error = Status;

    fn decode(&mut self, frame: &mut DecodeBuf<'_>) -> Result<Option<Vec<u8>>, Status> {
        Ok(Some(frame.copy_to_bytes(frame.remaining()).to_vec()))
    }
}

fn hello(version: u32, version_min: u32, node_low: u64) -> Option<Hello> {
    let installation_low = u64::try_from(INSTALLATION).unwrap();
    Some(Hello { version, version_min, installation_high: 0, installation_low, node_high: 0, node_low })
}

/// A read of claim 9 of event 5, as version 1 asks it: `event_low`, `hops`, `term`, `read`.
const READ: [u8; 15] = [0x11, 5, 0, 0, 0, 0, 0, 0, 0, 0x18, 1, 0x20, 3, 0x30, 9];
/// Its answer at sequence 9: `read { sequence }`.
const WAS_READ: [u8; 4] = [0x22, 2, 0x08, 9];
/// It was not taken: `not_taken {}`.
const NOT_TAKEN: [u8; 2] = [0x42, 0];
/// A field that no release of today has: number 200, one byte.
const FIELD_OF_TOMORROW: [u8; 3] = [0xc0, 0x0c, 1];

async fn conversation(with: &Node, frames: Vec<Asks>) -> Result<Streaming<Vec<u8>>, Status> {
    let address = format!("http://{}", with.peer.address);
    let channel = Endpoint::from_shared(address).unwrap().connect().await.unwrap();
    let mut client = Grpc::new(channel);
    client.ready().await.unwrap();
    let frames: Vec<_> = frames.iter().map(Message::encode_to_vec).collect();
    let frames = futures::stream::iter(frames).chain(futures::stream::pending());
    let path = PathAndQuery::from_static("/tessera.peers.v1.Peers/Ask");
    Ok(client.streaming(Request::new(frames), path, Frames).await?.into_inner())
}

async fn next(answers: &mut Streaming<Vec<u8>>) -> Result<Answers, Code> {
    let frame = answers.next().await.unwrap().map_err(|status| status.code())?;
    Ok(Answers::decode(frame.as_slice()).unwrap())
}

#[tokio::test]
async fn an_ask_of_a_newer_node_is_refused_unexecuted_and_spoils_no_other() {
    let b = Node::start(2, &Security::Plain).await;
    let of_tomorrow = [READ.as_slice(), &FIELD_OF_TOMORROW].concat();
    let asks = [(1, READ.to_vec()), (2, of_tomorrow), (3, Vec::new())];
    let asks = asks.map(|(number, ask)| Ask { number, give_up_us: 60_000_000, ask }).into();
    let frames = vec![Asks { hello: hello(9, 1, 2), asks: Vec::new() }, Asks { hello: None, asks }];
    let mut answers = conversation(&b, frames).await.unwrap();
    assert_eq!(next(&mut answers).await.unwrap().hello.unwrap().version, 1);
    let mut found = Vec::new();
    while found.len() < 3 {
        let frame = next(&mut answers).await.unwrap();
        found.extend(frame.answers.into_iter().map(|answer| (answer.number, answer.answer)));
    }
    found.sort();
    assert_eq!(found, [(1, WAS_READ.to_vec()), (2, NOT_TAKEN.to_vec()), (3, NOT_TAKEN.to_vec())]);
    assert_eq!(b.fake.asked(), 1);
}

#[tokio::test]
async fn nodes_whose_versions_have_nothing_in_common_do_not_speak() {
    let b = Node::start(2, &Security::Plain).await;
    for (version, version_min, refused) in [(1, 1, false), (9, 1, false), (9, 2, true), (0, 0, true)] {
        let first = Asks { hello: hello(version, version_min, 2), asks: Vec::new() };
        let mut answers = conversation(&b, vec![first]).await.unwrap();
        let code = next(&mut answers).await.err();
        assert_eq!(code, refused.then_some(Code::FailedPrecondition), "{version_min} to {version}");
    }
    let mut unasked = conversation(&b, vec![Asks::default()]).await.unwrap();
    assert_eq!(next(&mut unasked).await.err(), Some(Code::FailedPrecondition), "a hello comes first");
}

/// A node whose answers to odd asks are of a kind that no release of today has.
#[derive(Clone, Copy)]
struct NewerNode;

impl tower_service::Service<http::Request<Body>> for NewerNode {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        async move { Ok(tonic::server::Grpc::new(Frames).streaming(NewerNode, request).await) }.boxed()
    }
}

impl tonic::server::StreamingService<Vec<u8>> for NewerNode {
    type Response = Vec<u8>;
    type ResponseStream = BoxStream<'static, Result<Vec<u8>, Status>>;
    type Future = Ready<Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Vec<u8>>>) -> Self::Future {
        let answers = request.into_inner().map(|frame| {
            let heard = Asks::decode(frame?.as_slice()).unwrap();
            if heard.hello.is_some() {
                return Ok(Answers { hello: hello(9, 1, 7), answers: Vec::new() }.encode_to_vec());
            }
            let answer = |ask: Ask| {
                let known = ask.number.is_multiple_of(2);
                let answer = if known { WAS_READ.to_vec() } else { FIELD_OF_TOMORROW.to_vec() };
                Answer { number: ask.number, answer }
            };
            let answers = heard.asks.into_iter().map(answer).collect();
            Ok(Answers { hello: None, answers }.encode_to_vec())
        });
        ready(Ok(Response::new(answers.boxed())))
    }
}

#[tokio::test]
async fn an_answer_of_a_newer_node_that_cannot_be_read_leaves_the_outcome_unknown() {
    let listener = TcpListener::bind(LOOPBACK).await.unwrap();
    let newer = Peer { node: NodeId(7), address: listener.local_addr().unwrap().to_string() };
    let serving =
        tonic::transport::Server::builder().serve_with_incoming(NewerNode, TcpIncoming::from(listener));
    let serving = tokio::spawn(serving);
    let a = Node::start(1, &Security::Plain).await;
    assert_eq!(number(&a.ask(&newer, 9, PATIENCE).await), Some(9));
    assert!(matches!(a.ask(&newer, 9, PATIENCE).await, Forwarded::Unanswered));
    assert_eq!(number(&a.ask(&newer, 9, PATIENCE).await), Some(9), "the stream goes on");
    serving.abort();
}
