//! Who a LiteLLM call was for: the books say where each dimension comes from, LiteLLM's own places are the default.
//!
//! `request_tags ["feature:search", "env:prod", "User-Agent: OpenAI"]`, `user_api_key_team_alias "support"`

use std::borrow::Cow;

use super::call::first;
use super::row::{Row, Slot};
use crate::diagnostic::{Diagnostic, Origin};
use crate::error::Result;
use crate::read::TagSources;
use crate::read::json_scan::{self, Quotes, Scan};
use crate::usage::Attribution;

/// One place a dimension may come from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Slots(&'static [Slot]),
    /// A tag that starts with this.
    Tag(String),
    /// A key of the free metadata of the request.
    Metadata(String),
}

/// Where the five dimensions come from, first hit wins.
#[derive(Debug, Clone)]
pub struct Plan {
    team: Vec<Place>,
    feature: Vec<Place>,
    environment: Vec<Place>,
    customer: Vec<Place>,
    deploy: Vec<Place>,
    tags: bool,
}

impl Plan {
    pub fn new(sources: &TagSources) -> Result<Plan> {
        let mut wrong = Vec::new();
        let mut places = |dimension: &str, named: &[String], default: &[&str]| -> Vec<Place> {
            let named: Vec<&str> =
                if named.is_empty() { default.to_vec() } else { named.iter().map(String::as_str).collect() };
            let mut places = Vec::new();
            for name in named {
                match Place::parse(name) {
                    Some(place) => places.push(place),
                    None => wrong.push(
                        Diagnostic::error(
                            "unknown-tag-source",
                            Origin::default(),
                            format!("`{dimension}` cannot come from `{name}` in LiteLLM logs"),
                        )
                        .help("use team_alias, team_id, organization, project_alias, key_alias, end_user, user, tag:NAME or metadata:NAME"),
                    ),
                }
            }
            places
        };
        let mut plan = Plan {
            team: places("team", &sources.team, &["team_alias", "team_id"]),
            feature: places("feature", &sources.feature, &["tag:feature"]),
            environment: places("environment", &sources.environment, &["tag:env", "tag:environment"]),
            customer: places("customer", &sources.customer, &["end_user"]),
            deploy: places("deploy", &sources.deploy, &["tag:deploy"]),
            tags: false,
        };
        let tags = plan.dimensions().into_iter().flatten().any(|place| matches!(place, Place::Tag(_)));
        plan.tags = tags;
        if wrong.is_empty() { Ok(plan) } else { Err(crate::error::Error::Input(wrong)) }
    }

    fn dimensions(&self) -> [&Vec<Place>; 5] {
        [&self.team, &self.feature, &self.environment, &self.customer, &self.deploy]
    }

    pub fn attribution<'a>(&self, row: &Row<'a>) -> Attribution<'a> {
        let mut tags: Vec<Cow<'a, str>> = Vec::new();
        if self.tags {
            read_tags(row.raw(Slot::Tags), &mut tags);
        }
        let [team, feature, environment, customer, deploy] =
            self.dimensions().map(|places| places.iter().find_map(|place| place.find(row, &tags)));
        Attribution {
            team: team.unwrap_or_default(),
            feature: feature.unwrap_or_default(),
            environment: environment.unwrap_or_default(),
            customer: without_session(customer.unwrap_or_default()),
            deploy: deploy.unwrap_or_default(),
        }
    }
}

impl Place {
    fn parse(text: &str) -> Option<Place> {
        if let Some(name) = text.strip_prefix("tag:") {
            return Some(Place::Tag(format!("{name}:")));
        }
        if let Some(name) = text.strip_prefix("metadata:") {
            return Some(Place::Metadata(name.to_owned()));
        }
        Some(Place::Slots(match text {
            "team_alias" | "team" => &[Slot::TeamAlias],
            "team_id" => &[Slot::TeamId, Slot::MetaTeamId],
            "organization" | "organization_id" => &[Slot::Organization, Slot::MetaOrganization],
            "project" | "project_alias" => &[Slot::ProjectAlias],
            "key_alias" => &[Slot::KeyAlias],
            "key" => &[Slot::ApiKey, Slot::KeyHash],
            "end_user" => &[Slot::EndUser],
            "user" | "user_id" => &[Slot::User, Slot::MetaUser],
            _ => return None,
        }))
    }

    fn find<'a>(&self, row: &Row<'a>, tags: &[Cow<'a, str>]) -> Option<Cow<'a, str>> {
        let found = match self {
            Place::Slots(slots) => first(row, slots),
            Place::Tag(prefix) => tags.iter().find_map(|tag| {
                let value = tag.strip_prefix(prefix.as_str())?.trim();
                Some(match tag {
                    Cow::Borrowed(tag) => Cow::Borrowed(tag[prefix.len()..].trim()),
                    Cow::Owned(_) => Cow::Owned(value.to_owned()),
                })
            })?,
            Place::Metadata(name) => [Slot::SpendLogsMetadata, Slot::RequesterMetadata]
                .iter()
                .find_map(|slot| entry(row.raw(*slot), name))?,
        };
        (!found.is_empty()).then_some(found)
    }
}

/// The tags of a request. The client's name and version, which LiteLLM adds, say nothing about an owner.
fn read_tags<'a>(raw: &'a [u8], tags: &mut Vec<Cow<'a, str>>) {
    let mut keep = |tag: Cow<'a, str>| {
        if !tag.starts_with("User-Agent:") {
            tags.push(tag);
        }
    };
    // An array of plain strings is read in place; anything else (escapes, JSON as text) the long way.
    if raw.starts_with(b"[") && memchr::memchr(b'\\', raw).is_none() {
        let mut rest = &raw[1..];
        while let Some(open) = memchr::memchr(b'"', rest) {
            let Some(length) = memchr::memchr(b'"', &rest[open + 1..]) else { return };
            keep(json_scan::lossy(&rest[open + 1..open + 1 + length]));
            rest = &rest[open + length + 2..];
        }
    } else {
        json_scan::strings(raw, |tag| keep(Cow::Owned(tag.into_owned())));
    }
}

/// The text of a key in a small object.
fn entry<'a>(raw: &'a [u8], name: &str) -> Option<Cow<'a, str>> {
    let mut quotes = Quotes::default();
    quotes.index(raw);
    let mut found = None;
    // An object that is broken would have broken its line.
    let _ = Scan::new(raw, &quotes, 0..raw.len()).entries(|key, value, _| {
        if key == name.as_bytes() {
            found = Some(json_scan::text(value));
        }
    });
    found
}

/// Coding agents send `user_<hash>_account_<id>_session_<id>`: a session is no customer.
fn without_session(customer: Cow<'_, str>) -> Cow<'_, str> {
    match customer.starts_with("user_").then(|| customer.find("_session_")).flatten() {
        Some(end) => Cow::Owned(customer[..end].to_owned()),
        None => customer,
    }
}
