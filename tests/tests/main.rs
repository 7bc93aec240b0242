//! What no single crate can show. One binary, so that it links once.

mod clients;
mod crash;
mod documents;
mod draft;
mod engine;
mod errors;
mod fragile;
mod generations;
mod imports;
mod lifecycle;
mod models;
mod order;
mod page;
mod policies;
mod prefix;
mod recall;
mod remote;
mod replay;
mod rollout;
mod seed;
mod snapshots;
mod spin;
mod supersede;
mod support;
mod swap;
mod tidy;
