//! The real binary against real sockets: each test starts its own gateway and its own origins on free
//! ports, and everything ends with the test.

mod accessible;
mod bots;
mod browser;
mod drain;
mod figures;
mod gateway;
mod http;
mod hygiene;
mod invitations;
mod limits;
mod moving;
mod operators;
mod origin;
mod page;
mod polls;
mod preview;
mod refusals;
mod reload;
mod rooms;
mod sharing;
mod shop;
mod slow;
mod stage;
mod start;
mod streams;
mod upstreams;
mod visits;
mod window;
