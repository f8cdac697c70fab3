//! How messages to people look, and how they travel: templates that organizers edit, e-mail, SMS, notifications of browsers, Discord and
//! Telegram. What is said to whom is the business of
//! the supervision tree; what a message may show, of the server.

mod builtin;
mod delivery;
mod discord;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod examples;
mod facts;
mod holds;
mod http;
mod nesting;
mod push;
mod relay;
mod sandbox;
mod sms;
mod smtp;
mod telegram;
mod template;

pub use builtin::{builtin, builtin_short, languages, layout};
pub use delivery::Delivery;
pub use discord::{DISCORD_CHARACTERS_MAX, Discord};
pub use facts::{Fact, Facts, example, variables};
pub use push::{Browser, Notification, PLAIN_BYTES_MAX, Push, PushKeyError, Urgency, Vapid, is_point};
pub use sms::{SMS_CHARACTERS_MAX, ShortText, Sms, SmsOptions};
pub use smtp::{Attachment, Mail, Smtp, SmtpError, SmtpOptions, Tls};
pub use telegram::{TELEGRAM_CHARACTERS_MAX, Telegram, TelegramOptions};
pub use template::{Compiled, RenderError, Rendered, Source, TemplateError, compile, compile_short, render};

/// Why people cannot be told anything.
#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    /// There is no way to send mail.
    #[error(transparent)]
    Smtp(#[from] SmtpError),
    /// The secret of the installation makes no key for browsers.
    #[error("the secret of the installation makes no key for messages to browsers")]
    PushKey,
}

/// Longest subject line of a template, in bytes.
pub const SUBJECT_BYTES_MAX: usize = 500;
/// Longest text of a template, in bytes.
pub const TEXT_BYTES_MAX: usize = 16 * 1024;
/// Longest MJML of a template, in bytes.
pub const MJML_BYTES_MAX: usize = 24 * 1024;
/// Longest HTML that a template may be compiled to, in bytes.
pub const HTML_BYTES_MAX: usize = 48 * 1024;
/// Longest part of a message that a template may make, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// Instructions that one part of a message may take.
pub const FUEL: u64 = 50_000;
/// Deepest nesting of elements in MJML: it is read and rendered by recursion.
pub const MJML_DEPTH_MAX: usize = 32;
