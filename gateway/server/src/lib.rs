//! The HTTP gateway: routes, authentication, configuration, telemetry. It decides nothing about the inventory.
//!
//! Entry points: [`server::Server`] starts everything over a store; `router.rs` has every route on one page;
//! `problem.rs` and `refusal.rs` are the one mapping from the domain to HTTP.

mod accept;
pub mod auth;
mod call;
mod caller;
mod client_address;
mod cluster;
pub mod code;
mod dispatch;
mod drawing;
mod elsewhere;
pub mod environment;
pub mod feed;
mod follow;
mod gateway;
mod idempotency;
pub mod ids;
mod in_flight;
pub mod instant;
mod json;
pub mod limits;
mod messages;
mod object;
pub mod open_files;
mod openapi;
mod problem;
mod providers;
mod query;
mod rate_limit;
pub mod receipt;
mod refusal;
mod render;
mod request_id;
mod router;
mod routes;
pub mod server;
pub mod settings;
mod sockets;
mod store_cache;
mod streams;
pub mod telemetry;
mod traces;
pub mod venue;
mod vocabulary;
mod webhooks;
