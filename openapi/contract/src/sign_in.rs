use catalog_core::account::SignedInBy;
use catalog_core::{DepartmentId, Role, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Signs in to a local account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// Login name, or a developer's mail address.
    pub name: String,
    /// The password.
    pub password: String,
}

/// Sets the password of a local account, by the one before or by a code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Login name, or a developer's mail address.
    pub name: String,
    /// The password so far.
    #[serde(default)]
    pub password: Option<String>,
    /// The code of an invitation, instead; case, spaces and hyphens do not matter.
    #[serde(default)]
    pub code: Option<String>,
    /// The new password: at least 12 characters, at most 256 bytes.
    pub new_password: String,
}

/// The running session, or who a signature or ticket speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Login name, or a machine's key id.
    pub person: String,
    /// The department acted for.
    pub department: Option<DepartmentId>,
    /// Roles.
    pub roles: Vec<Role>,
    /// When the session ends at the latest; none without a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// How it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub by: Option<SignedInBy>,
}

/// A one-time code for a person, shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    /// Login name.
    pub person: String,
    /// The code, to be handed to the person and nobody else.
    pub code: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Registers a developer, who belongs to no department.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeveloperRegistration {
    /// The name by which they are shown.
    pub name: String,
    /// Their mail address, to which a code is sent. It is kept sealed.
    pub email: String,
}
