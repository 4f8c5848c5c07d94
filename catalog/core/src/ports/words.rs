//! What departments are told without asking.

use async_trait::async_trait;
use chrono::NaiveDate;

use crate::error::Result;
use crate::evidence::EvidenceRecord;
use crate::time::Timestamp;
use crate::words::{Delivery, Told};

/// What one round tells: written all or nothing.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Telling {
    /// Lights as they are told now.
    pub told: Vec<Told>,
    /// Limits that are over.
    pub over: Vec<Told>,
    /// The day whose morning list is among the deliveries. A day that has had its list is a `conflict`.
    pub listed: Option<NaiveDate>,
    /// What is to be delivered.
    pub deliveries: Vec<Delivery>,
    /// Breaches, told to the data authority.
    pub events: Vec<EvidenceRecord>,
}

/// Words and what was told.
#[async_trait]
pub trait WordStore: Send + Sync {
    /// The lights that were told last.
    async fn told(&self) -> Result<Vec<Told>>;
    /// Whether the morning list of the day was made.
    async fn is_listed(&self, day: NaiveDate) -> Result<bool>;
    /// Writes what a round tells.
    async fn tell(&self, telling: &Telling) -> Result<()>;
    /// What has not been delivered, given up or not, the oldest first.
    async fn deliveries(&self) -> Result<Vec<Delivery>>;
    /// What is to be tried by `now`, at most so many, those that have waited longest first.
    async fn due_deliveries(&self, now: Timestamp, limit: u32) -> Result<Vec<Delivery>>;
    /// Writes how a try of a delivery ended.
    async fn put_delivery(&self, delivery: &Delivery) -> Result<()>;
    /// Forgets a delivery that has arrived.
    async fn delivered(&self, id: &str) -> Result<()>;
}

/// Carries words out of the platform.
#[async_trait]
pub trait Courier: Send + Sync {
    /// Carries one word to its destination; when this returns it has arrived. The error's message is kept and shown.
    async fn carry(&self, delivery: &Delivery, now: Timestamp) -> Result<()>;
}
