#![doc = include_str!("../README.md")]

mod access;
mod api_key;
mod ckan;
mod contribution;
mod data;
mod delta;
mod directory;
pub mod header;
mod inspection;
mod lookup;
mod past;
mod problem;
mod public;
mod query;
mod sign_in;
mod status;
mod subscription;
mod supervision;

pub use access::{
    AdministratorClaim, ConsistencyProof, ErasedRecords, GarbageCollected, GarbageCollection, InclusionProof,
    IssuedTicket, KeyRotation, LeafProof, Reason, Receipt, Salt, Statement, TicketRequest, TicketView,
};
pub use api_key::{ApiKeyRequest, ApiKeyView, IssuedApiKey, KeyDay};
pub use ckan::{CkanAnswer, CkanError, CkanRefusal};
pub use contribution::{
    ContributionContact, ContributionDecision, ContributionReply, FeedbackPage, ReceivedContribution,
    WorkInput,
};
pub use data::{
    BadCell, BreakingView, MaterialUpload, PreparedVersion, QualityReport, RecordActView, RecordsQuery, Rows,
    RuleViolations, SampleReport, Sort, SqlFunction, SqlQuery, UploadProgress, UploadReport, UploadStage,
    VersionView, WaitingVersion,
};
pub use delta::{
    OneShare, Profile, ProfileRequest, Share, SharePage, ShareSchema, ShareTable, SharingError, TableQuery,
};
pub use directory::{BulkStep, ImportReport, NewCode, Step, StepOutcome, TakenCode, UnfinishedInput};
pub use inspection::{AccessStart, EvidenceLeaf, EvidencePage};
pub use lookup::{
    KeyValue, RecordKey, RecordLookup, VerificationAnswer, VerificationAnswers, VerificationBatch,
    VerificationRequest, VerificationResult,
};
pub use past::{Certainty, GrantPreview, Replay, SubjectAccess, SubjectAccesses, SubjectQuery, Verdict};
pub use problem::ProblemDetails;
pub use public::{CodeProof, DisclosureInput, LetterInput, OpenedPublicMatter, PublicAct};
pub use query::{
    ColumnInView, NewQuery, PastQuery, PastState, SavedQueryView, TableInView, TableOutOfView, TablesInView,
};
pub use sign_in::{Credentials, DeveloperRegistration, Invitation, NewPassword, SessionView};
pub use status::{BackupStatus, CheckpointStatus, OperationStatus, PlatformStatus};
pub use subscription::{DeliveryState, NotificationView, SubscriptionRequest, SubscriptionView};
pub use supervision::{AssessedRecords, SignedAssessment, Supervision};
