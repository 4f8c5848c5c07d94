//! What the public contributes: feedback on a dataset, the gallery of works, and both as those see them who decide.

use askama::Template;
use catalog_core::contribution::{Author, Contributed, ContributionState};
use catalog_core::services::{Ratings, ReviewedContribution, ShownContribution};
use serde::Deserialize;

use crate::around::Around;
use crate::names::Names;
use crate::pager::Pager;

/// What somebody fills in about a dataset.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Opinion {
    /// From 1 to 5, as text: nothing may be chosen yet.
    pub rating: String,
    /// In words.
    pub text: String,
}

/// The feedback on a dataset, and the form for more.
#[derive(Template)]
#[template(path = "feedback.html")]
pub struct FeedbackPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The dataset's code, as it stands in addresses.
    pub code: &'a str,
    /// Its title.
    pub title: &'a str,
    /// How it is rated.
    pub ratings: Ratings,
    /// What is shown.
    pub feedback: &'a [ShownContribution],
    /// What was typed.
    pub typed: &'a Opinion,
    /// Whether something was just received.
    pub is_received: bool,
}

/// What somebody fills in about a work.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct WorkForm {
    /// Its name.
    pub title: String,
    /// What it is good for.
    pub text: String,
    /// Where it is.
    pub link: String,
    /// Codes of datasets, one a line.
    pub resources: String,
    /// How to reach its maker.
    pub contact: String,
}

/// The works that are shown.
#[derive(Template)]
#[template(path = "gallery.html")]
pub struct GalleryPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// The works.
    pub works: &'a [ShownContribution],
    /// The code of the dataset that they are made of, where the reader has chosen one.
    pub code: Option<&'a str>,
    /// The id behind which the next page begins.
    pub next: Option<&'a str>,
    /// Whether something was just received.
    pub is_received: bool,
}

/// The form by which a work is offered.
#[derive(Template)]
#[template(path = "gallery_submit.html")]
pub struct OfferPage<'a> {
    /// What surrounds it.
    pub a: Around<'a>,
    /// What was typed.
    pub typed: &'a WorkForm,
}

/// Contributions for those who decide about them.
#[derive(Template)]
#[template(path = "desk/contributions.html")]
pub struct ContributionsPage<'a> {
    /// Who the people and departments are.
    pub names: &'a Names,
    /// What surrounds it.
    pub a: Around<'a>,
    /// Whether they are works; else they are feedback.
    pub is_gallery: bool,
    /// How those stand that are listed: `waiting`, `shown`, `refused`.
    pub state: &'a str,
    /// The contributions.
    pub found: &'a [ReviewedContribution],
    /// Of which one something was typed, and what.
    pub typed: (&'a str, &'a str),
    /// The contact that was asked for, with its contribution's id.
    pub contact: Option<(&'a str, &'a str)>,
    /// The ways through the list.
    pub pager: Pager,
}

impl FeedbackPage<'_> {
    /// `4.3`
    fn mean(&self) -> String {
        format!("{}.{}", self.ratings.mean_tenths / 10, self.ratings.mean_tenths % 10)
    }

    fn choices(&self) -> [(&'static str, &'static str, &'static str); 5] {
        [
            ("5", "5 分 很好", "5, very good"),
            ("4", "4 分 好", "4, good"),
            ("3", "3 分 一般", "3, fair"),
            ("2", "2 分 较差", "2, poor"),
            ("1", "1 分 很差", "1, very poor"),
        ]
    }

    fn rating(&self, one: &ShownContribution) -> u8 {
        one.content.rating().unwrap_or(0)
    }
}

impl GalleryPage<'_> {
    /// The address of the next page.
    fn next_page(&self, before: &str) -> String {
        match self.code {
            Some(code) => format!("/gallery?dataset={code}&before={before}"),
            None => format!("/gallery?before={before}"),
        }
    }

    /// Codes and titles of the datasets of a work.
    fn datasets<'s>(&self, one: &'s ShownContribution) -> Vec<(String, &'s str)> {
        let codes = one.content.resources().iter().map(|code| code.path_form());
        codes.zip(one.titles.iter().map(String::as_str)).collect()
    }
}

