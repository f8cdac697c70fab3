//! Templates of messages: sources as people write them, and what they were compiled to.

use std::sync::Arc;

use prost::Message;
use tessera_inventory::Timestamp;
use tessera_store::keys::MessageTemplateKey;
use tessera_store::{Row, StoreError, Table, Transaction, transact};

use crate::kind::{Kind, Medium};
use crate::read::unreadable;
use crate::{TEMPLATE_ROWS_MAX, TEMPLATE_VERSIONS_KEPT};

/// What a template is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateName {
    /// Whose; 0: of the installation.
    pub organizer: u128,
    /// The kind of message.
    pub kind: Kind,
    /// Through what it goes.
    pub medium: Medium,
    /// A language tag in lower case.
    pub locale: String,
}

/// A version of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    /// What it is for.
    pub name: TemplateName,
    /// From 1; 0: not kept yet.
    pub version: u32,
    /// When it was kept.
    pub created_at: Timestamp,
    /// The subject line.
    pub subject: String,
    /// The plain text.
    pub text: String,
    /// MJML, as people write it.
    pub mjml: String,
    /// The HTML that it was compiled to, placeholders included.
    pub html: String,
}

/// What became of a template to be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is the newest version.
    Version(u32),
    /// The organizer has as many as it may.
    TooMany,
}

#[derive(Clone, PartialEq, Message)]
struct TemplateRow {
    #[prost(uint64, tag = "1")]
    created_at_ms: u64,
    #[prost(string, tag = "2")]
    subject: String,
    #[prost(string, tag = "3")]
    text: String,
    #[prost(string, tag = "4")]
    mjml: String,
    #[prost(string, tag = "5")]
    html: String,
}

impl Template {
    fn encode(&self) -> Vec<u8> {
        let Template { subject, text, mjml, html, created_at, .. } = self.clone();
        TemplateRow { created_at_ms: created_at.0, subject, text, mjml, html }.encode_to_vec()
    }

    fn decode((key, row): &Row) -> Result<Template, StoreError> {
        let wrong = || unreadable("templates");
        let key = MessageTemplateKey::unpack(key)?;
        let medium = Medium::numbered(key.channel).ok_or_else(wrong)?;
        let kind = Kind::numbered(key.kind).ok_or_else(wrong)?;
        let row = TemplateRow::decode(row.as_slice()).map_err(|_| wrong())?;
        let TemplateRow { created_at_ms, subject, text, mjml, html } = row;
        let name = TemplateName { organizer: key.organizer, kind, medium, locale: key.locale };
        let (version, created_at) = (key.version, Timestamp(created_at_ms));
        Ok(Template { name, version, created_at, subject, text, mjml, html })
    }
}

/// Templates, over a table.
#[derive(Clone)]
pub struct Templates {
    table: Arc<dyn Table>,
}

impl Templates {
    /// Over `table`.
    #[must_use]
    pub fn new(table: Arc<dyn Table>) -> Templates {
        Templates { table }
    }

    /// Keeps a template as the newest version of its name; the oldest versions leave.
    ///
    /// # Errors
    /// As the table says.
    pub async fn keep(&self, template: &Template) -> Result<Kept, StoreError> {
        let TemplateName { organizer, kind, medium, locale } = &template.name;
        let (kind, channel) = (kind.number(), medium.number());
        transact(self.table.as_ref(), |mut transaction| async move {
            let (begin, end) = MessageTemplateKey::range_of_locale(*organizer, kind, channel, locale);
            let versions = transaction.range(&begin, &end, TEMPLATE_VERSIONS_KEPT, true).await?;
            let newest = versions.first().map(Template::decode).transpose()?;
            // It is kept already, by an attempt of unknown outcome of this transaction.
            if let Some(newest) = &newest
                && newest.encode() == template.encode()
            {
                return Ok((transaction, Kept::Version(newest.version)));
            }
            if versions.is_empty() && is_full(transaction.as_mut(), *organizer).await? {
                return Ok((transaction, Kept::TooMany));
            }
            if versions.len() >= TEMPLATE_VERSIONS_KEPT
                && let Some((oldest, _)) = versions.last()
            {
                transaction.clear(oldest);
            }
            let version = newest.map_or(1, |newest| newest.version.saturating_add(1));
            let (organizer, locale) = (*organizer, locale.clone());
            let key = MessageTemplateKey { organizer, kind, channel, locale, version };
            transaction.set(&key.pack(), &template.encode());
            Ok((transaction, Kept::Version(version)))
        })
        .await
    }

