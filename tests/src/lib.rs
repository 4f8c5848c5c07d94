#![doc = include_str!("../README.md")]
#![cfg(test)]

mod architecture;
mod signatures;
