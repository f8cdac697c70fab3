//! Writes the shipped venue file anew: `cargo run -p tessera-demo --example make_arena`.

use std::path::Path;

fn main() -> std::io::Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("venue/arena.json");
    std::fs::write(path, tessera_demo::arena::render())
}
