//! The judge: sound sales pass, and every defect that was put into one is found and named.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod brute_force;
mod compare;
mod crowd;
mod defects;
mod fairness;
mod linear;
mod report;
mod sale;
