#![doc = include_str!("../README.md")]
#![cfg(test)]

mod architecture;
mod calendar;
mod command;
mod http;
mod matrix;
mod signatures;
mod sql;
mod support;
