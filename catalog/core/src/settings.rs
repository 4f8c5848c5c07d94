//! What a city may set otherwise than law and this program have it, each out of a file of its own in the data folder.

use crate::deadline::Rules;
use crate::matter::DeveloperBounds;
use crate::notice::NoticeRules;
use crate::quota::Quotas;
use crate::retention::Retention;
use crate::secrecy::SecrecyRules;
use crate::supervision::Thresholds;

/// All of it; where nothing is set, what law or this program says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// What deadlines are reckoned by.
    pub deadlines: Rules,
    /// What supervision finds out of the ordinary.
    pub supervision: Thresholds,
    /// What notices say, and how long applicants' identities are kept.
    pub notices: NoticeRules,
    /// What is asked and looked for before anything becomes open.
    pub secrecy: SecrecyRules,
    /// How much one developer may ask.
    pub developers: DeveloperBounds,
    /// How long versions are kept.
    pub retention: Retention,
    /// How much may be asked without a proof of identity, and with a developer key.
    pub quotas: Quotas,
}
