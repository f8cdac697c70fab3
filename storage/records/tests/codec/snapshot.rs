//! Snapshots: what is written is read back; damaged bytes are refused or at least survived.

use proptest::{collection::vec, prelude::*};
use tessera_inventory::*;
use tessera_records::{RecordError, SnapshotImage, decode_snapshot, encode_snapshot};
use tessera_writer::Chain;

use crate::examples;

fn bytes() -> Vec<u8> {
    encode_snapshot(&examples::image(), Chain([7; 32]))
}

prop_compose! {
    fn image()(
        words in [(); 6].map(|()| vec(any::<u64>(), 0..9)),
        halves in (vec(any::<u32>(), 0..9), vec(any::<u32>(), 0..9), vec(any::<u32>(), 0..9)),
        small in vec(any::<u8>(), 0..9),
        numbers in any::<(u64, u64, u64)>(),
        identities in any::<(u128, u128)>(),
        configured in any::<bool>(),
    ) -> Image {
        Image {
            event: EventId(identities.0),
            sequence: Sequence(numbers.0),
            digest: Digest(identities.1),
            config: configured.then(|| examples::config().into()),
            released_channels: numbers.1,
            seat_states: small,
            subjects: words[0].clone(),
            claims: words[1].clone(),
            keys_recent: words[2].clone(),
            pools: halves.0,
            orders: halves.1,
            transferred: halves.2,
            quoted: words[3].clone(),
            waitlist: words[4].clone(),
            accumulating: words[5].clone(),
            keys_recent_first: numbers.2,
            ..examples::image()
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_images_come_back(image in image(), chain in any::<[u8; 32]>()) {
        let expected = SnapshotImage { chain: Chain(chain), image };
        let bytes = encode_snapshot(&expected.image, expected.chain);
        prop_assert_eq!(decode_snapshot(bytes.into()).unwrap(), expected);
    }

    #[test]
    fn random_bytes_are_survived(bytes in vec(any::<u8>(), 0..300)) {
        let _ = decode_snapshot(bytes.into());
    }
}

#[test]
fn an_image_of_an_empty_event_comes_back() {
    let image = Image { config: None, config_version: 0, ..examples::image() };
    let bytes = encode_snapshot(&image, Chain::default());
    assert_eq!(decode_snapshot(bytes.into()).unwrap(), SnapshotImage { chain: Chain::default(), image });
}

#[test]
fn scenario_28_a_snapshot_for_newer_readers_is_refused() {
    let mut bytes = bytes();
    assert_eq!(bytes[2..6], [0x08, 1, 0x10, 1]);
    (bytes[3], bytes[5]) = (9, 9);
    let error = decode_snapshot(bytes.into()).unwrap_err();
    assert!(
        matches!(error, RecordError::TooNew { needed: 9, supported: tessera_writer::FORMAT_VERSION }),
        "{error:?}"
    );
}

#[test]
fn every_truncation_is_refused() {
    let bytes = bytes();
    for length in 0..bytes.len() {
        assert!(decode_snapshot(bytes[..length].into()).is_err(), "{length} of {} bytes", bytes.len());
    }
}

#[test]
fn every_flipped_bit_is_survived() {
    let bytes = bytes();
    for bit in 0..bytes.len() * 8 {
        let mut damaged = bytes.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let _ = decode_snapshot(damaged.into());
    }
}