impl ContributionsPage<'_> {
    fn address(&self) -> &'static str {
        if self.is_gallery { "/desk/gallery" } else { "/desk/feedback" }
    }

    fn states(&self) -> [(&'static str, &'static str, &'static str); 3] {
        [("waiting", "待审核", "Waiting"), ("shown", "已展示", "Shown"), ("refused", "未展示", "Not shown")]
    }

    fn author(&self, one: &ReviewedContribution) -> String {
        match &one.author {
            Author::Public => self.a.say("公众", "The public").to_owned(),
            Author::Developer(id) => format!("{} {id}", self.a.say("开发者", "Developer")),
            Author::Department(id) => self.names.department(id.as_str()).to_owned(),
        }
    }

    fn datasets<'s>(&self, one: &'s ReviewedContribution) -> Vec<(String, &'s str)> {
        let codes = one.content.resources().iter().map(|code| code.path_form());
        codes.zip(one.titles.iter().map(String::as_str)).collect()
    }

    fn is_shown(&self, one: &ReviewedContribution) -> bool {
        one.state == ContributionState::Shown
    }

    fn is_refused(&self, one: &ReviewedContribution) -> bool {
        one.state == ContributionState::Refused
    }

    /// What was typed about one of them.
    fn typed_of(&self, one: &ReviewedContribution) -> &str {
        if self.typed.0 == one.id { self.typed.1 } else { "" }
    }

    fn contact_of(&self, one: &ReviewedContribution) -> Option<&str> {
        self.contact.filter(|(id, _)| *id == one.id).map(|(_, contact)| contact)
    }
}

/// The words of a contribution.
fn text(content: &Contributed) -> &str {
    match content {
        Contributed::Feedback(feedback) => &feedback.text,
        Contributed::Work(work) => &work.text,
    }
}

/// The name of a work; nothing for feedback.
fn title(content: &Contributed) -> &str {
    match content {
        Contributed::Feedback(_) => "",
        Contributed::Work(work) => &work.title,
    }
}

/// The link of a work.
fn link(content: &Contributed) -> Option<&str> {
    match content {
        Contributed::Feedback(_) => None,
        Contributed::Work(work) => work.link.as_deref(),
    }
}

#[cfg(test)]
mod tests {
    use catalog_core::contribution::{Feedback, Work};
    use catalog_core::services::ShownReply;
    use catalog_core::{ResourceCode, Timestamp};
    use openapi_dcat::Site;

    use super::*;
    use crate::pages::Page as _;
    use crate::{Identity, Language};

    /// What the page of a dataset includes.
    #[derive(Template)]
    #[template(path = "dataset/take_part.html")]
    struct TakePart<'a> {
        a: Around<'a>,
        code: String,
    }

    fn contribution(content: Contributed, text: &str) -> ShownContribution {
        let reply = ShownReply { text: text.to_owned(), department: text.to_owned(), at: Timestamp(1) };
        ShownContribution {
            id: "1".to_owned(),
            at: Timestamp(0),
            author: text.to_owned(),
            content,
            titles: vec![text.to_owned()],
            reply: Some(reply),
        }
    }

    fn pages(text: &str) -> [String; 4] {
        let (site, identity) = (Site::new("https://a.example").unwrap(), Identity::default());
        let around = || Around::plain(&site, &identity, Language::Chinese, "/gallery");
        let resource = ResourceCode::new("301001/000001").unwrap();
        let feedback = Feedback { resource: resource.clone(), rating: 3, text: text.to_owned() };
        let (title, link) = (text.to_owned(), Some("https://b.example/?x=1&y=2".to_owned()));
        let work = Work { title, text: text.to_owned(), link, resources: vec![resource] };
        let feedback = [contribution(Contributed::Feedback(feedback), text)];
        let works = [contribution(Contributed::Work(work), text)];
        let typed = Opinion { rating: text.to_owned(), text: text.to_owned() };
        let form = WorkForm {
            title: text.to_owned(),
            text: text.to_owned(),
            link: text.to_owned(),
            resources: text.to_owned(),
            contact: text.to_owned(),
        };
        let ratings = Ratings { count: 1, mean_tenths: 43 };
        let of_feedback = FeedbackPage {
            a: around(),
            code: "301001-000001",
            title: text,
            ratings,
            feedback: &feedback,
            typed: &typed,
            is_received: true,
        };
        let gallery =
            GalleryPage { a: around(), works: &works, code: None, next: Some("1"), is_received: true };
        let offer = OfferPage { a: around(), typed: &form };
        let part = TakePart { a: around(), code: "301001-000001".to_owned() };
        [
            of_feedback.write().unwrap(),
            gallery.write().unwrap(),
            offer.write().unwrap(),
            part.write().unwrap(),
        ]
    }

    #[test]
    fn what_strangers_write_leaves_its_place_nowhere() {
        let elements = |html: &str| html.matches('<').count();
        for text in ["</textarea><script>x</script>", "\"><img src=x onerror=y>", "'{{7*7}}<"] {
            for (hostile, plain) in pages(text).iter().zip(&pages("名")) {
                assert_eq!(elements(hostile), elements(plain), "{hostile}");
            }
        }
        let [feedback, gallery, ..] = pages("名");
        assert!(feedback.contains("<strong>4.3</strong>"), "{feedback}");
        assert!(gallery.contains("rel=\"nofollow noopener external ugc\""), "{gallery}");
    }
}
