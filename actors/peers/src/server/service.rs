//! The one service, with the one method: a stream of asks, a stream of answers.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures::FutureExt;
use futures::future::BoxFuture;
use tonic::body::Body;
use tonic::server::{Grpc, StreamingService};
use tonic::transport::server::{TcpConnectInfo, TlsConnectInfo};
use tonic::{Request, Response, Status, Streaming};

use super::Shared;
use super::serving::Serving;
use crate::codec::{FrameCodec, PATH};
use crate::limits::{FRAME_BYTES_MAX, STREAMS_SERVED_MAX};
use crate::security::names_a_node;

/// See the module.
#[derive(Clone)]
pub(super) struct Service(pub(super) Arc<Shared>);

impl tower_service::Service<http::Request<Body>> for Service {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<http::Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != PATH {
            return ready(Ok(Status::unimplemented("nodes ask nothing else of each other").into_http()))
                .boxed();
        }
        let service = self.clone();
        async move {
            let mut grpc = Grpc::new(FrameCodec).max_decoding_message_size(FRAME_BYTES_MAX);
            Ok(grpc.streaming(service, request).await)
        }
        .boxed()
    }
}

impl StreamingService<Bytes> for Service {
    type Response = Vec<u8>;
    type ResponseStream = Serving;
    type Future = Ready<Result<Response<Serving>, Status>>;

    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        ready(self.admit(request).map(Response::new))
    }
}

impl Service {
    fn admit(&self, request: Request<Streaming<Bytes>>) -> Result<Serving, Status> {
        if self.0.mutual && !is_a_node(&request) {
            return Err(Status::permission_denied("the certificate is not a node's"));
        }
        let mut streams = self.0.streams.load(Ordering::Relaxed);
        loop {
            if streams >= STREAMS_SERVED_MAX {
                return Err(Status::resource_exhausted("too many streams"));
            }
            let one_more = self.0.streams.compare_exchange_weak(
                streams,
                streams + 1,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match one_more {
                Ok(_) => return Ok(Serving::new(Arc::clone(&self.0), request.into_inner())),
                Err(found) => streams = found,
            }
        }
    }
}

/// The authority signs more than nodes, perhaps: the name tells.
fn is_a_node(request: &Request<Streaming<Bytes>>) -> bool {
    let certificates =
        request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>().and_then(TlsConnectInfo::peer_certs);
    certificates.is_some_and(|found| found.first().is_some_and(names_a_node))
}
