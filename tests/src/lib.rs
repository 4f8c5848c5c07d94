#![doc = include_str!("../README.md")]
#![cfg(test)]

mod architecture;
mod http;
mod signatures;
mod support;
