//! Seeded mutations of a corpus, for the tests. libFuzzer has its own.

/// Pieces that change the meaning of an input more often than chance would.
const TOKENS: &[&[u8]] = &[
    b"null",
    b"-1",
    b"0",
    b"18446744073709551615",
    b"9007199254740993",
    b"1e999",
    b"\"\"",
    b"{}",
    b"[]",
    b"[[",
    b"\\u0000",
    b"\xff\xff\xff\xff\xff\xff\xff\xff\x01",
    b"\x00\x00\x00\x00",
    b"\x80",
    b"{hold}",
    b"{order}",
    b"{ticket}",
    "Ä€".as_bytes(),
];
/// Most changes to one input.
const CHANGES_MAX: u64 = 6;
/// Longest piece that is removed or repeated, in bytes.
const PIECE_BYTES_MAX: usize = 64;

/// A small generator: splitmix64, after Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
#[derive(Clone, Copy, Debug)]
pub struct Random(u64);

impl Random {
    /// The same seed draws the same numbers.
    #[must_use]
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below `end`, which is not zero.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.draw() % end as u64).unwrap()
    }

    /// So many bytes.
    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.draw().to_le_bytes()[0]).collect()
    }
}

/// An input of the corpus, changed a little; at most `bytes_max` bytes.
#[must_use]
pub fn mutated(seed: u64, corpus: &[Vec<u8>], bytes_max: usize) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut bytes = corpus[random.below(corpus.len())].clone();
    for _ in 0..=random.draw() % CHANGES_MAX {
        change(&mut random, &mut bytes, corpus);
    }
    bytes.truncate(bytes_max);
    bytes
}

fn change(random: &mut Random, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
    let at = random.below(bytes.len() + 1);
    let piece = (1 + random.below(PIECE_BYTES_MAX)).min(bytes.len() - at);
    let byte = random.draw().to_le_bytes()[0];
    match random.below(9) {
        0 => bytes.insert(at, byte),
        1 => drop(bytes.drain(at..at + piece)),
        2 => {
            let again = bytes[at..at + piece].to_vec();
            bytes.splice(at..at, again);
        }
        3 => {
            let token = TOKENS[random.below(TOKENS.len())];
            let end = (at + random.below(token.len() + 1)).min(bytes.len());
            bytes.splice(at..end, token.iter().copied());
        }
        4 => {
            let other = &corpus[random.below(corpus.len())];
            let from = random.below(other.len() + 1);
            let end = random.below(bytes.len() - at + 1) + at;
            bytes.splice(at..end, other[from..].iter().copied());
        }
        5 => bytes.truncate(at),
        // A changed digit stays a number.
        6 => {
            if let Some(digit) = bytes[at..].iter_mut().find(|byte| byte.is_ascii_digit()) {
                *digit = b'0' + byte % 10;
            }
        }
        _ if at == bytes.len() => bytes.push(byte),
        7 => bytes[at] ^= 1 << (byte % 8),
        _ => bytes[at] = byte,
    }
}
