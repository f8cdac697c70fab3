//! Tables of cases over halls drawn as text, and every group of small random halls tried by brute force.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod brute;
mod cases;
mod hall;
mod random;
