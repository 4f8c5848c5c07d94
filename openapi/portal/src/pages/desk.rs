//! The desk 工作台: where people of departments, and those who run the platform, do their day's work.

use askama::Template;

use super::matters::MatterLine;
use crate::around::Around;

/// How matters stand that concern the reader.
#[derive(Debug, Clone, Default)]
pub struct DeskMatters<'a> {
    /// How many wait for the reader.
    pub waiting: usize,
    /// Among those that their side handles: how many have a red, a yellow, a green light.
    pub lights: [usize; 3],
    /// How many they have asked for that are open.
    pub asked: usize,
    /// Whether there are more than were counted.
    pub more: bool,
    /// The most urgent of those that wait.
    pub urgent: Vec<MatterLine<'a>>,
}

/// The first page of the desk: what its reader may do, and what is urgent.
#[derive(Template)]
#[template(path = "desk/home.html")]
pub struct DeskPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// Matters, for those who have any.
    pub matters: Option<DeskMatters<'a>>,
}
