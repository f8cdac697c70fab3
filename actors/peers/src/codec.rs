//! Frames on a gRPC stream, as bytes: they are made and read where the asks and answers are.

use bytes::{Buf, BufMut, Bytes};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

use crate::limits::FRAME_BYTES;

/// The one method of the service.
pub(crate) const PATH: &str = "/tessera.peers.v1.Peers/Ask";

/// See the module.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FrameCodec;

impl Codec for FrameCodec {
    type Encode = Vec<u8>;
    type Decode = Bytes;
    type Encoder = FrameCodec;
    type Decoder = FrameCodec;

    fn encoder(&mut self) -> FrameCodec {
        FrameCodec
    }

    fn decoder(&mut self) -> FrameCodec {
        FrameCodec
    }
}

impl Encoder for FrameCodec {
    type Item = Vec<u8>;
    type Error = Status;

    fn encode(&mut self, frame: Vec<u8>, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(frame.len());
        out.put_slice(&frame);
        Ok(())
    }

    /// A frame is a batch already: it leaves at once.
    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::new(FRAME_BYTES / 4, 0)
    }
}

impl Decoder for FrameCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, frame: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(frame.copy_to_bytes(frame.remaining())))
    }
}
