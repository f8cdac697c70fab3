//! Reads the settings from file, environment and flags, and says what to do when one is wrong.

use std::path::{Path, PathBuf};

use config::{Config, Environment, File, FileFormat, Source as _};

use super::Settings;
use crate::auth::AdministratorToken;

/// Prefix of environment variables; `__` stands between a section and its setting, as in `TESSERA_HTTP__DEADLINE_MS`.
const PREFIX: &str = "TESSERA";
const SEPARATOR: &str = "__";
/// Between the items of a list in the environment.
const LIST_SEPARATOR: char = ',';
/// Settings that are lists.
const LISTS: [&str; 3] =
    ["http.trusted_proxies", "payments.razorpay.webhook_secrets", "payments.stripe.webhook_secrets"];
const WORKERS_MAX: usize = 1_024;
const TOKEN_LIFE_S: std::ops::RangeInclusive<u64> = 60..=86_400;
const DEADLINE_MS: std::ops::RangeInclusive<u64> = 100..=60_000;

/// What flags set: pairs of a setting's path (such as `http.deadline_ms`) and its value.
pub type Overrides = Vec<(&'static str, String)>;

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file named does not exist or cannot be read.
    #[error("the configuration file {} cannot be read; name another one with --config", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A setting is unknown or has the wrong type.
    #[error("the configuration cannot be used; see docs/operations/configuration.md for every setting")]
    Setting(#[from] config::ConfigError),
    /// A setting has an impossible value.
    #[error("the setting {name} is {value}, but must be {wanted}")]
    Value {
        /// Which.
        name: &'static str,
        /// What it is.
        value: String,
        /// What it may be.
        wanted: &'static str,
    },
}

/// The settings: `flags` over the environment over `file` over the defaults.
///
/// # Errors
/// [`SettingsError`], which says what to change.
pub fn load(file: Option<&Path>, flags: &Overrides) -> Result<Settings, SettingsError> {
    load_with(file, None, flags)
}

fn load_with(
    file: Option<&Path>,
    environment: Option<config::Map<String, String>>,
    flags: &Overrides,
) -> Result<Settings, SettingsError> {
    let mut builder = Config::builder();
    if let Some(path) = file {
        let text = std::fs::read_to_string(path)
            .map_err(|source| SettingsError::File { path: path.to_owned(), source })?;
        builder = builder.add_source(File::from_str(&text, FileFormat::Toml));
    }
    let variables = Environment::with_prefix(PREFIX)
        .prefix_separator("_")
        .separator(SEPARATOR)
        .ignore_empty(true)
        .source(environment);
    // As texts: a setting that is a number reads one, and a text (a phone number, a secret) keeps its plus sign and zeros.
    for (name, value) in variables.collect()? {
        builder = if LISTS.contains(&name.as_str()) {
            let text = value.into_string()?;
            let items: Vec<String> = text.split(LIST_SEPARATOR).map(str::to_owned).collect();
            builder.set_override(&name, items)?
        } else {
            builder.set_override(&name, value)?
        };
    }
    for (name, value) in flags {
        builder = builder.set_override(*name, value.as_str())?;
    }
    let settings: Settings = builder.build()?.try_deserialize()?;
    check(&settings)?;
    Ok(settings)
}

fn check(settings: &Settings) -> Result<(), SettingsError> {
    let wrong = |name, value: String, wanted| Err(SettingsError::Value { name, value, wanted });
    if settings.admin_token.as_ref().is_some_and(|token| AdministratorToken::new(token.reveal()).is_none()) {
        return wrong("admin_token", "(not shown)".to_owned(), "tsa_ and at least 20 ASCII characters");
    }
    if settings.workers > WORKERS_MAX {
        return wrong("workers", settings.workers.to_string(), "0 (one per processor) to 1024");
    }
    if !TOKEN_LIFE_S.contains(&settings.buyer_token.life_s) {
        return wrong("buyer_token.life_s", settings.buyer_token.life_s.to_string(), "60 to 86400 seconds");
    }
    if !DEADLINE_MS.contains(&settings.http.deadline_ms) {
        return wrong("http.deadline_ms", settings.http.deadline_ms.to_string(), "100 to 60000 milliseconds");
    }
    for (name, value) in [
        ("http.connections_max", settings.http.connections_max),
        ("http.streams_max", settings.http.streams_max),
        ("http.streams_per_address_max", settings.http.streams_per_address_max),
        ("http.streams_per_caller_max", settings.http.streams_per_caller_max),
        ("http.downloads_max", settings.http.downloads_max),
        ("http.downloads_per_address_max", settings.http.downloads_per_address_max),
    ] {
        if value == 0 {
            return wrong(name, value.to_string(), "at least 1");
        }
    }
    if settings.writer.new_holds_max == 0 || settings.writer.existing_max == 0 {
        return wrong("writer.new_holds_max or writer.existing_max", "0".to_owned(), "at least 1");
    }
    settings.cluster.check()?;
    settings.messages.check()?;
    settings.payments.check()?;
    if let Some(endpoint) = &settings.telemetry.otlp_endpoint
        && endpoint.strip_prefix("http://").is_none_or(str::is_empty)
    {
        let wanted =
            "http:// and the address of a collector; one on the same machine speaks TLS to those elsewhere";
        return wrong("telemetry.otlp_endpoint", endpoint.clone(), wanted);
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::settings::{Secret, StoreKind};

    fn file(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file
    }

    fn variables(pairs: &[(&str, &str)]) -> Option<config::Map<String, String>> {
        Some(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn flags_win_over_the_environment_over_the_file_over_the_defaults() {
        let file = file("workers = 1\nlog_level = 'warn'\n[http]\ndeadline_ms = 1000\nstreams_max = 7\n");
        let path = Some(file.path());
        let environment =
            variables(&[("TESSERA_WORKERS", "2"), ("TESSERA_HTTP__DEADLINE_MS", "2000"), ("OTHER", "x")]);
        let flags = vec![("workers", "3".to_owned())];
        let settings = load_with(path, environment, &flags).unwrap();
        assert_eq!(settings.workers, 3, "flag");
        assert_eq!(settings.http.deadline_ms, 2_000, "environment");
        assert_eq!((settings.http.streams_max, settings.log_level.as_str()), (7, "warn"), "file");
        assert_eq!(settings.http.backlog, Settings::default().http.backlog, "default");
    }

    #[test]
    fn a_list_reads_from_the_environment_and_the_file() {
        let file = file("[http]\ntrusted_proxies = ['10.0.0.9', '::1']\n");
        let wanted: Vec<std::net::IpAddr> = vec!["10.0.0.9".parse().unwrap(), "::1".parse().unwrap()];
        let settings = load_with(Some(file.path()), variables(&[]), &Vec::new()).unwrap();
        assert_eq!(settings.http.trusted_proxies, wanted);
        let environment = variables(&[("TESSERA_HTTP__TRUSTED_PROXIES", "10.0.0.9,::1")]);
        assert_eq!(load_with(None, environment, &Vec::new()).unwrap().http.trusted_proxies, wanted);
    }

    #[test]
    fn the_store_is_chosen() {
        let file = file("[store]\nkind = 'foundationdb'\nprefix = 'venue'\n");
        let environment = variables(&[("TESSERA_STORE__CLUSTER_FILE", "fdb.cluster")]);
        let store = load_with(Some(file.path()), environment, &Vec::new()).unwrap().store;
        assert_eq!((store.kind, store.prefix.as_str()), (StoreKind::FoundationDb, "venue"));
        assert_eq!(store.cluster_file, Some(PathBuf::from("fdb.cluster")));
    }

    #[test]
    fn the_administrators_token_is_read_but_never_shown() {
        let environment = variables(&[("TESSERA_ADMIN_TOKEN", "tsa_0123456789abcdef0123456789")]);
        let settings = load_with(None, environment, &Vec::new()).unwrap();
        let token = settings.admin_token.as_ref().unwrap();
        assert_eq!(token.reveal(), "tsa_0123456789abcdef0123456789");
        assert!(!format!("{settings:?}").contains("0123456789"));
    }

    #[test]
    fn an_account_at_stripe_is_read_and_never_shown() {
        let environment = variables(&[
            ("TESSERA_PAYMENTS__STRIPE__SECRET_KEY", "sk_test_1"),
            ("TESSERA_PAYMENTS__STRIPE__WEBHOOK_SECRETS", "whsec_1,whsec_2"),
        ]);
        let settings = load_with(None, environment, &Vec::new()).unwrap();
        let stripe = &settings.payments.stripe;
        assert_eq!(stripe.secret_key.as_ref().unwrap().reveal(), "sk_test_1");
        assert_eq!(
            stripe.webhook_secrets.iter().map(Secret::reveal).collect::<Vec<_>>(),
            ["whsec_1", "whsec_2"]
        );
        assert!(!format!("{settings:?}").contains("sk_test") && !format!("{settings:?}").contains("whsec"));
    }

    #[test]
    fn a_text_of_the_environment_stays_as_it_was_written() {
        let environment = variables(&[
            ("TESSERA_MESSAGES__TWILIO__ACCOUNT", "007"),
            ("TESSERA_MESSAGES__TWILIO__TOKEN", "1e5"),
            ("TESSERA_MESSAGES__TWILIO__FROM", "+4179000000"),
            ("TESSERA_MESSAGES__TWILIO__PER_SECOND", "3"),
            ("TESSERA_MESSAGES__SMTP__PASSWORD", "TRUE"),
            ("TESSERA_PAYMENTS__STRIPE__WEBHOOK_SECRETS", "0042"),
            ("TESSERA_RECEIPTS__ENABLED", "false"),
        ]);
        let settings = load_with(None, environment, &Vec::new()).unwrap();
        let twilio = &settings.messages.twilio;
        assert_eq!((&*twilio.account, &*twilio.from, twilio.per_second), ("007", "+4179000000", 3));
        assert_eq!(twilio.token.as_ref().unwrap().reveal(), "1e5");
        assert_eq!(settings.messages.smtp.password.as_ref().unwrap().reveal(), "TRUE");
        assert_eq!(settings.payments.stripe.webhook_secrets[0].reveal(), "0042");
        assert!(!settings.receipts.enabled);
    }

    #[test]
    fn a_number_of_the_environment_that_is_none_is_refused() {
        let error = load_with(None, variables(&[("TESSERA_WORKERS", "many")]), &Vec::new()).unwrap_err();
        let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        assert!(source.contains("many"), "{source}");
    }

    #[test]
    fn nothing_set_is_the_defaults() {
        assert_eq!(load_with(None, variables(&[]), &Vec::new()).unwrap(), Settings::default());
    }

    #[test]
    fn wrong_settings_are_named() {
        let error = |text: &str| {
            let file = file(text);
            let error = load_with(Some(file.path()), variables(&[]), &Vec::new()).unwrap_err();
            let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            format!("{error} {source}")
        };
        assert!(error("wrokers = 1").contains("wrokers"));
        assert!(error("workers = 'many'").contains("workers"));
        assert!(error("workers = 9999").contains("0 (one per processor) to 1024"));
        assert!(error("admin_token = 'secret'").contains("tsa_"));
        assert!(!error("admin_token = 'secret'").contains("secret "));
        assert!(error("[http]\ndeadline_ms = 1").contains("http.deadline_ms"));
        assert!(error("[payments.stripe]\nurl = 'https://x.example/v1'").contains("payments.stripe.url"));
        assert!(error("[telemetry]\notlp_endpoint = 'https://far'").contains("telemetry.otlp_endpoint"));
        assert!(error("[messages]\npublic_url = 'tickets'").contains("messages.public_url"));
        assert!(error("[messages]\npublic_url = 'https://t.example/x'").contains("without a path"));
        assert!(error("[messages.smtp]\nper_second = 0").contains("messages.smtp.per_second"));
        let missing = load(Some(Path::new("/nowhere/tessera.toml")), &Vec::new()).unwrap_err();
        assert!(missing.to_string().contains("--config"));
    }
}
