//! What is asked and looked for before data becomes open: the check list for people, and the bounds of the machine check.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Problem, Result};

/// The questions where a place has set no others; yes means no objection.
const QUESTIONS: [&str; 8] = [
    "不属于国家秘密，也不会与其他公开信息汇聚后形成国家秘密",
    "不含商业秘密，或已取得权利人同意",
    "不含个人隐私，个人信息已去除或已脱敏",
    "不属于重要数据、核心数据",
    "公开后不会危及国家安全、公共安全、经济安全和社会稳定",
    "来源合法，本部门有权公开；涉及其他部门的，已与其协商一致",
    "内容真实、准确、完整，更新周期与目录一致",
    "法律、行政法规没有禁止公开的规定",
];

/// The most questions of a check list.
const MOST_QUESTIONS: usize = 50;

/// Check list and bounds, from configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SecrecyRules {
    /// Questions that people answer, each such that yes means no objection.
    pub questions: Vec<String>,
    /// A combination of quasi-identifiers that fewer rows share is rare.
    pub min_group: u32,
    /// An item with at most so many different values is a quasi-identifier, beside those that the review names.
    pub max_values: usize,
}

impl Default for SecrecyRules {
    fn default() -> Self {
        Self { questions: QUESTIONS.map(str::to_owned).into(), min_group: 3, max_values: 1000 }
    }
}

impl SecrecyRules {
    /// The defaults with what a JSON file sets otherwise: `{"min_group": 5}`.
    pub fn with_file(text: &str) -> Result<Self> {
        let rules: Self = serde_json::from_str(text).map_err(|error| {
            let problem = Problem::new(format!("line {}", error.line()), "secrecy.form", error.to_string());
            Error::invalid("the file holds no rules of the secrecy review", vec![problem])
        })?;
        let mut problems = Vec::new();
        let mut wrong =
            |at: &str, message: &str| problems.push(Problem::new(at, "secrecy.bounds", message.to_owned()));
        let is_blank = |question: &String| question.trim().is_empty();
        if rules.questions.len() > MOST_QUESTIONS || rules.questions.iter().any(is_blank) {
            wrong("questions", "a check list has at most 50 questions, none of them empty");
        }
        if !(2..=100).contains(&rules.min_group) {
            wrong("min_group", "a group that is not rare has 2 to 100 rows");
        }
        if !(2..=100_000).contains(&rules.max_values) {
            wrong("max_values", "a quasi-identifier has 2 to 100,000 values at most");
        }
        match problems.is_empty() {
            true => Ok(rules),
            false => Err(Error::invalid("the rules of the secrecy review are not valid", problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_sets_bounds_of_its_own_within_reason() {
        assert_eq!(SecrecyRules::with_file("{}").unwrap(), SecrecyRules::default());
        let rules = SecrecyRules::with_file(r#"{"min_group": 5, "questions": ["可以公开"]}"#).unwrap();
        assert_eq!((rules.min_group, rules.questions.len(), rules.max_values), (5, 1, 1000));
        for wrong in
            ["{", r#"{"min_group": 1}"#, r#"{"questions": [" "]}"#, r#"{"max_values": 1}"#, r#"{"k": 3}"#]
        {
            assert!(SecrecyRules::with_file(wrong).is_err(), "{wrong}");
        }
    }
}