    /// The newest version of a template of exactly this name.
    ///
    /// # Errors
    /// As the table says.
    pub async fn find(&self, name: &TemplateName) -> Result<Option<Template>, StoreError> {
        let TemplateName { organizer, kind, medium, locale } = name;
        let (begin, end) =
            MessageTemplateKey::range_of_locale(*organizer, kind.number(), medium.number(), locale);
        let rows = self.table.begin().await?.range(&begin, &end, 1, true).await?;
        rows.first().map(Template::decode).transpose()
    }

    /// The locale of the first template of an organizer for a kind of message, where it has any.
    ///
    /// # Errors
    /// As the table says.
    pub async fn any_locale(
        &self,
        organizer: u128,
        kind: Kind,
        medium: Medium,
    ) -> Result<Option<String>, StoreError> {
        let (begin, end) = MessageTemplateKey::range_of_kind(organizer, kind.number(), medium.number());
        let rows = self.table.begin().await?.range(&begin, &end, 1, false).await?;
        rows.first().map(|(key, _)| Ok(MessageTemplateKey::unpack(key)?.locale)).transpose()
    }

    /// The newest version of each template of an organizer.
    ///
    /// # Errors
    /// As the table says.
    pub async fn list(&self, organizer: u128) -> Result<Vec<Template>, StoreError> {
        let (begin, end) = MessageTemplateKey::range(organizer);
        let rows = self.table.begin().await?.range(&begin, &end, TEMPLATE_ROWS_MAX, false).await?;
        let mut newest: Vec<Template> = Vec::new();
        for row in &rows {
            let template = Template::decode(row)?;
            match newest.last_mut().filter(|last| last.name == template.name) {
                Some(last) => *last = template,
                None => newest.push(template),
            }
        }
        Ok(newest)
    }
}

async fn is_full(transaction: &mut dyn Transaction, organizer: u128) -> Result<bool, StoreError> {
    let (begin, end) = MessageTemplateKey::range(organizer);
    let rows_max = TEMPLATE_ROWS_MAX - TEMPLATE_VERSIONS_KEPT;
    Ok(transaction.range(&begin, &end, rows_max, false).await?.len() >= rows_max)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use futures::executor::block_on;
    use tessera_store::memory::MemoryStore;

    use super::*;

    #[test]
    fn the_newest_version_is_found_and_the_oldest_leave() {
        let templates = Templates::new(Arc::new(MemoryStore::new()));
        let (kind, medium, locale) = (Kind::Confirmation, Medium::Email, "de".to_owned());
        let name = TemplateName { organizer: 7, kind, medium, locale };
        let template = |subject: &str| Template {
            name: name.clone(),
            version: 0,
            created_at: Timestamp(1),
            subject: subject.to_owned(),
            text: String::new(),
            mjml: String::new(),
            html: String::new(),
        };
        for number in 1..=12_u32 {
            let kept = block_on(templates.keep(&template(&number.to_string()))).unwrap();
            assert_eq!(kept, Kept::Version(number));
        }
        assert_eq!(block_on(templates.keep(&template("12"))).unwrap(), Kept::Version(12), "the same");
        let found = block_on(templates.find(&name)).unwrap().unwrap();
        assert_eq!((found.version, found.subject.as_str()), (12, "12"));
        assert_eq!(block_on(templates.list(7)).unwrap(), [found]);
        let other = TemplateName { locale: "en".to_owned(), ..name };
        assert_eq!(block_on(templates.find(&other)).unwrap(), None);
        assert_eq!(block_on(templates.any_locale(7, kind, medium)).unwrap().as_deref(), Some("de"));
        assert_eq!(block_on(templates.any_locale(8, kind, medium)).unwrap(), None);
    }
}
